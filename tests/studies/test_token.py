"""Export tokens: for people who run a study, shown once, hashed, for exports only, and ended with their reason."""

from datetime import timedelta
from importlib import import_module

import pytest
from allauth.mfa.models import Authenticator
from django.apps import apps
from django.db import connection
from django.test import Client
from django.utils import timezone

from readerstudy.accounts import tokens
from readerstudy.accounts.models import ExportToken, User
from tests.builders import make_member, make_study, make_user
from tests.test_access import TABLE, fill
from tests.worlds import make_world

pytestmark = pytest.mark.django_db
EXPORT = "/api/studies/one/reads/?table=dictionary"


@pytest.fixture
def bob() -> User:
    return make_member(make_study("one"), "bob", "researcher")


def ask(key: str, path: str = EXPORT, method: str = "get"):
    return getattr(Client(headers={"authorization": f"Token {key}"}), method)(path)


def test_a_token_is_shown_once_kept_as_a_hash_and_revoked(client, bob):
    client.force_login(bob)
    page = client.post("/accounts/token/", {"action": "make"})
    key = page.context["made"]
    assert len(key) >= 40 and key in page.content.decode()
    assert key not in client.get("/accounts/token/").content.decode()
    assert key not in str(list(ExportToken.objects.values()))
    assert ask(key).status_code == 200
    client.post("/accounts/token/", {"action": "revoke"})
    assert ask(key).status_code == 401


def test_a_new_token_ends_the_old_one(bob):
    old, new = tokens.make(bob), tokens.make(bob)
    assert (ask(old).status_code, ask(new).status_code) == (401, 200)


def test_it_opens_exports_and_nothing_else(quiet_log):
    """Also a reader's, which no page makes: wherever it is sent, the answer is a stranger's."""
    world = make_world("one")
    keys = {role: tokens.make(world.people[role]) for role in ("researcher", "administrator", "reader")}
    opened = set()
    for route, row in TABLE.items():
        address = fill(route, row.values("one", world))
        as_stranger = getattr(Client(), row.method)(address).status_code
        opened |= {route for key in keys.values() if ask(key, address, row.method).status_code != as_stranger}
    assert opened == {"api/studies/<slug:slug>/reads/"}
    assert ask(keys["reader"]).status_code == 404, "a reader runs no study"
    assert ask(keys["researcher"], "/api/schema/").status_code == 401


def test_it_ends_by_itself_and_says_so(bob):
    key = tokens.make(bob)
    ExportToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    answer = ask(key)
    assert answer.status_code == 401
    assert "ended on" in answer.json()["detail"] and "/accounts/token/" in answer.json()["detail"]


def test_a_new_password_ends_it_and_a_log_in_does_not(client, bob):
    key = tokens.make(bob)
    client.post("/accounts/login/", {"login": "bob", "password": "let-me-read-1"})
    bob.refresh_from_db()
    bob.first_name = "Bob"
    bob.save()
    assert ask(key).status_code == 200
    new = {"oldpassword": "let-me-read-1", "password1": "chest-film-42", "password2": "chest-film-42"}
    assert client.post("/accounts/password/change/", new).status_code == 302
    assert ask(key).status_code == 401


def test_the_loss_of_every_role_ends_it_for_good(bob):
    second = make_study("two")
    second.memberships.create(user=bob, role="researcher")
    key = tokens.make(bob)
    bob.memberships.get(study__slug="one").delete()
    assert ask(key).status_code == 404 and ask(key, EXPORT.replace("one", "two")).status_code == 200
    bob.memberships.get().delete()
    second.memberships.create(user=bob, role="researcher")
    assert ask(key, EXPORT.replace("one", "two")).status_code == 401


@pytest.mark.parametrize("change", [{"is_staff": False}, {"is_active": False}])
def test_the_loss_of_rights_ends_it(change):
    make_study("one")
    root = make_user("root", is_staff=True)
    key = tokens.make(root)
    assert ask(key).status_code == 200
    for name, value in change.items():
        setattr(root, name, value)
    root.save()
    assert ask(key).status_code == 401


def test_an_administrator_without_the_second_factor_that_is_required_has_no_use_of_it(settings):
    make_study("one")
    root = make_user("root", is_staff=True)
    key = tokens.make(root)
    settings.REQUIRE_MFA_FOR_STAFF = True
    answer = ask(key)
    assert answer.status_code == 401 and "second factor" in answer.json()["detail"]
    Authenticator.objects.create(user=root, type=Authenticator.Type.TOTP, data={})
    assert ask(key).status_code == 200


@pytest.mark.parametrize("header", ["Token", "Token a b", "Token wrong", "token \xff", "Token " + "x" * 9000])
def test_a_header_that_is_no_token_is_answered_with_401(header, bob):
    answer = Client(headers={"authorization": header}).get(EXPORT)
    assert answer.status_code == 401
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_readers_have_none(client):
    client.force_login(make_member(make_study(), "ann", "reader"))
    assert client.post("/accounts/token/", {"action": "make"}).status_code == 403
    assert not ExportToken.objects.exists()


class Editor:
    """What the migration uses of Django's schema editor."""

    connection = connection

    def execute(self, sql: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(sql)


def test_tokens_of_earlier_versions_go_on_as_hashes(bob):
    """As the migration finds them: a table with the keys in the clear."""
    old = "0123456789abcdef0123456789abcdef01234567"
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE authtoken_token (key varchar(40) PRIMARY KEY, created timestamp, user_id bigint)")
        cursor.execute("INSERT INTO authtoken_token (key, user_id) VALUES (%s, %s)", [old, bob.pk])
    migration = import_module("readerstudy.accounts.migrations.0003_export_tokens")
    migration.hash_old_tokens(apps, Editor())
    assert ask(old).status_code == 200
    assert "authtoken_token" not in connection.introspection.table_names()
    migration.hash_old_tokens(apps, Editor())  # a new installation has no such table
