"""Files in an object store that speaks S3. The application alone reads it: after the access check it sends the bytes.

No address of the store is ever given out: an object's ETag is its content's hash, and its date tells the order of
loading. An object appears whole or not at all, so a name that is there holds its whole content.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.core.files.base import ContentFile, File
from django.utils.deconstruct import deconstructible
from storages.backends.s3 import S3Storage

from readerstudy.common.refusals import Refusal


class StoreFailed(Refusal, OSError):
    """The store did not do what was asked. An OSError, as a disk's fault is; a page or a command says its sentence."""

    code, title, status = "object_store_failed", "Files cannot be reached now", 503


@contextmanager
def _asked(to_do: str, name: str) -> Iterator[None]:
    """Around what is asked of the store: the library's errors become StoreFailed."""
    try:
        yield
    except (BotoCoreError, ClientError, Boto3Error) as error:
        kind = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
        raise StoreFailed(
            f"The object store does not {to_do} {name}: {kind}. What was stored before is kept. See that the store "
            "runs, and what MEDIA_STORAGE and the credentials allow (manage.py check --deploy); then try again."
        ) from error


@deconstructible(path="readerstudy.common.object_store.PrivateS3Storage")
class PrivateS3Storage(S3Storage):
    """A bucket, or a part of one. Credentials come from where boto3 looks for them: the environment, or the host."""

    def __init__(self, address: str, **options: Any) -> None:
        """address: s3://BUCKET/PREFIX?endpoint=URL&region=NAME&style=path; all but the bucket may be left out."""
        parts = urlsplit(address)
        asked = dict(parse_qsl(parts.query))
        # A store that does not answer holds a thread of the web server no longer than this. Checksums only where the
        # protocol asks for them: not every store knows the newer ones.
        config = Config(
            connect_timeout=5, read_timeout=20, retries={"max_attempts": 3, "mode": "standard"},
            s3={"addressing_style": asked.get("style", "auto")},
            request_checksum_calculation="when_required", response_checksum_validation="when_required",
        )  # fmt: skip
        super().__init__(
            bucket_name=parts.netloc, location=parts.path.strip("/"), endpoint_url=asked.get("endpoint"),
            region_name=asked.get("region"), default_acl=None, querystring_auth=True, file_overwrite=True,
            client_config=config, **options,
        )  # fmt: skip

    def _open(self, name: str, mode: str = "rb") -> File[bytes]:
        """The whole object in one request: an image or a map of a few megabytes."""
        if mode != "rb":
            raise ValueError("Objects are read whole and written whole.")
        with _asked("give", name):
            client = self.connection.meta.client
            try:
                content = client.get_object(Bucket=self.bucket_name, Key=self._normalize_name(name))["Body"].read()
            except client.exceptions.NoSuchKey:
                raise FileNotFoundError(name) from None
        return ContentFile(content, name)

    def _save(self, name: str, content: Any) -> str:
        with _asked("take", name):
            return str(super()._save(name, content))

    def exists(self, name: str) -> bool:
        with _asked("say whether it has", name):
            return bool(super().exists(name))

    def delete(self, name: str) -> None:
        with _asked("remove", name):
            super().delete(name)

    def url(self, name: str | None, *args: Any, **options: Any) -> str:
        """For the administration, which links each file: leads nowhere, as on a disk. cases/media.py sends files."""
        return f"{settings.MEDIA_URL}{quote(name or '')}"

    def answers_strangers(self) -> bool:
        """Whether somebody without credentials is told what is in the bucket. Raises boto3's errors."""
        try:
            self.unsigned_connection.meta.client.list_objects_v2(Bucket=self.bucket_name, MaxKeys=1)
        except ClientError:
            return False
        return True
