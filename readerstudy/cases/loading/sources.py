"""Files of a batch: a folder, a ZIP, or a manifest beside its images. Nothing is unpacked; one file is open at a time.

Whatever a hostile or careless ZIP or folder could hold is refused in a sentence: bombs, paths that lead outside, links.
"""

from __future__ import annotations

import hashlib
import os
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Protocol

from explain.images.checks import ImageError
from explain.images.radiograph import read_dicom_facts, read_radiograph
from readerstudy.cases.loading.keeping import Kept, Mask, Picture, key_of
from readerstudy.cases.loading.manifest import read_manifest
from readerstudy.cases.loading.masks import is_boxes, read_mask
from readerstudy.cases.loading.problems import BatchRefused, Problems, refuse
from readerstudy.cases.loading.records import CaseRecord, FindingRecord
from readerstudy.cases.loading.zip_directory import check_directory
from readerstudy.cases.loading.zip_names import UnsureNames, meant_name
from readerstudy.common.csv_tables import MAX_BYTES, workbook

MAX_FILE_BYTES = 256 * 2**20
MAX_TOTAL_BYTES = 200 * 2**30
# Real images hardly shrink: what swells a hundredfold is made to fill a disk or a memory.
MAX_RATIO, SMALL = 100, 2**20
COMPRESSIONS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA}
DEFLATE64 = 9
OTHER_COMPRESSION = (
    "Make it with the method “Deflate”, for example in 7-Zip (Windows itself takes Deflate64 for files over 2 GB: make "
    "several smaller ZIPs), or load the folder itself"
)
WORKBOOKS = (".xlsx", ".xls", ".xlsm", ".ods", ".numbers")
CHUNK = 2**20
IGNORED = {"thumbs.db", "desktop.ini", "dicomdir"}


class Files(Protocol):
    """Files by relative path, forward slashes. `noun` says in messages what they are in."""

    noun: str

    def names(self) -> list[str]: ...

    def open(self, name: str) -> BinaryIO:
        """Raises ImageError for a file that is not there, too large, or reached through a link."""
        ...


class FileSource:
    """Cases of a folder or ZIP: by its manifest, or without one every file an image and a case without truth."""

    def __init__(self, files: Files, public_name: str, manifest: str | None = None) -> None:
        self.files, self.public_name = files, public_name
        self.manifest = manifest if manifest is not None else _manifest_among(files)
        self.base = str(PurePosixPath(self.manifest or "").parent)
        self.name = f"{files.noun} with a manifest" if self.manifest else f"{files.noun} without a manifest"

    def cases(self, problems: Problems) -> list[CaseRecord]:
        if not self.manifest:
            names = self.files.names()
            if not names:
                raise refuse(f"the {self.files.noun} holds no files", "Check the path")
            return [CaseRecord(row=number, image=name) for number, name in enumerate(names, 1)]
        try:
            with self.files.open(self.manifest) as file:
                content = file.read(MAX_BYTES + 1)
        except ImageError as error:
            raise refuse(error.problem, error.remedy, "manifest") from None
        return read_manifest(content, problems)

    def picture(self, case: CaseRecord, kept: Kept) -> Picture:
        where = f"row {case.row}"
        with self.open(case.image) as file:
            return kept.picture(_sha256(file), lambda: (read_radiograph(file, where), read_dicom_facts(file, where)))

    def mask(self, case: CaseRecord, finding: FindingRecord, picture: Picture, kept: Kept) -> Mask | None:
        return self._drawn(finding.mask, picture, kept)

    def confounder(self, finding: FindingRecord, picture: Picture, kept: Kept) -> Mask | None:
        return self._drawn(finding.confounder, picture, kept)

    def _drawn(self, spec: str, picture: Picture, kept: Kept) -> Mask | None:
        shapes = picture.shape, picture.as_read.shape if picture.as_read else None
        if is_boxes(spec):
            return kept.mask(key_of(spec, *shapes), lambda: read_mask(spec, shapes[0], self.open, shapes[1]))
        with self.open(spec) as file:
            key = key_of(_sha256(file), *shapes)
            return kept.mask(key, lambda: read_mask(spec, shapes[0], lambda _: file, shapes[1]))

    def open(self, path: str) -> BinaryIO:
        parts = PurePosixPath(path).parts
        if not parts or ".." in parts or path.startswith("/") or ":" in parts[0]:
            raise ImageError("", "the path leads outside the batch", "Give a path relative to the manifest, without ..")
        return self.files.open(str(PurePosixPath(self.base, path)))


