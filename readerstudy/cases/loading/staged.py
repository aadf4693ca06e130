"""One upload between its dry run and its confirmation, as its folder under MEDIA_ROOT/staging keeps it.

A folder holds content/ (files under our own names), kept/ (what their images decode to), checked.json (what the check
found, for the load), thumbs/ and state.json; see staging.

Requests and workers may have one upload in hand at a time. Each reads its state, and saves it as the next version:
whoever has read an earlier one than the last is refused (Overtaken), so that nothing of two is mixed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from readerstudy.cases.loading.keeping import Kept
from readerstudy.cases.loading.laid_over import LaidOver
from readerstudy.cases.loading.sources import Files, FileSource, RenamedFiles, open_zip
from readerstudy.cases.models import UploadVersion
from readerstudy.common.refusals import Refusal
from readerstudy.common.storage import staging_root

MANIFEST, LINKS = "manifest.csv", "linking.csv"
TOKEN = re.compile(r"[0-9a-f]{32}")


class Gone(Refusal):
    """The upload was loaded, discarded, or has expired."""

    code, status, title = "gone", 410, "This upload is gone"

    def __init__(self) -> None:
        super().__init__("It was loaded, discarded or downloaded, or it is more than a day old. Nothing of it is kept.")


class Elsewhere(Gone):
    """Its files lie on another host. A Gone, for whoever need not tell one from the other."""

    code, status, title = "elsewhere", 409, "This upload is on another host"

    def __init__(self) -> None:
        Refusal.__init__(
            self,
            "Its files are not here, and nothing was changed. They lie in the MEDIA_ROOT of the web host that received "
            "them, or were removed there by hand. Several web hosts need one that all uploads are passed to, or a "
            "shared folder: docs/deployment.md, Several web hosts.",
        )


class Overtaken(ValidationError):
    """Somebody else has saved the upload since it was read."""

    def __init__(self) -> None:
        super().__init__(
            "Meanwhile this upload was checked or mended elsewhere, in another window or by a worker. That holds, and "
            "its page shows it; nothing of this was kept. If anything is still wrong, send it again."
        )


@dataclass
class Staged:
    """One upload and its dry run. cases: what the page shows of the first ones; problems: fields of Problem."""

    token: str
    batch: str
    public_name: str
    keep_source_ids: bool
    simulated: bool
    report: dict[str, Any] = field(default_factory=dict)
    cases: list[dict[str, Any]] = field(default_factory=list)
    problems: list[dict[str, Any]] = field(default_factory=list)
    known: bool = False  # the batch is there already, with this content
    loaded: bool = False
    # What the manifest calls the images that came beside it, or were sent again -> our own name (laid_over.LaidOver).
    # They may identify; no page shows them.
    names: dict[str, str] = field(default_factory=dict)
    # Seconds since 1970 when files were last sent, or it was loaded; 0 in uploads of older versions.
    created: float = 0.0
    by_worker: bool = False  # too large to be checked and loaded while a browser waits
    version: int = 0  # how often it was saved; 0 in uploads of older versions too
    check: int = 0  # the version with which the check began whose findings these are

    @property
    def folder(self) -> Path:
        return folder_of(self.token)

    @property
    def content(self) -> Path:
        return self.folder / "content"

    @property
    def kept(self) -> Kept:
        return Kept(self.folder / "kept")

    @property
    def links(self) -> Path:
        return self.folder / LINKS

    @property
    def has_links(self) -> bool:
        return self.links.exists()

    @property
    def checked(self) -> bool:
        return bool(self.report or self.problems)

    @property
    def may_be_mended(self) -> bool:
        """Whether what was sent is here, to lay corrected files over. A ZIP that cannot be opened is not kept."""
        return bool(self.problems) and self.content.is_dir()

    @classmethod
    def read(cls, folder: Path) -> Staged:
        """What `save` has kept. Raises Gone."""
        try:
            return cls(**json.loads((folder / "state.json").read_text()))
        except (OSError, ValueError):
            raise Gone from None

    def save(self) -> None:
        """Whole or not at all: pages read it at any time. Raises Overtaken, and Gone."""
        with transaction.atomic():
            version = _next_version(self.token, self.version)
            part = self.folder / "state.json.part"
            part.write_text(json.dumps(asdict(self) | {"version": version}))
            part.replace(self.folder / "state.json")
        self.version = version

    @contextmanager
    def unless_overtaken(self) -> Iterator[None]:
        """Whatever fails in it because others mended or removed the upload, so that files are gone, is said so."""
        try:
            yield
        except Exception as error:
            if not self.folder.is_dir():
                raise Gone from error
            last = UploadVersion.objects.filter(token=self.token).values_list("version", flat=True).first()
            if last is not None and last > self.version:
                raise Overtaken from error
            raise

    @contextmanager
    def files(self) -> Iterator[Files]:
        """What was sent, with what was sent again over it. Raises BatchRefused for a ZIP that cannot be opened."""
        archive = self.content / "upload.zip"
        if not archive.exists():
            with LaidOver(RenamedFiles(self.content, {MANIFEST: MANIFEST}), self.content, self.names) as files:
                yield files
            return
        with open_zip(archive) as sent, LaidOver(sent, self.content, self.names) as files:
            yield files

    @contextmanager
    def source(self) -> Iterator[FileSource]:
        """Raises BatchRefused."""
        with self.files() as files:
            yield FileSource(files, self.public_name)


def folder_of(token: str) -> Path:
    return staging_root() / (token if TOKEN.fullmatch(token) else "no such upload")


def _next_version(token: str, version: int) -> int:
    """Take the turn after `version`. Raises Overtaken, and Gone. Where the row is behind `version`, or there is a file
    and no row, a process was killed between file and commit, or the database is that of an earlier day."""
    rows = UploadVersion.objects.filter(token=token)
    if rows.filter(version__lte=version).update(version=version + 1, changed_at=timezone.now()):
        return version + 1
    is_here = not version or (folder_of(token) / "state.json").exists()
    if is_here and UploadVersion.objects.get_or_create(token=token, defaults={"version": version + 1})[1]:
        return version + 1
    raise Overtaken if rows.exists() else Gone
