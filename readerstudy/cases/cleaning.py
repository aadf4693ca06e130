"""Remove what is kept for a while only, and what killed processes left behind. `clean_up` runs it on a timer."""

import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from django.conf import settings

from readerstudy.cases.loading.expiry import LIFETIME_SECONDS, forget_expired
from readerstudy.cases.loading.keeping import FOLDERS
from readerstudy.cases.loading.receiving import receiving
from readerstudy.cases.loading.staging import remove_expired
from readerstudy.cases.loading.written import remove_leftovers
from readerstudy.cases.removing import finish_removals
from readerstudy.common.storage import WRITING, staging_root

# A file is written in seconds; one this old belongs to a process that is gone.
WRITING_SECONDS = 3600


@dataclass(frozen=True)
class Cleaned:
    """How many of each were removed."""

    expired_uploads: int
    interrupted_uploads: int
    interrupted_loads: int
    half_written_files: int
    interrupted_removals: int

    def __str__(self) -> str:
        return ", ".join(f"{name.replace('_', ' ')}: {count}" for name, count in asdict(self).items())


def clean_up() -> Cleaned:
    forget_expired()
    return Cleaned(
        expired_uploads=remove_expired(),
        interrupted_uploads=_remove_old(receiving(), "*", LIFETIME_SECONDS),
        interrupted_loads=remove_leftovers() + _remove_kept(),
        half_written_files=_remove_old(Path(settings.MEDIA_ROOT), f"**/{WRITING}*", WRITING_SECONDS),
        interrupted_removals=finish_removals(),
    )


def _remove_kept() -> int:
    """What loads at the command line kept of their images, and were killed. A load that goes on changes its folder with
    each image."""
    found = [
        folder for folder in staging_root().glob(FOLDERS) if folder.stat().st_mtime < time.time() - WRITING_SECONDS
    ]
    for folder in found:
        shutil.rmtree(folder, ignore_errors=True)
    return len(found)


def _remove_old(folder: Path, pattern: str, seconds: float) -> int:
    count = 0
    for path in folder.glob(pattern):
        try:
            if path.is_file() and path.stat().st_mtime < time.time() - seconds:
                path.unlink()
                count += 1
        except FileNotFoundError:
            continue  # another cleaning took it
    return count
