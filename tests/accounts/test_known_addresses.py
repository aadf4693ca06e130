"""Nobody learns who has an account from the work of a log-in or a reset; who is locked out is told how to get in."""

from collections.abc import Callable

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext

from readerstudy.accounts.models import User
from tests.accounts.test_login import is_in, log_in
from tests.builders import make_user

pytestmark = pytest.mark.django_db
NAMES = {
    "a name": "ann", "an address": "ann@example.org", "a name that is an address": "rita@example.org",
    "an inactive account": "gone", "an account without a password": "new",
}  # fmt: skip


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """One entry for each time that a password is hashed, which is what takes a log-in its time."""
    done: list[str] = []
    encode = MD5PasswordHasher.encode

    def counted(self: MD5PasswordHasher, password: str, salt: str) -> str:
        done.append(password)
        return encode(self, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", counted)
    return done


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_a_wrong_password_costs_one_hash_for_a_known_and_an_unknown_name(client, hashes, name):
    make_user("ann")
    User.objects.create_user("rita@example.org", email="rita@example.org", password="let-me-read-1")
    make_user("gone", is_active=False)
    User.objects.create(username="new", email="new@example.org", password="!unusable")
    costs = []
    for login in (name, name.replace(name.partition("@")[0], "nobody")):
        hashes.clear()
        assert log_in(client, login, "wrong").status_code == 200
        costs.append(len(hashes))
    assert costs == [1, 1]


def test_a_right_password_still_lets_in_by_every_name_and_an_inactive_account_is_told(client):
    make_user("ann")
    make_user("gone", is_active=False)
    for name in ("ann", "Ann", "ann@example.org", "ANN@example.org"):
        log_in(client, name)
        assert is_in(client), name
    assert log_in(client, "gone").headers["Location"] == "/accounts/inactive/"
    assert not is_in(client)


def test_a_reset_does_the_same_for_all_and_the_rest_when_the_answer_is_out(client, monkeypatch):
    make_user("ann")
    waiting: list[Callable[[], None]] = []
    monkeypatch.setattr("readerstudy.accounts.mail._logged", lambda work: lambda: waiting.append(work))
    asked = []
    client.post("/accounts/password/reset/", {"email": "first@example.org"})  # it begins the count of this address
    waiting.clear()
    for address in ("ann@example.org", "nobody@example.org"):
        with CaptureQueriesContext(connection) as queries:
            assert client.post("/accounts/password/reset/", {"email": address}).status_code == 302
        asked.append([query["sql"].partition(" ")[0] for query in queries])
        assert mail.outbox == []
        waiting.pop()()
        assert [message.to for message in mail.outbox] == [[address]]
        mail.outbox.clear()
    assert asked[0] == asked[1]


def test_a_mail_server_that_refuses_tells_nobody_anything(client, settings, caplog):
    make_user("ann")
    settings.EMAIL_BACKEND, settings.EMAIL_HOST = "django.core.mail.backends.smtp.EmailBackend", "127.0.0.1"
    settings.EMAIL_PORT = 1
    for address in ("ann@example.org", "nobody@example.org"):
        assert client.post("/accounts/password/reset/", {"email": address}).status_code == 302
    assert caplog.text.count("after an answer failed") == 2


def test_who_is_locked_out_is_told_how_long_and_gets_in_by_a_mail(client):
    make_user("ann")
    for _ in range(5):
        log_in(client, "ann", "wrong")
        log_in(client, "ann@example.org", "wrong")
    page = log_in(client, "ann").content.decode()
    assert "for 5 more minutes none is taken, not even the right one" in page
    assert "Forgotten your password?" in page and "/accounts/password/reset/" in page
    client.post("/accounts/password/reset/", {"email": "ann@example.org"})
    link = next(word for word in mail.outbox[0].body.split() if "/reset/key/" in word)
    form = client.get(link, follow=True).request["PATH_INFO"]
    client.post(form, {"password1": "chest-film-42", "password2": "chest-film-42"})
    for name in ("ann", "ann@example.org"):
        log_in(client, name, "chest-film-42")
        assert is_in(client), name
