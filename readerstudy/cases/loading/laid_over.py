"""Files of an upload with those over them that were sent again. Nothing is unpacked, nothing rewritten."""

from __future__ import annotations

import unicodedata
from contextlib import ExitStack
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import BinaryIO

from readerstudy.cases.loading.sources import Files, FolderFiles, ZipFiles, open_zip


class LaidOver:
    """Files (sources.Files). names: name in the upload -> file in `folder`, "3.upload", or entry of a ZIP there,
    "4.zip/a/1.png". A context: the ZIPs that were opened are closed with it."""

    def __init__(self, files: Files, folder: Path, names: dict[str, str]) -> None:
        self.noun, self.files, self.names_over = files.noun, files, names
        self.folder, self.opened = FolderFiles(folder), ExitStack()
        self.archives: dict[str, ZipFiles] = {}

    def __enter__(self) -> LaidOver:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.opened.close()

    def names(self) -> list[str]:
        return sorted({*self.files.names(), *self.names_over})

    def open(self, name: str) -> BinaryIO:
        ours = self.names_over.get(unicodedata.normalize("NFC", name))
        if ours is None:
            return self.files.open(name)
        file, _, entry = ours.partition("/")
        if not entry:
            return self.folder.open(file)
        if file not in self.archives:
            self.archives[file] = self.opened.enter_context(open_zip(self.folder.root / file))
        return self.archives[file].open(entry)


def place_of(name: str, known: set[str], by_last: dict[str, list[str]]) -> str | None:
    """The name in an upload that a file sent again stands for: the same, or else the only one that ends like it or that
    it ends with; "" where none does, None where several do. by_last: the known names by their last part."""
    name = unicodedata.normalize("NFC", name)
    if name in known:
        return name
    alike = [
        other
        for other in by_last.get(PurePosixPath(name).name, [])
        if f"/{other}".endswith(f"/{name}") or f"/{name}".endswith(f"/{other}")
    ]
    return alike[0] if len(alike) == 1 else None if alike else ""
