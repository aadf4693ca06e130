"""Whose page asks: logged out and in again in place, and nobody takes another's place."""

import re

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from django.utils import timezone

from readerstudy.accounts.models import User
from readerstudy.reading.allocation.drawing import allocate_study
from readerstudy.reading.api.session import page_of
from tests.builders import make_reader, make_user
from tests.reading.api.calls import BASE, answer, open_visit, put

pytestmark = pytest.mark.django_db


def test_nobody_elses_visit_takes_an_answer(client, me):
    other = make_reader(me.study, "R2", user=make_user("other"))
    allocate_study(me.study)
    other.reads.filter(number=1).update(opened_at=timezone.now())
    theirs = Client()
    theirs.force_login(other.membership.user)
    visit = open_visit(theirs)
    assert answer(client, visit).json()["code"] == "unknown_visit"
    assert put(client, f"visits/{visit}/", {"visible_ms": 1}).json()["code"] == "unknown_visit"


def test_logged_out_is_a_code_the_page_can_act_on(client):
    refused = Client().get(BASE + "state/")
    assert refused.status_code == 401
    assert refused.json()["code"] == "login_required"


def test_an_expired_session_is_renewed_in_place_with_the_password(client, me):
    client.post("/reading/trial/start/")
    assert client.get("/reading/trial/read/").status_code == 200
    client.cookies.pop("sessionid")
    wrong = client.post("/api/session/", {"password": "guess"}, content_type="application/json")
    assert (wrong.status_code, wrong.json()["detail"]) == (403, "That password is not right.")
    assert client.get(BASE + "state/").status_code == 401
    right = client.post("/api/session/", {"password": "let-me-read-1"}, content_type="application/json")
    assert right.status_code == 200
    assert client.get(BASE + "state/").json()["reader"] == "R1"


def test_with_every_cookie_deleted_the_password_still_helps(me):
    """A privacy setting or a clean-up takes session, CSRF token and the page's own cookie at once."""
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(me.membership.user)
    page = browser.get("/reading/trial/read/").content.decode()
    signed = re.search(r'data-page="([^"]+)"', page)[1]
    browser.cookies.clear()
    give = lambda password, **headers: browser.post(
        "/api/session/", {"password": password, "page": signed}, content_type="application/json", headers=headers
    )
    refused = give("let-me-read-1")
    assert (refused.status_code, refused.json()["code"]) == (403, "csrf_failed")
    assert browser.get("/api/session/").status_code == 204
    token = {"X-CSRFToken": browser.cookies["csrftoken"].value}
    assert give("guess", **token).json()["code"] == "password_refused"
    assert give("let-me-read-1", **token).status_code == 200
    assert browser.get(BASE + "state/").json()["reader"] == "R1"
    assert browser.put(BASE + "preferences/", "{}", content_type="application/json").json()["code"] == "csrf_failed"


def test_an_account_the_server_does_not_know_is_no_wrong_password(client, me):
    signed = page_of(me.membership.user)
    User.objects.update(is_active=False)
    body = {"password": "let-me-read-1", "page": signed}
    refused = Client().post("/api/session/", body, content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (403, "account_unknown")
    forged = Client().post("/api/session/", body | {"page": "1:x:y"}, content_type="application/json")
    assert (forged.status_code, forged.json()["code"]) == (400, "password_refused")


@pytest.mark.parametrize("cookie", ["1:forged:signature", ""])
def test_a_page_that_cannot_say_whose_it_is_is_refused(client, cookie):
    client.logout()
    client.cookies["reading_as"] = cookie
    refused = client.post("/api/session/", {"password": "x"}, content_type="application/json")
    assert refused.status_code == 400


def test_with_a_second_factor_logging_in_in_another_tab_is_enough(client, me):
    client.post("/reading/trial/start/")
    client.get("/reading/trial/read/")
    Authenticator.objects.create(user=me.membership.user, type="totp", data={"secret": "x"})
    client.cookies.pop("sessionid")
    again = lambda: client.post("/api/session/", {"password": "let-me-read-1"}, content_type="application/json")
    assert "log in in another tab" in again().json()["detail"]
    client.force_login(me.membership.user)
    assert again().status_code == 200


@pytest.mark.parametrize("body", [{}, {"password": ""}, {"password": None, "page": ""}, {"password": "x" * 5000}])
def test_who_is_logged_in_needs_no_password(client, me, body):
    give = lambda who, body: who.post("/api/session/", body, content_type="application/json")
    assert give(client, body).json() == {"reader": me.membership.user.username}
    assert give(client, body | {"lamp": "on"}).json()["code"] == "unknown_field"
    assert give(Client(), body).json()["code"] == "invalid"


def test_somebody_without_part_in_the_study_is_told_whose_page_it_is(client, me):
    client.force_login(make_user("somebody"))
    assert client.get(BASE + "state/").status_code == 404
    refused = client.get(BASE + "state/", headers={"X-Reader": "R1"})
    assert (refused.status_code, refused.json()["code"]) == (409, "wrong_reader")


@pytest.mark.parametrize("address", ["/reading/trial/", BASE + "state/", BASE + "assignments/1/"])
def test_nothing_of_a_reader_stays_in_a_cache(client, me, address):
    assert "no-store" in client.get(address)["Cache-Control"]
