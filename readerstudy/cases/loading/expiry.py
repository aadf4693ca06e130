"""How long an upload is kept: a day after files of it were last sent, or a worker began with it."""

from __future__ import annotations

import time
from pathlib import Path

from readerstudy.cases.loading.staged import Gone, Staged, folder_of

LIFETIME_SECONDS = 24 * 3600


def live(token: str) -> Path:
    """The folder of an upload that may still be used. Raises Gone."""
    folder = folder_of(token)
    if not folder.is_dir() or expired(folder):
        raise Gone
    return folder


def since(folder: Path) -> float:
    try:
        return Staged.read(folder).created or folder.stat().st_mtime
    except Gone:
        return folder.stat().st_mtime


def expired(folder: Path) -> bool:
    try:
        return since(folder) < time.time() - LIFETIME_SECONDS
    except FileNotFoundError:
        return True
