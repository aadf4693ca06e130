"""Files on disk appear whole or not at all, also when the process is killed while writing."""

import os
import tempfile
from pathlib import Path
from typing import Any

from django.core.files.storage import FileSystemStorage
from django.utils.deconstruct import deconstructible

WRITING = ".writing-"  # how the name of a temporary file begins


@deconstructible(path="readerstudy.cases.storage.AtomicFileSystemStorage")
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
            Path(temporary).replace(target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        return name
