"""The header of a DICOM file: parsed by allow-list, and each value absent, empty, good or wrong. No pixels, no torch.

Absent and empty are the same to a reader of files: the file says nothing. A wrong value is another thing: where it
decides pixels it is refused, naming the field and never quoting it.
"""

from __future__ import annotations

from typing import Any, BinaryIO

import numpy as np
import pydicom
from pydicom import uid
from pydicom.datadict import dictionary_description, tag_for_keyword
from pydicom.filereader import _read_file_meta_info, read_preamble
from pydicom.multival import MultiValue
from pydicom.tag import Tag
from pydicom.uid import UID_dictionary  # type: ignore[attr-defined]

from explain.images.checks import ImageError
from explain.images.quotes import no_quotes

_PICTURES = {"PixelData": 0x7FE00010, "FloatPixelData": 0x7FE00008, "DoubleFloatPixelData": 0x7FE00009}
AGAIN = "Copy it again from where it came, or export it again"


def is_dicom(head: bytes) -> bool:
    """Whether a file with these first 132 bytes is DICOM, also one written without the preamble (PS3.10 7.1): it then
    begins with a short element of group 2 or 8, explicit (a VR such as UI) or implicit (a small length)."""
    if head[128:132] == b"DICM":
        return True
    if len(head) < 16 or head[:2] not in (b"\x02\x00", b"\x08\x00") or head[3] != 0:
        return False
    explicit = head[4:6] in (b"UL", b"OB", b"UI", b"CS", b"DA", b"TM", b"SH", b"LO", b"DT")
    return explicit or (head[5:8] == bytes(3) and head[4] <= 128)


class Header:
    """Values by their DICOM keyword. Raises ImageError for wrong ones, only when they are asked for."""

    def __init__(self, ds: pydicom.Dataset, where: str, plain: str, pictures: set[str]) -> None:
        self.where, self.pictures = where, pictures
        meta = getattr(ds, "file_meta", None) or pydicom.Dataset()
        self.syntax = uid.UID(str(meta.get("TransferSyntaxUID") or plain).strip(" \0"))
        self.meta_class = str(meta.get("MediaStorageSOPClassUID") or "").strip(" \0")
        self.values: dict[int, Any] = {}
        self.vrs: dict[int, str] = {}
        self.wrong: set[int] = set()
        for tag in list(ds.keys()):
            try:  # pydicom converts lazily; do it here, where nothing can leak
                self.values[int(tag)] = ds[tag].value
                self.vrs[int(tag)] = ds[tag].VR
            except Exception:  # many kinds, quoting what was read
                self.wrong.add(int(tag))

    def get(self, name: str | int) -> Any:
        """The value, or None when absent or empty. Raises ImageError when wrong."""
        tag = int(Tag(name))
        if tag in self.wrong:
            raise self.unusable(name)
        value = self.values.get(tag)
        return None if value is None or (isinstance(value, str | bytes | MultiValue | list) and not value) else value

    def __contains__(self, name: str | int) -> bool:
        """Whether the header states it: a good value or a wrong one, not an empty one."""
        return int(Tag(name)) in self.wrong or self.get(name) is not None

    def text(self, name: str) -> str:
        """The text, stripped; "" when absent, empty, wrong or no single text."""
        value = None if int(Tag(name)) in self.wrong else self.get(name)
        return value.strip(" \0") if isinstance(value, str) else ""

    def numbers(self, name: str | int) -> list[float]:
        """All values as finite numbers; none when absent or empty."""
        value = self.get(name)
        if value is None or (isinstance(value, str) and not value.strip(" \0")):
            return []
        parts = list(value) if isinstance(value, MultiValue | list | tuple) else [value]
        try:
            found = [float(part) for part in parts]
        except (TypeError, ValueError):
            raise self.unusable(name) from None
        if not np.isfinite(found).all():
            raise self.unusable(name)
        return found

    def number(self, name: str, missing: float) -> float:
        """One number, or `missing` when absent or empty."""
        found = self.numbers(name)
        if len(found) > 1:
            raise self.unusable(name)
        return found[0] if found else missing

    def integer(self, name: str | int, missing: int | None = None) -> int:
        """One whole number; `missing`, or an ImageError without it, when absent or empty."""
        found = self.numbers(name)
        if not found and missing is None:
            raise ImageError(self.where, f"the DICOM header lacks {_called(name)}", AGAIN)
        if len(found) > 1 or (found and found[0] != int(found[0])):
            raise self.unusable(name)
        return int(found[0]) if found else int(missing or 0)

    def unusable(self, name: str | int) -> ImageError:
        return ImageError(self.where, f"the DICOM header's {_called(name)} has no usable value", AGAIN)

    @property
    def compressed(self) -> bool:
        return self.syntax in UID_dictionary and self.syntax.is_transfer_syntax and self.syntax.is_compressed

    @property
    def known_syntax(self) -> bool:
        return self.syntax in UID_dictionary and self.syntax.is_transfer_syntax


def parse(source: BinaryIO, where: str, tags: list[str | int], stop_before_pixels: bool = False) -> Header:
    """Parse only `tags`. Raises ImageError for a file that is deflated or damaged. `pictures` of the result is empty
    for a file that ends before its picture begins."""
    damaged = ImageError(where, "the file cannot be read as DICOM: damaged or incomplete", AGAIN)
    _refuse_deflated(source, where, damaged)
    source.seek(0)
    force = source.read(132)[128:] != b"DICM"
    source.seek(0)
    try:
        with no_quotes():
            ds = pydicom.dcmread(
                source, stop_before_pixels=stop_before_pixels, specific_tags=[Tag(tag) for tag in tags], force=force
            )
            implicit, little = ds.original_encoding
    except Exception:  # pydicom raises many kinds, quoting what it read
        raise damaged from None
    pictures = {name for name, tag in _PICTURES.items() if tag in ds}
    if stop_before_pixels:
        pictures = _picture_at(source, bool(little))
    plain = uid.ImplicitVRLittleEndian if implicit else uid.ExplicitVRLittleEndian
    try:
        with no_quotes():
            return Header(ds, where, plain if little else uid.ExplicitVRBigEndian, pictures)
    except Exception:  # of the file meta, converted lazily as well
        raise damaged from None


def _refuse_deflated(source: BinaryIO, where: str, damaged: ImageError) -> None:
    """Parsing a deflated file would inflate it, however large, into memory: ask the file meta alone, wherever in it the
    transfer syntax stands."""
    source.seek(0)
    try:
        with no_quotes():
            read_preamble(source, force=True)
            syntax = _read_file_meta_info(source).get("TransferSyntaxUID")
    except Exception:
        raise damaged from None
    known = str(syntax or "").strip(" \0")
    if known in UID_dictionary and "Deflate" in UID_dictionary[known][0]:
        raise ImageError(where, "the whole DICOM file is deflated", "Export it uncompressed, or as JPEG 2000")


def _picture_at(source: BinaryIO, little: bool) -> set[str]:
    """Which picture begins where pydicom stopped before the pixels."""
    head = source.read(4)
    order = "little" if little else "big"
    tag = int.from_bytes(head[:2], order) << 16 | int.from_bytes(head[2:], order)  # type: ignore[arg-type]
    return {name for name, known in _PICTURES.items() if known == tag}


def _called(name: str | int) -> str:
    tag = tag_for_keyword(name) if isinstance(name, str) else name
    try:
        return dictionary_description(tag) if tag is not None else str(name)
    except KeyError:
        return f"element {Tag(name)}"
