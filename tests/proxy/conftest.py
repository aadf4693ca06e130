"""One set of collected static files for all tests here; a running site for each."""

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from tests.browser.server import copy_of_test_database
from tests.proxy.site import Edit, Site, collect_static, find_nginx


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("nginx")


@pytest.fixture(scope="session")
def static_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Collected by the first process that needs them; the others of the run wait and use the same."""
    find_nginx()
    alone = "PYTEST_XDIST_WORKER" not in os.environ
    run = tmp_path_factory.getbasetemp() if alone else tmp_path_factory.getbasetemp().parent
    with (run / "static.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (run / "static").exists():
            collect_static(run / "static.part")
            (run / "static.part").rename(run / "static")
    return run / "static"


@pytest.fixture
def start_site(transactional_db, static_root: Path) -> Iterator[Callable[..., Site]]:
    """Starts the stack over the database as it is now (what is written later it may not see); stops it at the end."""
    with ExitStack() as stack:

        def start(
            edit: Edit | None = None, hosts: int = 1, own: Sequence[Mapping[str, str]] = (), **environment: str
        ) -> Site:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="site-")))  # sockets need short paths
            site = Site(
                folder, database_url(folder), Path(settings.MEDIA_ROOT), static_root, edit, hosts, own, **environment
            )
            return stack.enter_context(site.running())

        yield start


def database_url(folder: Path) -> str:
    if connection.vendor == "sqlite":
        return copy_of_test_database(folder / "study.sqlite3")
    values = connection.settings_dict
    return "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**values)