class FolderFiles:
    noun = "folder"

    def __init__(self, root: Path) -> None:
        self.root = root

    def names(self) -> list[str]:
        """All files below, hidden ones and system files left out, sorted."""
        found = []
        for folder, _, names in os.walk(self.root):
            inside = Path(folder).relative_to(self.root)
            found += [(inside / name).as_posix() for name in names if not _ignored((inside / name).as_posix())]
        return sorted(found)

    def open(self, name: str) -> BinaryIO:
        path = self.root
        for part in PurePosixPath(name).parts:
            path = _present(path, part)
            if path.is_symlink():
                raise ImageError("", "the path goes through a symbolic link", "Copy the file itself into the folder")
        try:
            state = path.stat()
            if not stat.S_ISREG(state.st_mode):
                raise ImageError("", "the path is a folder or no ordinary file", "Give the path of an image")
            _check_bytes(state.st_size)
            return path.open("rb")
        except FileNotFoundError:
            raise _missing(self.noun) from None
        except OSError as error:
            raise ImageError("", f"the file cannot be opened ({error.strerror})", "Check its permissions") from None


class RenamedFiles(FolderFiles):
    """A folder whose files have other names than the manifest uses. given: the manifest's name -> the file's."""

    def __init__(self, root: Path, given: dict[str, str]) -> None:
        super().__init__(root)
        self.given = given

    def names(self) -> list[str]:
        return sorted(self.given)

    def open(self, name: str) -> BinaryIO:
        kept = self.given.get(unicodedata.normalize("NFC", name))
        if kept is None:
            raise _missing(self.noun)
        return super().open(kept)


class ZipFiles:
    noun = "ZIP"

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive = archive
        self.entries: dict[str, zipfile.ZipInfo] = {}
        if sum(info.file_size for info in archive.infolist()) > MAX_TOTAL_BYTES:
            limit = MAX_TOTAL_BYTES // 2**30
            raise refuse(f"the ZIP unpacks to more than {limit} GiB", "Load it as several batches")
        if called := workbook(archive):
            raise refuse(
                f"the file is {called}, not a ZIP of images", "Save it as “CSV UTF-8”, and ZIP that with the images"
            )
        unsure = []
        for number, info in enumerate(archive.infolist(), 1):
            name, raw = meant_name(info)
            if not name.endswith("/") and not _ignored(name):  # is_dir() knows no backslash at the end
                self._add(number, info, name)
                unsure += [(raw, info)] if raw else []
        self.unsure = UnsureNames(unsure)

    def _add(self, number: int, info: zipfile.ZipInfo, name: str) -> None:
        parts = PurePosixPath(name).parts
        entry = f"entry {number} of the ZIP"  # names may identify
        if name.startswith("/") or ".." in parts or ":" in parts[0]:
            raise refuse(f"{entry} has a path that leads outside", "Make the ZIP again from one folder")
        if stat.S_ISLNK(info.external_attr >> 16):
            raise refuse(f"{entry} is a symbolic link", "Put the file itself into the ZIP")
        if info.flag_bits & 1:
            raise refuse(f"{entry} is encrypted", "Make the ZIP without a password")
        if info.compress_type not in COMPRESSIONS:
            called = "Deflate64" if info.compress_type == DEFLATE64 else f"method {info.compress_type}"
            raise refuse(f"{entry} is compressed by {called}, which cannot be read here", OTHER_COMPRESSION)
        if info.file_size > SMALL and info.file_size > MAX_RATIO * info.compress_size:
            raise refuse(f"{entry} unpacks to over {MAX_RATIO} times its size, which no image does", "Remove it")
        name = str(PurePosixPath(name))  # some programs write ./ before every name
        if name in self.entries:
            raise refuse(f"{entry} has the same name as another one", "Make the ZIP again from one folder")
        self.entries[name] = info

    def names(self) -> list[str]:
        return sorted(self.entries)

    def open(self, name: str) -> BinaryIO:
        info = self.entries.get(unicodedata.normalize("NFC", name)) or self.unsure.find(name)
        if info is None:
            raise _missing(self.noun)
        _check_bytes(info.file_size)
        try:
            return BytesIO(_bounded(self.archive, info))
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError):
            raise ImageError("", "the file is damaged inside the ZIP", "Make the ZIP again") from None


