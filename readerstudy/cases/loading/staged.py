"""One upload between its dry run and its confirmation, as its folder under MEDIA_ROOT/staging keeps it.

A folder holds content/ (files under our own names), thumbs/ and state.json; see staging.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from readerstudy.cases.loading.sources import FileSource, RenamedFiles, open_source
from readerstudy.common.refusals import Refusal
from readerstudy.common.storage import staging_root

MANIFEST = "manifest.csv"
TOKEN = re.compile(r"[0-9a-f]{32}")


class Gone(Refusal):
    """The upload was loaded, discarded, or has expired."""

    code, status, title = "gone", 410, "This upload is gone"

    def __init__(self) -> None:
        super().__init__("It was loaded, discarded or downloaded, or it is more than a day old. Nothing of it is kept.")


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
    # What the manifest calls the images that came beside it -> our own name. They may identify; no page shows them.
    names: dict[str, str] = field(default_factory=dict)
    created: float = 0.0  # seconds since 1970; 0 in uploads of older versions

    @property
    def folder(self) -> Path:
        return folder_of(self.token)

    @classmethod
    def read(cls, folder: Path) -> Staged:
        """What `save` has kept. Raises Gone."""
        try:
            return cls(**json.loads((folder / "state.json").read_text()))
        except (OSError, ValueError):
            raise Gone from None

    def save(self) -> None:
        (self.folder / "state.json").write_text(json.dumps(asdict(self)))

    @contextmanager
    def source(self) -> Iterator[FileSource]:
        """Raises BatchRefused."""
        content = self.folder / "content"
        if self.names:
            yield FileSource(RenamedFiles(content, {**self.names, MANIFEST: MANIFEST}), self.public_name, MANIFEST)
            return
        archive = content / "upload.zip"
        with open_source(archive if archive.exists() else content / MANIFEST) as source:
            source.public_name = self.public_name
            yield source


def folder_of(token: str) -> Path:
    return staging_root() / (token if TOKEN.fullmatch(token) else "no such upload")
