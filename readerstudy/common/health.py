"""For load balancers and monitors: is this process alive, and can it serve? Asked without log-in; told to nobody else.

The answer is one word: what is wrong goes to the log, for whoever runs the server. Anybody may ask as often as they
like, so each check is made once in SECONDS; migrations that were there stay there, and are not looked up again.
"""

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

from django.core.files.storage import FileSystemStorage, default_storage
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

logger = logging.getLogger(__name__)
SECONDS = 5
_remembered: dict[str, tuple[float, bool]] = {}  # check -> when it was made, and whether it passed


@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """200 from any process that answers. Asks nothing of the database, so that an outage there restarts no server."""
    return HttpResponse("ok", content_type="text/plain")


@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """200 where database, migrations and files are as the application needs them; else 503."""
    wrong = [name for name, check in CHECKS.items() if not _passes(name, check)]
    return HttpResponse("not ready" if wrong else "ok", content_type="text/plain", status=503 if wrong else 200)


def _migrated() -> bool:
    """Whether the database answers and has every migration of this version; a newer database does too."""
    if _remembered.get("database", (0.0, False))[1]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return True
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


def _files() -> bool:
    """Whether files can be read and written; the folder is made with the first file, so one above it counts too."""
    if isinstance(default_storage, FileSystemStorage):
        folder = Path(default_storage.location)
        nearest = next(place for place in (folder, *folder.parents) if place.exists())
        return os.access(nearest, os.R_OK | os.W_OK | os.X_OK)
    return not default_storage.exists("a-name-that-no-file-has")  # an object store that answers and lets us in


CHECKS: dict[str, Callable[[], bool]] = {"database": _migrated, "files": _files}


def forget() -> None:
    """Ask everything anew."""
    _remembered.clear()


def _passes(name: str, check: Callable[[], bool]) -> bool:
    made, passed = _remembered.get(name, (float("-inf"), False))
    if time.monotonic() - made >= SECONDS:
        passed = _asked(name, check)
        _remembered[name] = time.monotonic(), passed
    return passed


def _asked(name: str, check: Callable[[], bool]) -> bool:
    try:
        passed = check()
    except Exception:  # whatever it is, this server cannot serve now
        logger.exception("Not ready: %s", name)
        return False
    if not passed:
        logger.error("Not ready: %s", name)
    return passed
