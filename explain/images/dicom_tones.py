"""The ways in which a DICOM header asks to be shown, best first: tables, then windows (PS3.3 C.11.2). No torch."""

from __future__ import annotations

import math

import numpy as np
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from explain.images.checks import ImageError
from explain.images.dicom_header import Header
from explain.images.tones import Tone, sigmoid, table, window


def tones(header: Header, lowest: float, highest: float) -> list[Tone]:
    """The usable tables, then the usable windows, in the header's order, for values after rescaling. What is broken is
    left out: it decides how the picture is first shown, not its pixels. lowest, highest: the values that can occur."""
    found: list[Tone] = []
    for item in _items(header):
        tone = _table(item, lowest, highest)
        if tone:
            found.append(tone)
    function = header.text("VOILUTFunction").upper()
    for center, width in zip(_parts(header, "WindowCenter"), _parts(header, "WindowWidth"), strict=False):
        tone = None if center is None or width is None else _window(center, width, function)
        if tone:
            found.append(tone)
    return found


def asked(header: Header) -> bool:
    """Whether the header asks for any way of showing, usable or not."""
    return bool(_items(header)) or "WindowCenter" in header


def _parts(header: Header, name: str) -> list[float | None]:
    """The values of a field in their places, None for one that is empty or no number: the windows beside it count."""
    try:
        value = header.get(name)
    except ImageError:
        return []
    found: list[float | None] = []
    for part in value if isinstance(value, MultiValue | list | tuple) else [value]:
        try:
            number = float(part)
        except (TypeError, ValueError):
            number = math.nan
        found.append(number if math.isfinite(number) else None)
    return found


def _items(header: Header) -> list[Dataset]:
    try:
        return list(header.get("VOILUTSequence") or [])
    except (ImageError, TypeError):
        return []


def _window(center: float, width: float, function: str) -> Tone | None:
    if function == "SIGMOID":
        return sigmoid(center, width) if width > 0 else None
    if function == "LINEAR_EXACT":
        return window(center - width / 2, center + width / 2) if width > 0 else None
    if width <= 1:  # 1 is a threshold: black and white
        return None
    return window(center - 0.5 - (width - 1) / 2, center - 0.5 + (width - 1) / 2)


def _table(item: Dataset, lowest: float, highest: float) -> Tone | None:
    """None for a table that is empty, flat, or of another length than its descriptor says."""
    try:
        entries, first, bits = _words(item["LUTDescriptor"].value)
        data = item["LUTData"].value
        entries = entries or 2**16
        if isinstance(data, bytes):
            short = bits <= 8 and len(data) in (entries, entries + entries % 2)
            outputs = np.frombuffer(data, np.uint8 if short else "<u2")[: entries if short else None]
        else:
            outputs = np.atleast_1d(np.asarray(data, np.int64)) & 0xFFFF
        if len(outputs) != entries or not 1 <= bits <= 16:
            return None
        return table(_signed(first, entries, lowest, highest), outputs)
    except Exception:  # absent, empty, no numbers, an odd number of bytes: pydicom and NumPy raise many kinds
        return None


def _words(value: object) -> tuple[int, int, int]:
    """A descriptor's three numbers, also where pydicom leaves their bytes because US or SS was not decided."""
    if isinstance(value, bytes):
        value = np.frombuffer(value, "<u2")
    entries, first, bits = (int(part) & 0xFFFF for part in value)  # type: ignore[attr-defined]
    return entries, first, bits


def _signed(first: int, entries: int, lowest: float, highest: float) -> int:
    """The first value mapped, as a signed number where only then the table meets the values that can occur."""

    def meets(start: int) -> float:
        return min(highest, start + entries - 1) - max(lowest, start)

    return first - 2**16 if first >= 2**15 and meets(first - 2**16) > meets(first) else first
