"""Decode PNG files with 16 bits and several channels at full depth, which Pillow cuts to 8 bits. NumPy only.

Source: Portable Network Graphics (Second Edition), W3C, sections 7 (scan lines), 8 (interlacing) and 9 (filters).
"""

from __future__ import annotations

import struct
import zlib

import numpy as np

# The seven passes of an interlaced picture (section 8.2): first column, first row, steps to the right and down.
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
CHANNELS = {2: 3, 4: 2, 6: 4}  # PNG colour type -> samples per pixel


def is_deep_colour(header: bytes) -> bool:
    """Whether a file's first 26 bytes are those of a PNG with 16 bits per sample and more than one sample per pixel."""
    return len(header) == 26 and header[12:16] == b"IHDR" and header[24] == 16 and header[25] in CHANNELS


def decode(data: bytes) -> np.ndarray:
    """Samples of a PNG for which `is_deep_colour`: uint16 (height, width, channels). Raises ValueError when damaged."""
    width, height, _, colour, _, _, interlaced = struct.unpack(">IIBBBBB", data[16:29])
    passes = _ADAM7 if interlaced else ((0, 0, 1, 1),)
    # rows and columns of each pass that have pixels
    shapes = [(len(range(y, height, down)), len(range(x, width, right))) for x, y, right, down in passes]
    lengths = [rows * (columns * CHANNELS[colour] * 2 + 1) if columns else 0 for rows, columns in shapes]
    raw = zlib.decompressobj().decompress(_image_data(data), sum(lengths))
    if len(raw) != sum(lengths):
        raise ValueError("PNG image data is truncated")
    out = np.empty((height, width, CHANNELS[colour]), np.uint16)
    start = 0
    for (x, y, right, down), (rows, columns), length in zip(passes, shapes, lengths, strict=True):
        if length:
            lines = np.frombuffer(raw, np.uint8, length, start).reshape(rows, -1)
            lanes = _unfilter(lines[:, 0], lines[:, 1:].reshape(rows, columns, -1))
            out[y::down, x::right] = np.ascontiguousarray(lanes).view(">u2")
        start += length
    return out


def _image_data(data: bytes) -> bytes:
    """The IDAT chunks, checked against their checksums and joined."""
    parts: list[bytes] = []
    at = 8
    while at + 12 <= len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        kind, body, check = (
            data[at + 4 : at + 8],
            data[at + 8 : at + 8 + length],
            data[at + 8 + length : at + 12 + length],
        )
        if kind == b"IEND":
            return b"".join(parts)
        if kind == b"IDAT":
            if check != struct.pack(">I", zlib.crc32(kind + body)):
                raise ValueError("PNG image data is damaged")
            parts.append(body)
        at += 12 + length
    raise ValueError("PNG file is truncated")


def _unfilter(filters: np.ndarray, filtered: np.ndarray) -> np.ndarray:
    """Undo the row filters. filters (H,), filtered (H, W, bytes per pixel), both uint8; returns the same shape, uint8.

    A byte depends on its left, upper and upper-left neighbours, so all pixels of one anti-diagonal are independent:
    the picture is walked in height + width steps, each over every row at once (pixel column = step - row).
    """
    if filters.max(initial=0) > 4:
        raise ValueError("PNG image data is damaged")
    height, width, lanes = filtered.shape
    rows = np.arange(height)
    out = np.zeros_like(filtered)
    left = np.zeros((height, lanes), np.int16)  # the step before, row by row; zero outside the picture
    above_left = np.zeros((height + 1, lanes), np.int16)  # two steps before, one row up
    for step in range(height + width - 1):
        first, last = max(0, step - width + 1), min(height, step + 1)
        row = rows[first:last]
        a = left[first:last]
        b = left[first - 1 : last - 1] if first else np.vstack([np.zeros((1, lanes), np.int16), left[: last - 1]])
        c = above_left[first:last]
        kind = filters[row][:, None]
        estimate = a + b - c
        da, db, dc = abs(estimate - a), abs(estimate - b), abs(estimate - c)
        paeth = np.where((da <= db) & (da <= dc), a, np.where(db <= dc, b, c))
        prediction = np.select([kind == 1, kind == 2, kind == 3, kind == 4], [a, b, (a + b) // 2, paeth], 0)
        value = (filtered[row, step - row] + prediction) & 255
        out[row, step - row] = value
        above_left[1:] = left
        left[first:last] = value
    return out
