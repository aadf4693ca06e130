"""What load balancers ask: alive or not, able to serve or not, and not a word more."""

import logging

import pytest
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from readerstudy.common import health

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def anew():
    """Each test asks everything itself, and leaves nothing to the next."""
    health.forget()
    yield
    health.forget()


def test_both_answer_one_word_to_anybody_and_health_asks_the_database_nothing(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        alive = client.get("/health/")
    ready = client.get("/ready/")
    assert (alive.status_code, alive.content) == (ready.status_code, ready.content) == (200, b"ok")
    assert "no-store" in ready.headers["Cache-Control"]
    assert client.post("/ready/").status_code == 405


@pytest.fixture
def not_ready(client, caplog):
    """Asks, and gives what the log says; the answer itself says nothing."""

    def ask() -> str:
        with caplog.at_level(logging.ERROR):
            answer = client.get("/ready/")
        assert (answer.status_code, answer.content) == (503, b"not ready")
        return caplog.text

    return ask


def test_a_database_without_the_newest_migration_is_not_ready(not_ready):
    app, name = next(key for key in MigrationLoader(connection).graph.leaf_nodes() if key[0] == "cases")
    MigrationRecorder(connection).record_unapplied(app, name)
    assert "Not ready: database" in not_ready()


def test_a_database_that_is_away_is_not_ready(not_ready, monkeypatch):
    def refuse(*_: object) -> None:
        raise DatabaseError("the connection was refused")

    monkeypatch.setattr("readerstudy.common.health.MigrationExecutor", refuse)
    assert "the connection was refused" in not_ready()


def test_files_that_cannot_be_written_are_not_ready(not_ready, monkeypatch):
    monkeypatch.setattr("readerstudy.common.health.os.access", lambda *_: False)  # root may write everywhere
    assert "Not ready: files" in not_ready()


def test_what_was_found_is_not_asked_again_at_once_and_migrations_never(client, django_assert_num_queries, monkeypatch):
    assert client.get("/ready/").status_code == 200
    monkeypatch.setattr("readerstudy.common.health.os.access", lambda *_: False)
    with django_assert_num_queries(0):
        assert client.get("/ready/").status_code == 200
    monkeypatch.setattr("readerstudy.common.health.SECONDS", 0)
    with django_assert_num_queries(1):
        assert client.get("/ready/").status_code == 503
