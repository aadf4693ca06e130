"""Uploads on their way in: large ones lie in MEDIA_ROOT/staging/receiving until they are taken, not in a shared /tmp.

They may identify patients. A killed worker leaves them behind, and `clean_up` must be able to find them.
"""

import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, TemporaryFileUploadHandler


def receiving() -> Path:
    return Path(settings.MEDIA_ROOT) / "staging" / "receiving"


class ReceivedFile(TemporaryUploadedFile):
    """Django's temporary upload, in a folder of ours and under a name that tells nothing."""

    def __init__(
        self, name: str | None, content_type: str | None, size: int, charset: str | None, extra: Any = None
    ) -> None:
        receiving().mkdir(parents=True, exist_ok=True)
        file = tempfile.NamedTemporaryFile(dir=receiving(), prefix="", suffix=".part")  # noqa: SIM115 - it is the upload
        UploadedFile.__init__(self, file, name, content_type, size, charset, extra)


class ReceivedFileHandler(TemporaryFileUploadHandler):
    """FILE_UPLOAD_HANDLERS: after Django's own for small files."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        FileUploadHandler.new_file(self, *args, **kwargs)
        self.file = ReceivedFile(self.file_name, self.content_type, 0, self.charset, self.content_type_extra)
