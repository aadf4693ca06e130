"""Logging in: closed sign-up, rate limits that spare a hospital behind one address, second factor."""

import re

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.core import mail
from django.db import connection
from django.test import Client

from readerstudy.accounts.models import User
from tests.builders import make_member, make_study, make_user

pytestmark = pytest.mark.django_db
RIGHT = "let-me-read-1"  # make_user's password


def log_in(client, name: str, password: str = RIGHT, address: str = "192.0.2.1"):
    return client.post("/accounts/login/", {"login": name, "password": password}, REMOTE_ADDR=address)


def is_in(client) -> bool:
    inside = "_auth_user_id" in client.session
    client.logout()
    return inside


def test_by_user_name_or_address(client):
    make_user("ann")
    for name in ("ann", "ann@example.org"):
        log_in(client, name)
        assert is_in(client)


def test_a_page_sends_to_the_log_in_page_and_back(client):
    assert client.get("/accounts/?a=1").headers["Location"] == "/accounts/login/?next=/accounts/%3Fa%3D1"


def test_nobody_signs_up(client):
    data = {"email": "eve@example.org", "username": "eve", "password1": RIGHT, "password2": RIGHT}
    assert b"come by invitation" in client.post("/accounts/signup/", data).content
    assert not is_in(client)


def test_guessing_one_account_is_stopped_from_any_address(client):
    make_user("ann")
    for attempt in range(5):
        log_in(client, "ann", "wrong", address=f"192.0.2.{attempt}")
    response = log_in(client, "ann", address="192.0.2.99")
    assert b"Too many wrong passwords" in response.content
    assert not is_in(client)


def test_twenty_colleagues_behind_one_address_get_in_though_many_mistype(client):
    for number in range(20):
        make_user(f"reader-{number}")
    for number in range(20):
        log_in(client, f"reader-{number}", "mistyped")
        log_in(client, f"reader-{number}", "mistyped again")
        log_in(client, f"reader-{number}")
        assert is_in(client), number


def test_one_locked_account_does_not_lock_out_a_colleague(client):
    make_user("ann")
    make_user("ben")
    for _ in range(8):
        log_in(client, "ann", "wrong")
    log_in(client, "ben")
    assert is_in(client)


def test_attempts_are_counted_where_all_processes_see_them(client):
    make_user("ann")
    log_in(client, "ann", "wrong")
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM shared_cache")
        assert cursor.fetchone()[0] > 0


def test_the_django_admin_has_no_log_in_page_of_its_own(client):
    make_user("root", is_staff=True, is_superuser=True)
    response = client.post("/admin/login/", {"username": "root", "password": RIGHT})
    assert response.headers["Location"].startswith("/accounts/login/")
    assert not is_in(client)


def test_a_forgotten_password_is_reset_by_email(client):
    user = make_user("ann")
    client.post("/accounts/password/reset/", {"email": "ann@example.org"})
    link = re.search(r"http://testserver(/accounts/password/reset/key/\S+)", mail.outbox[0].body)[1]
    page = client.get(link, follow=True)
    client.post(page.request["PATH_INFO"], {"password1": "chest-film-42", "password2": "chest-film-42"})
    user.refresh_from_db()
    assert user.check_password("chest-film-42")


def test_a_reset_does_not_tell_who_has_an_account(client):
    make_user("ann")
    known = client.post("/accounts/password/reset/", {"email": "ann@example.org"}, follow=True).content
    unknown = client.post("/accounts/password/reset/", {"email": "bob@example.org"}, follow=True).content
    strip = re.compile(rb'name="csrfmiddlewaretoken" value="\w+"')
    assert strip.sub(b"", known) == strip.sub(b"", unknown)


def test_nobody_takes_an_address_that_is_not_theirs(client):
    ann = make_user("ann")
    client.force_login(ann)
    for action in ("action_add", "action_primary"):
        client.post("/accounts/email/", {action: "", "email": "dean@example.org"})
    ann.refresh_from_db()
    assert ann.email == "ann@example.org"
    assert not EmailAddress.objects.filter(email="dean@example.org").exists()