def _bounded(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """The entry's bytes, CRC checked. What it declares is not believed: nothing more is unpacked than the limit."""
    content = bytearray()
    with archive.open(info) as file:
        while chunk := file.read(CHUNK):  # in one go, zlib would unpack all that is there and cut it afterwards
            content += chunk
            _check_bytes(len(content))
    if len(content) != info.file_size:
        raise zipfile.BadZipFile
    return bytes(content)


@contextmanager
def open_source(path: Path) -> Iterator[FileSource]:
    """A manifest CSV, a folder or a ZIP. Raises BatchRefused."""
    if path.is_dir():
        yield FileSource(FolderFiles(path), path.resolve().name)
    elif not path.is_file():
        raise refuse("the source is not there", "Give a manifest .csv, a folder, a .zip or xrv:<dataset>")
    elif zipfile.is_zipfile(path):
        with open_zip(path) as files:
            yield FileSource(files, path.name)
    elif path.suffix.lower() == ".csv":
        yield FileSource(FolderFiles(path.parent), path.name, path.name)
    elif path.suffix.lower() == ".zip":
        raise refuse("the file is no ZIP, or an incomplete one", "Copy or make it again")
    elif path.suffix.lower() in WORKBOOKS:
        raise refuse("the source is a workbook, not a CSV", "Open it and save it as “CSV UTF-8”")
    else:
        raise refuse("the source is no CSV, folder or ZIP", "Give a manifest .csv, a folder, a .zip or xrv:<dataset>")


@contextmanager
def open_zip(path: Path) -> Iterator[ZipFiles]:
    """Raises BatchRefused."""
    try:
        check_directory(path)
        archive = zipfile.ZipFile(path)
    except BatchRefused:
        raise
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        raise refuse("the ZIP is damaged", "Make it again") from None
    with archive:
        yield ZipFiles(archive)


def _sha256(file: BinaryIO) -> str:
    """Of the whole file, which is then at its start again."""
    digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
    file.seek(0)
    return digest


def _manifest_among(files: Files) -> str | None:
    """manifest.csv, or else the only CSV, of those least deep in folders."""
    found = [name for name in files.names() if name.lower().endswith(".csv")]
    if not found:
        if any(name.lower().endswith(WORKBOOKS) for name in files.names()):
            text = f"the {files.noun} holds a workbook and no CSV"
            raise refuse(text, "Open it and save it as “CSV UTF-8”, called manifest.csv, or remove it")
        return None
    least = min(name.count("/") for name in found)
    top = [name for name in found if name.count("/") == least]
    named = [name for name in top if PurePosixPath(name).name.lower() == "manifest.csv"]
    if len(named) > 1:
        raise refuse(f"the {files.noun} has {len(named)} files called manifest.csv", "Keep one, beside the images")
    if len(named or top) > 1:
        raise refuse(f"the {files.noun} has {len(top)} CSV files", "Call the right one manifest.csv")
    return (named or top)[0]


def _present(folder: Path, part: str) -> Path:
    """The entry of that name, also where the file system spells its accents in the other Unicode form."""
    for form in ("NFC", "NFD"):
        path = folder / unicodedata.normalize(form, part)
        if path.exists() or path.is_symlink():
            return path
    return folder / part


def _ignored(name: str) -> bool:
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return not parts or (
        any(part.startswith(".") and part != ".." for part in parts)
        or "__MACOSX" in parts
        or parts[-1].lower() in IGNORED
    )


def _check_bytes(size: int) -> None:
    if size > MAX_FILE_BYTES:
        raise ImageError("", f"the file is over {MAX_FILE_BYTES // 2**20} MiB", "Check that it is one radiograph")


def _missing(noun: str) -> ImageError:
    return ImageError("", f"the {noun} has no such file", "Check the path and its upper and lower case")
