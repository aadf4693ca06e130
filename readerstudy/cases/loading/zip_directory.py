"""How many files a ZIP lists, counted before its list is read into memory: half a kilobyte goes for each.

PKWARE's APPNOTE 4.3: the end record says where the list (the central directory) begins; each entry has 46 bytes, a
name, an extra field and a comment. What the end record says of their number is not believed.
"""

import os
import struct
import zipfile
from pathlib import Path
from typing import BinaryIO

from readerstudy.cases.loading.problems import refuse

MAX_FILES = 200_000
MAX_DIRECTORY_BYTES = 64 * 2**20
_END, _END64, _LOCATOR64, _ENTRY = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07", b"PK\x01\x02"
_END_BYTES, _LOCATOR_BYTES, _ENTRY_BYTES, _LONGEST_COMMENT = 22, 20, 46, 65_535


def check_directory(path: Path) -> None:
    """BatchRefused for a ZIP with too many files or too long a list of them, BadZipFile where there is no list."""
    with path.open("rb") as file:
        start, size = _directory(file)
        if size > MAX_DIRECTORY_BYTES:
            limit = MAX_DIRECTORY_BYTES // 2**20
            raise refuse(f"the ZIP's list of files is over {limit} MiB long", "Load it as several batches")
        file.seek(start)
        if _count(file.read(size)) > MAX_FILES:
            raise refuse(f"the ZIP holds more than {MAX_FILES:,} files", "Load it as several batches")


def _directory(file: BinaryIO) -> tuple[int, int]:
    """Where the list begins, and its bytes. A ZIP may have something before it (a self-extracting one), so the place is
    counted from the end, as zipfile does."""
    length = file.seek(0, os.SEEK_END)
    tail_start = max(0, length - _END_BYTES - _LONGEST_COMMENT)
    file.seek(tail_start)
    tail = file.read()
    at = tail.rfind(_END)
    if at < 0 or len(tail) - at < _END_BYTES:
        raise zipfile.BadZipFile
    end = tail_start + at
    (size,) = struct.unpack_from("<12xL", tail, at)
    if end >= _LOCATOR_BYTES:
        file.seek(end - _LOCATOR_BYTES)
        locator = file.read(_LOCATOR_BYTES)
        if locator.startswith(_LOCATOR64):
            end -= _LOCATOR_BYTES
            end, size = _directory64(file, end)
    if size > end:
        raise zipfile.BadZipFile
    return end - size, size


def _directory64(file: BinaryIO, locator: int) -> tuple[int, int]:
    """The same of a ZIP64: where its own end record begins (the list ends there), and the list's bytes."""
    record = locator - 56  # without the extensible data, which zipfile does not read either
    if record < 0:
        raise zipfile.BadZipFile
    file.seek(record)
    content = file.read(56)
    if not content.startswith(_END64):
        raise zipfile.BadZipFile
    (size,) = struct.unpack_from("<40xQ", content)
    return record, size


def _count(directory: bytes) -> int:
    at, count = 0, 0
    while directory[at : at + 4] == _ENTRY and len(directory) - at >= _ENTRY_BYTES:
        name, extra, comment = struct.unpack_from("<28x3H", directory, at)
        at += _ENTRY_BYTES + name + extra + comment
        count += 1
    return count
