"""The product's settings as the suite loads them: pytest-django reads settings before any conftest is imported."""

import os
import tempfile
from pathlib import Path

os.environ.setdefault("DEBUG", "true")
os.environ.setdefault("UPLOAD_AT_ONCE_SECONDS", "100")  # on a busy machine too, no test waits for a worker by chance

from readerstudy.settings import *  # noqa: F403
from readerstudy.settings import DATABASES, STORAGES

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, as in use: in memory, SQLite answers «table is locked» instead of waiting for the other thread.
    DATABASES["default"]["TEST"] = {
        "NAME": str(Path(tempfile.gettempdir()) / f"readerstudy-test-{os.getpid()}.sqlite3")
    }
if "durable" in STORAGES["default"]["OPTIONS"]:
    STORAGES["default"]["OPTIONS"]["durable"] = False  # no power cut comes in a test

WHITENOISE_AUTOREFRESH = True  # else each test client walks every static file before its first request