def test_rights_taken_away_are_gone_at_the_next_click(client):
    study, root, ann = make_study("ours"), make_user("root", is_staff=True), make_user("ann")
    member = make_member(study, "rita", "researcher")
    pages = {root: "/batches/", ann: "/accounts/", member: "/studies/ours/"}
    browsers = {user: Client() for user in pages}
    for user, browser in browsers.items():
        browser.force_login(user)
        assert browser.get(pages[user]).status_code == 200
    User.objects.filter(pk=root.pk).update(is_staff=False)
    User.objects.filter(pk=ann.pk).update(is_active=False)
    study.memberships.filter(user=member).delete()
    assert [browsers[user].get(pages[user]).status_code for user in (root, ann, member)] == [403, 302, 404]


def test_a_new_password_ends_the_other_sessions(client):
    ann = make_user("ann")
    thief = Client()
    for browser in (client, thief):
        log_in(browser, "ann")
    new = {"oldpassword": RIGHT, "password1": "chest-film-42", "password2": "chest-film-42"}
    assert client.post("/accounts/password/change/", new).status_code == 302
    ann.refresh_from_db()
    assert ann.check_password("chest-film-42")
    assert thief.get("/accounts/").status_code == 302 and client.get("/accounts/").status_code == 200


def test_logging_in_changes_the_session(client):
    make_user("ann")
    client.get("/accounts/login/")
    client.session.save()
    planted = client.session.session_key
    log_in(client, "ann")
    assert client.session.session_key != planted


def test_behind_a_proxy_addresses_are_the_ones_it_names_and_no_others(client, settings):
    """Guesses at many accounts are counted by address: one that the client claims itself must not count as another."""
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    settings.ACCOUNT_RATE_LIMITS = {**settings.ACCOUNT_RATE_LIMITS, "login": "3/m/ip"}

    def guess(number: int, forwarded: str) -> int:
        data = {"login": f"nobody-{number}", "password": "wrong"}
        return client.post("/accounts/login/", data, headers={"x-forwarded-for": forwarded}).status_code

    assert [guess(number, f"10.0.0.{number}, 192.0.2.7") for number in range(4)] == [200, 200, 200, 429]
    assert guess(5, "192.0.2.8") == 200


def code_now(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time())))


def test_with_a_second_factor_the_password_alone_is_not_enough(client):
    user = make_user("ann")
    secret = "JBSWY3DPEHPK3PXP"
    TOTP.activate(user, secret)
    response = log_in(client, "ann")
    assert response.headers["Location"] == "/accounts/2fa/authenticate/"
    assert "_auth_user_id" not in client.session
    client.post("/accounts/2fa/authenticate/", {"code": code_now(secret)})
    assert is_in(client)


def test_a_second_factor_is_set_up_after_giving_the_password_again(client):
    user = make_user("ann")
    log_in(client, "ann")
    page = client.get("/accounts/2fa/totp/activate/", follow=True)
    assert page.request["PATH_INFO"] == "/accounts/reauthenticate/"
    client.post("/accounts/reauthenticate/", {"password": RIGHT})
    page = client.get("/accounts/2fa/totp/activate/")
    assert b"data:image/svg+xml" in page.content
    client.post("/accounts/2fa/totp/activate/", {"code": code_now(page.context["form"].secret)})
    assert set(Authenticator.objects.filter(user=user).values_list("type", flat=True)) == {"totp", "recovery_codes"}
    assert client.get("/accounts/2fa/").status_code == 200


def test_administrators_must_set_one_up_where_that_is_required(client, settings):
    settings.REQUIRE_MFA_FOR_STAFF = True
    root = make_user("root", is_staff=True)
    client.force_login(root)
    for address in ("/", "/admin/", "/api/schema/", "/accounts/token/"):
        assert client.get(address).headers["Location"] == "/accounts/2fa/totp/activate/"
    Authenticator.objects.create(user=root, type=Authenticator.Type.TOTP, data={})
    assert client.get("/").status_code == 200


def test_readers_need_none(client, settings):
    settings.REQUIRE_MFA_FOR_STAFF = True
    client.force_login(make_user("ann"))
    assert client.get("/").status_code == 200
