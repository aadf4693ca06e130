"""One set of collected static files for all tests here; a running site for each."""

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
def static_root() -> Iterator[Path]:
    find_nginx()
    with tempfile.TemporaryDirectory(prefix="static-") as folder:
        collect_static(Path(folder))
        yield Path(folder)


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
