"""One-click entry exists in the demo only."""

import importlib

import pytest
from django.urls import clear_url_caches, resolve
from django.urls.exceptions import Resolver404

import readerstudy.accounts.urls
import readerstudy.urls
from tests.builders import make_user

pytestmark = pytest.mark.django_db


def reload_urls():
    importlib.reload(readerstudy.accounts.urls)
    importlib.reload(readerstudy.urls)
    clear_url_caches()


@pytest.fixture
def demo(settings):
    settings.DEMO = True
    reload_urls()
    yield
    settings.DEMO = False
    reload_urls()


def test_one_click_logs_in_the_demo_reader(demo, client):
    user = make_user("demo-reader")
    assert b"Enter as reader 1" in client.get("/").content
    assert client.post("/demo/enter/reader/").headers["location"] == "/"
    assert client.session["_auth_user_id"] == str(user.pk)


def test_a_visit_without_the_button_logs_nobody_in(demo, client):
    make_user("demo-reader")
    assert client.get("/demo/enter/reader/").status_code == 405
    assert "_auth_user_id" not in client.session


def test_only_the_demo_accounts_can_be_entered(demo, client):
    make_user("demo-owner")
    make_user("boss", is_staff=True)
    for role in ("owner", "boss", "nobody"):
        assert client.post(f"/demo/enter/{role}/").status_code == 404


def test_outside_the_demo_there_is_no_such_url(client):
    make_user("demo-reader")
    with pytest.raises(Resolver404):
        resolve("/demo/enter/reader/")
    assert client.post("/demo/enter/reader/").status_code == 404
    assert b"demo" not in client.get("/").content


def test_the_view_refuses_even_if_the_url_were_there(demo, settings, client):
    make_user("demo-reader")
    settings.DEMO = False
    assert client.post("/demo/enter/reader/").status_code == 404
