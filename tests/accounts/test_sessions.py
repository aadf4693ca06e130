"""Who is idle is logged out, and the reading room takes the password in place; a browser keeps pictures only."""

import json
import time

import pytest
from django.http import HttpResponse

from readerstudy.accounts.middleware import SEEN
from readerstudy.reading.api.session import page_of, remember
from readerstudy.studies.invitations import token
from tests.builders import make_user
from tests.worlds import make_world

pytestmark = pytest.mark.django_db
OTHERS = ("/admin/", "/admin/accounts/user/", "/accounts/login/", "/accounts/2fa/", "/no/such/page/", "/api/docs/")


def idle_for(client, minutes: float) -> None:
    session = client.session
    session[SEEN] = int(time.time() - 60 * minutes)
    session.save()


def test_who_asks_for_nothing_for_an_hour_is_logged_out(client):
    client.force_login(make_user("ann"))
    idle_for(client, 58)
    assert client.get("/accounts/").status_code == 200
    assert client.session[SEEN] > time.time() - 60, "a request begins the hour anew"
    idle_for(client, 60)
    assert client.get("/accounts/").headers["Location"].startswith("/accounts/login/")
    assert "after 60 minutes" in client.get("/accounts/login/").content.decode()


def test_closing_the_browser_logs_out_however_one_logged_in(client):
    """By the log-in page, an invitation or the reading room: a cookie with a date outlives the browser."""
    reader = make_user("ann")
    word, invited = (
        token(make_world("one").invitation),
        {"new_password1": "a-long-one-7", "new_password2": "a-long-one-7"},
    )
    for path, data, kind in (
        ("/accounts/login/", {"login": "ann", "password": "let-me-read-1"}, ""),
        (f"/invitations/{word}/", invited, ""),
        ("/api/session/", json.dumps({"password": "let-me-read-1", "page": page_of(reader)}), "application/json"),
    ):
        client.logout()
        client.post(path, data, **({"content_type": kind} if kind else {}))
        cookie = client.cookies["sessionid"]
        assert client.session.get(SEEN) and not cookie["max-age"] and not cookie["expires"], path


def test_the_time_is_a_setting_and_0_is_never(client, settings):
    client.force_login(make_user("ann"))
    settings.SESSION_IDLE_MINUTES = 0
    idle_for(client, 10_000)
    assert client.get("/accounts/").status_code == 200
    settings.SESSION_IDLE_MINUTES = 5
    assert client.get("/accounts/").status_code == 302


def test_a_session_of_an_earlier_version_begins_its_time_now(client):
    client.force_login(make_user("ann"))
    session = client.session
    del session[SEEN]
    session.save()
    assert client.get("/accounts/").status_code == 200
    assert SEEN in client.session


def test_asking_often_writes_no_session(client, django_assert_num_queries):
    client.force_login(make_user("ann"))
    with django_assert_num_queries(2):  # the session and its person, read
        client.get("/accounts/")


def test_an_idle_reader_gives_the_password_in_place_and_answers_on(client):
    world = make_world("one")
    client.force_login(world.people["reader"])
    page = HttpResponse()
    remember(page, world.people["reader"], secure=False)  # as the reading page does
    client.cookies.update(page.cookies)
    idle_for(client, 61)
    refused = client.get("/api/reading/one/state/")
    assert (refused.status_code, refused.json()["code"]) == (401, "login_required")
    again = client.post("/api/session/", json.dumps({"password": "let-me-read-1"}), content_type="application/json")
    assert again.status_code == 200
    assert client.get("/api/reading/one/state/").status_code == 200


def test_a_browser_keeps_no_page_outside_the_table(client, quiet_log):
    """Of those in it, tests/test_access.py says so."""
    for path in OTHERS:
        assert "no-store" in client.get(path, follow=True).headers["Cache-Control"], path
