"""Names of files in a ZIP as they were meant: not every program says how it writes letters beyond ASCII."""

from __future__ import annotations

import re
import unicodedata
import zipfile
from collections import defaultdict
from collections.abc import Iterable
from pathlib import PurePosixPath

# What Windows programs write without saying so; the order decides what a name is taken for where nothing asks for it.
CODECS = ("cp850", "cp1252", "cp437")
_UTF8_FLAG = 0x800
_SAID_OTHERWISE = 0x7075  # Info-ZIP's Unicode Path field


def meant_name(info: zipfile.ZipInfo) -> tuple[str, bytes]:
    """The entry's name, forward slashes and NFC, and its bytes where these leave open which letters they are.

    macOS writes UTF-8 without the flag that says so; zipfile takes every name without the flag for code page 437.
    """
    name, raw = _unicode_path(info) or info.filename, b""
    if not info.flag_bits & _UTF8_FLAG and not name.isascii() and not _unicode_path(info):
        raw = _bytes(name)
        try:
            name, raw = raw.decode("utf-8"), b""
        except UnicodeDecodeError:
            name = spellings(raw)[0]
    return unicodedata.normalize("NFC", name.replace("\\", "/")), raw


def spellings(raw: bytes) -> list[str]:
    """The name in every code page that has all of its bytes; those whose odd characters are all letters come first."""
    found = []
    for codec in CODECS:
        try:
            found.append(unicodedata.normalize("NFC", raw.decode(codec).replace("\\", "/")))
        except UnicodeDecodeError:
            continue
    return sorted(found, key=lambda name: not all(char.isascii() or char.isalpha() for char in name))


class UnsureNames:
    """Finds entries whose code page is not known by the name that a manifest gives them."""

    def __init__(self, entries: Iterable[tuple[bytes, zipfile.ZipInfo]]) -> None:
        self.alike: dict[str, list[tuple[list[tuple[str, ...]], zipfile.ZipInfo]]] = defaultdict(list)
        for raw, info in entries:
            names = [PurePosixPath(name).parts for name in spellings(raw)]
            self.alike[_skeleton("/".join(names[0]))].append((names, info))

    def find(self, name: str) -> zipfile.ZipInfo | None:
        """The only entry of which every folder and the file can be spelled like this; None for none or several."""
        parts = PurePosixPath(unicodedata.normalize("NFC", name)).parts
        found = [
            info
            for names, info in self.alike.get(_skeleton("/".join(parts)), ())
            if len(names[0]) == len(parts)
            and all(any(spelled[place] == part for spelled in names) for place, part in enumerate(parts))
        ]
        return found[0] if len(found) == 1 else None


def _skeleton(name: str) -> str:
    return re.sub(r"[^\x00-\x7f]", "?", name)


def _bytes(name: str) -> bytes:
    try:
        return name.encode("cp437")
    except UnicodeEncodeError:  # decoded by what this Python takes for the default
        return name.encode("utf-8")


def _unicode_path(info: zipfile.ZipInfo) -> str:
    """The name that the entry carries in Unicode beside the other; "" for none."""
    extra = info.extra
    while len(extra) >= 4:
        kind, size = int.from_bytes(extra[:2], "little"), int.from_bytes(extra[2:4], "little")
        if kind == _SAID_OTHERWISE and size > 5:
            return extra[9 : 4 + size].decode("utf-8", "replace")
        extra = extra[4 + size :]
    return ""
