"""An empty SQLite database with all migrations, kept in the temporary folder: making one takes long."""

import hashlib
import os
import shutil
import sqlite3
import tempfile
from functools import cache
from pathlib import Path

from django import VERSION

ROOT = Path(__file__).parents[1]


@cache
def _kept() -> Path:
    """Where it is kept: another file for other migrations, another Django, another user."""
    content = hashlib.sha256(repr(VERSION).encode())
    for path in sorted((ROOT / "readerstudy").glob("*/migrations/*.py")):
        content.update(path.read_bytes())
    return Path(tempfile.gettempdir()) / f"readerstudy-migrated-{os.getuid()}-{content.hexdigest()[:16]}.sqlite3"


def keep(database: sqlite3.Connection) -> None:
    """Keep a database that was just made, where none is kept yet."""
    if not _kept().exists():
        unfinished = _kept().with_suffix(f".{os.getpid()}")
        with sqlite3.connect(unfinished) as target:
            database.backup(target)
        target.close()
        unfinished.replace(_kept())


def copy_to(file: Path) -> bool:
    """Begin a database with what is kept. False, and no file, where nothing is: `migrate` makes all of it then."""
    if not _kept().exists():
        return False
    shutil.copyfile(_kept(), file)
    return True
