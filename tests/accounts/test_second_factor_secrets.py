"""What second factors are made of: encrypted in the database, in no page of the admin."""

from importlib import import_module

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.apps import apps
from django.contrib import admin
from django.urls import reverse

from readerstudy.accounts import tokens
from tests.accounts.test_login import code_now, is_in, log_in
from tests.builders import make_user
from tests.worlds import make_world

pytestmark = pytest.mark.django_db
SECRET = "JBSWY3DPEHPK3PXP"


def test_secrets_and_seeds_are_encrypted_and_still_log_in(client):
    ann = make_user("ann")
    TOTP.activate(ann, SECRET)
    codes = RecoveryCodes.activate(ann).get_unused_codes()
    stored = str(list(Authenticator.objects.values_list("data", flat=True)))
    assert SECRET not in stored and not any(code in stored for code in codes) and stored.count("fernet:") == 2
    for code in (code_now(SECRET), codes[0]):
        log_in(client, "ann")
        client.post("/accounts/2fa/authenticate/", {"code": code})
        assert is_in(client), code


def test_rows_of_earlier_versions_are_encrypted_by_the_migration(client):
    ann = make_user("ann")
    Authenticator.objects.create(user=ann, type="totp", data={"secret": SECRET})
    Authenticator.objects.create(user=ann, type="recovery_codes", data={"migrated_codes": ["12345678"], "used_mask": 0})
    migrate = import_module("readerstudy.accounts.migrations.0003_export_tokens").encrypt_second_factors
    migrate(apps, None)
    once = list(Authenticator.objects.order_by("pk").values_list("data", flat=True))
    assert SECRET not in str(once) and "12345678" not in str(once)
    migrate(apps, None)
    assert list(Authenticator.objects.order_by("pk").values_list("data", flat=True)) == once
    log_in(client, "ann")
    client.post("/accounts/2fa/authenticate/", {"code": code_now(SECRET)})
    assert is_in(client)


def test_with_another_key_no_code_fits(client, settings, caplog):
    TOTP.activate(make_user("ann"), SECRET)
    settings.BLINDING_KEY = "another"
    log_in(client, "ann")
    for code in (code_now(SECRET), code_now("A" * 32)):
        assert client.post("/accounts/2fa/authenticate/", {"code": code}).status_code == 200
    assert not is_in(client)
    assert "BLINDING_KEY is not the one" in caplog.text


def test_no_page_of_the_admin_shows_a_credential(client):
    world = make_world("one")
    reader = world.people["reader"]
    TOTP.activate(reader, SECRET)
    RecoveryCodes.activate(reader)
    key = tokens.make(world.people["researcher"])
    values = [row.data.get("secret") or row.data.get("seed") for row in Authenticator.objects.all()]
    secrets = [*values, SECRET, key, tokens.digest(key), reader.password]
    client.force_login(make_user("root", is_staff=True, is_superuser=True))
    pages = 0
    for model in admin.site._registry:
        place = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        addresses = [reverse(f"{place}_change", args=[row.pk]) for row in model._default_manager.all()[:3]]
        for address in [reverse(f"{place}_changelist"), *addresses]:
            text = client.get(address, follow=True).content.decode()
            pages += 1
            assert not [secret for secret in secrets if secret in text], address
    assert pages > 30


def test_a_superuser_ends_a_lost_second_factor_and_other_staff_does_not(client):
    TOTP.activate(make_user("ann"), SECRET)
    address = reverse("admin:mfa_authenticator_delete", args=[Authenticator.objects.get().pk])
    client.force_login(make_user("staff", is_staff=True))
    assert client.post(address, {"post": "yes"}).status_code == 403
    client.force_login(make_user("root", is_staff=True, is_superuser=True))
    assert client.post(address, {"post": "yes"}).status_code == 302
    assert not Authenticator.objects.exists()
