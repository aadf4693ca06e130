"""Shared test set-up: environment, media in a temporary folder, a way round the append-only triggers."""

import gc
import logging
import os
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # playwright's sync API runs an event loop
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from django.db import connection, transaction
from django.test import TransactionTestCase

from readerstudy.reading import append_only
from scripts.suite import DRIVEN
from tests import migrated

gc.set_threshold(100_000, 20, 20)  # a million objects stay: Python's own 700 looks for garbage among them all the time
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def django_db_keepdb(django_db_keepdb, django_db_modify_db_settings):
    """SQLite: begin with the copy of a migrated database where there is one (tests/migrated.py)."""
    file = Path(str(connection.settings_dict["TEST"]["NAME"]))
    if django_db_keepdb or connection.vendor != "sqlite" or not migrated.copy_to(file):
        yield django_db_keepdb
        return
    yield True
    for ending in ("", "-wal", "-shm"):
        Path(f"{file}{ending}").unlink(missing_ok=True)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    if connection.vendor == "sqlite":
        with django_db_blocker.unblock():
            connection.ensure_connection()
            migrated.keep(connection.connection)


@pytest.fixture(autouse=True)
def media_in_temporary_folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


@pytest.fixture(scope="session")
def object_store_server(tmp_path_factory):
    """The address of an S3-speaking server."""
    from tests.object_store import served

    with served(tmp_path_factory.mktemp("store") / "log") as address:
        yield address


@pytest.fixture
def in_object_store(object_store_server, settings) -> dict[str, str]:
    """Files of this test lie in a bucket of its own; the environment of a server that keeps them there too."""
    from tests.object_store import new_bucket, storage_setting

    environment = new_bucket(object_store_server)
    settings.STORAGES = {**settings.STORAGES, "default": storage_setting(environment)}
    return environment


@pytest.fixture(params=["disk", "object store"])
def files_in(request) -> dict[str, str]:
    """Each test twice: with its files on the disk, and in an object store. The environment that a site then needs."""
    return {} if request.param == "disk" else request.getfixturevalue("in_object_store")


@pytest.fixture
def quiet_log():
    """Hundreds of refusals are logged by tests that knock at every door."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


MADE_BY_MIGRATE = {"django_content_type", "auth_permission"}


def _empty_database(self: TransactionTestCase) -> None:
    """Transactional tests end with every row deleted, past the triggers. Django's flush makes permissions anew, too."""
    tables = set(connection.introspection.django_table_names(only_existing=True, include_views=False)) - MADE_BY_MIGRATE
    append_only.remove(connection)
    try:
        with transaction.atomic(), connection.cursor() as cursor:  # constraints are checked at its end
            for table in sorted(tables):
                cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}")
    finally:
        append_only.install(connection)


TransactionTestCase._fixture_teardown = _empty_database


@pytest.hookimpl(wrapper=True, tryfirst=True)  # before -m chooses, and after pytest-django has put them in order
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Mark what touches the database, so that CI can run just that again on PostgreSQL; refuse what no part would run.

    CI asks for folders, not for markers alone: to collect every test takes each process ten seconds.
    """
    for item in items:
        fixtures = {"db", "transactional_db", "live_server"} & set(getattr(item, "fixturenames", ()))
        is_django_test = issubclass(getattr(item, "cls", None) or object, TransactionTestCase)
        if fixtures or is_django_test or item.get_closest_marker("django_db"):
            item.add_marker("database")
        folder = "/".join(item.path.relative_to(ROOT).parts[:2])
        if folder not in DRIVEN and any(map(item.get_closest_marker, ("browser", "nginx"))):
            raise pytest.UsageError(f"{item.nodeid} drives Chromium or nginx: it belongs in one of {', '.join(DRIVEN)}")
        if folder == "tests/explain" and item.get_closest_marker("database"):
            raise pytest.UsageError(f"{item.nodeid} touches the database: explain knows of none (.ci/run)")
    yield
    # The longest set-up of a file comes first: a worker that takes over what is left at the end would do it again.
    items.sort(key=lambda item: "tests/upgrade" not in item.path.as_posix())
