"""Files on disk appear whole or not at all, also when the process is killed while writing; all have one time."""

import os
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.storage import FileSystemStorage, default_storage
from django.utils.deconstruct import deconstructible

WRITING = ".writing-"  # how the name of a temporary file begins
# Files are written in the order of a manifest, which may be sorted by truth. Web servers tell a file's time in
# Last-Modified and ETag and answer If-Unmodified-Since by it: with one time for all, no file is told from another.
THE_TIME = 946684800  # 2000-01-01 00:00 UTC
STAGING = "staging"  # below MEDIA_ROOT: uploads on their way, which are no stored files


@deconstructible(path="readerstudy.common.storage.AtomicFileSystemStorage")
class AtomicFileSystemStorage(FileSystemStorage):
    """Writes to a temporary file beside the target and renames it: names are content hashes, so a half file that kept
    its name would be taken for the whole one. Object stores behind other storage classes write whole objects anyway."""

    def __init__(self, durable: bool = True, **options: Any) -> None:
        """durable: wait until each file is on the disk, so that it outlives a power cut too."""
        super().__init__(**options)
        self.durable = durable

    def _save(self, name: str, content: Any) -> str:
        target = Path(self.path(name))
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=WRITING)
        try:
            with os.fdopen(handle, "wb") as file:
                for chunk in content.chunks():
                    file.write(chunk)
                if self.durable:
                    file.flush()
                    os.fsync(file.fileno())
            if self.file_permissions_mode is not None:
                Path(temporary).chmod(self.file_permissions_mode)
            os.utime(temporary, (THE_TIME, THE_TIME))
            Path(temporary).replace(target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        return name

    def has_the_time(self, name: str) -> bool:
        """Whether the file's time tells nothing: files of earlier versions and restored copies get THE_TIME here.

        False where it has another time and that cannot be changed (the file belongs to another user).
        """
        return _level(Path(self.path(name)))

    def level_times(self) -> tuple[int, int]:
        """Give THE_TIME to every stored file; how many were changed, and how many could not be.

        What is no stored file is left alone: uploads that wait (staging/), files being written, and a database beside
        the folders.
        """
        changed = failed = 0
        for folder, below, names in os.walk(self.location):
            if folder == os.fspath(self.location):
                below[:], names = [name for name in below if name != STAGING], []
            for path in (Path(folder) / name for name in names if not name.startswith(".")):
                if not path.is_symlink() and path.stat().st_mtime_ns != THE_TIME * 10**9:
                    changed, failed = (changed + 1, failed) if _level(path) else (changed, failed + 1)
        return changed, failed


def _level(path: Path) -> bool:
    try:
        if path.stat().st_mtime_ns != THE_TIME * 10**9:
            os.utime(path, (THE_TIME, THE_TIME))
    except OSError:
        return False
    return True


def level_after_migrate(verbosity: int = 1, **_: Any) -> None:
    """Runs after each `migrate`, which every upgrade and most restores need: old media get THE_TIME too."""
    level = getattr(default_storage, "level_times", None)
    if level is None:  # another storage: its service sets times that nobody can change (see media.serve)
        return
    changed, failed = level()
    if verbosity and (changed or failed):
        print(f"Media: {changed} files now have one time, which tells nothing; {failed} could not be changed.")  # noqa: T201


def staging_root() -> Path:
    return Path(settings.MEDIA_ROOT) / STAGING
