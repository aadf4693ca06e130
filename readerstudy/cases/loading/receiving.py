"""Uploads on their way in: large ones lie in MEDIA_ROOT/staging/receiving until they are taken, not in a shared /tmp.

They may identify patients. A killed worker leaves them behind, and `clean_up` must be able to find them.
"""

import tempfile
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload, TemporaryFileUploadHandler

from readerstudy.accounts.models import User
from readerstudy.common.storage import staging_root


def receiving() -> Path:
    return staging_root() / "receiving"


class ReceivedFile(TemporaryUploadedFile):
    """Django's temporary upload, in a folder of ours and under a name that tells nothing."""

    def __init__(
        self, name: str | None, content_type: str | None, size: int, charset: str | None, extra: Any = None
    ) -> None:
        receiving().mkdir(parents=True, exist_ok=True)
        file = tempfile.NamedTemporaryFile(dir=receiving(), prefix="", suffix=".part")  # noqa: SIM115 - it is the upload
        UploadedFile.__init__(self, file, name, content_type, size, charset, extra)


class AdministratorsOnly(FileUploadHandler):
    """FILE_UPLOAD_HANDLERS, first: nobody else's file is read. The check against forged forms reads a form before any
    view can ask who sends it, so a stranger could fill the disk, or the memory."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        user = getattr(self.request, "user", None)
        if not (isinstance(user, User) and user.is_administrator):
            raise StopUpload  # the rest is read and dropped, so that a browser hears the answer

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None


class ReceivedFileHandler(TemporaryFileUploadHandler):
    """FILE_UPLOAD_HANDLERS: after Django's own for small files."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        FileUploadHandler.new_file(self, *args, **kwargs)
        self.file = ReceivedFile(self.file_name, self.content_type, 0, self.charset, self.content_type_extra)
