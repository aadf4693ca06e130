"""Find colour in a picture that should be grey: a tint over all of it, and marks drawn on a part of it. NumPy only.

A mark gives the finding away, and is lost in any mean over the picture, so strongly coloured pixels are counted.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from explain.images.checks import ImageError

# Mean difference between the channels, in levels of 255, above which the whole picture is in colour.
MAX_TINT = 8
# A pixel is strongly coloured when, averaged over its 3 x 3 neighbours and with the tint of the whole picture taken
# off, its channels differ by more than a limit, in levels of 255: FAINT where the picture has no noise in its colours,
# so that a pale or thin mark is found, and up to STRONG with the noise of colour scanners and a coarse JPEG's steps.
FAINT, STRONG = 12, 24
MIN_PIXELS = 12  # fewer strongly coloured pixels than these cannot be seen as a mark
_STRIP = 2**21
_REMEDY = "Load the grey picture itself, without colour marks or maps"


def refuse_colour(rgb: np.ndarray, where: str) -> None:
    """Raise ImageError unless the channels of an (H, W, 3) array, uint8 or uint16, are nearly the same everywhere."""
    height, width, _ = rgb.shape
    rows = max(3, _STRIP // width)
    tint, limit = _ordinary(rgb)
    spread, marks = 0.0, {STRONG: _Marks(), limit: _Marks()}  # the faint surround of a strong mark is no part of it
    for start in range(0, height, rows):
        stop = min(height, start + rows)
        top, bottom = max(0, start - 1), min(height, stop + 1)  # neighbours of the strip's first and last row
        strip = rgb[top:bottom]
        if not tint.any() and _is_grey(strip):
            continue
        differences = _differences(strip)
        spread += float(_spread(differences)[start - top : stop - top].sum())
        colour = _smooth_spread(differences, tint)[start - top : stop - top]
        for level, found in marks.items():
            found.add(colour > level, start)
    if spread > MAX_TINT * height * width:
        raise ImageError(where, "the image is in colour", _REMEDY)
    for found in marks.values():
        if found.count >= MIN_PIXELS:
            raise ImageError(where, f"the image has coloured marks: {found}", _REMEDY)


class _Marks:
    """How many pixels are in colour, and where: the boxes of the strips that have some."""

    def __init__(self) -> None:
        self.count = 0
        self.boxes: list[tuple[int, int, int, int]] = []

    def add(self, strong: np.ndarray, first_row: int) -> None:
        rows, columns = np.flatnonzero(strong.any(1)), np.flatnonzero(strong.any(0))
        if len(rows):
            self.count += int(np.count_nonzero(strong))
            self.boxes.append((columns[0], rows[0] + first_row, columns[-1], rows[-1] + first_row))

    def __str__(self) -> str:
        lefts, tops, rights, bottoms = zip(*self.boxes, strict=True)
        place = f"x {min(lefts)} to {max(rights)}, y {min(tops)} to {max(bottoms)}"
        return f"{self.count} pixels in colour, within {place}"


def _ordinary(rgb: np.ndarray) -> tuple[np.ndarray, float]:
    """What a sample of its rows says of the whole picture, in levels of 255: the median differences red - green and
    blue - green, (2,), and the difference above which a pixel is strongly coloured."""
    sample = rgb[:: max(1, rgb.shape[0] // 256)]
    if _is_grey(sample):
        return np.zeros(2, np.float32), FAINT
    differences = _differences(sample)
    tint = np.median(differences, axis=(1, 2)).astype(np.float32)
    noise = float(np.quantile(_spread(differences - tint[:, None, None]), 0.9))
    return tint, min(STRONG, FAINT + 2 * noise)


def _is_grey(rgb: np.ndarray) -> bool:
    return np.array_equal(rgb[..., 0], rgb[..., 1]) and np.array_equal(rgb[..., 2], rgb[..., 1])


def _differences(rgb: np.ndarray) -> np.ndarray:
    """Red - green and blue - green of (H, W, 3) samples, in levels of 255: float32 (2, H, W)."""
    channels = np.moveaxis(rgb, 2, 0).astype(np.int32)
    level = np.float32(np.iinfo(rgb.dtype).max / 255)
    differences: np.ndarray = (channels[[0, 2]] - channels[1]).astype(np.float32) / level
    return differences


def _spread(differences: np.ndarray) -> np.ndarray:
    """Highest less lowest channel: (2, H, W) to (H, W)."""
    red, blue = differences
    spread: np.ndarray = np.maximum(np.maximum(red, blue), 0) - np.minimum(np.minimum(red, blue), 0)
    return spread


def _smooth_spread(differences: np.ndarray, tint: np.ndarray) -> np.ndarray:
    smooth = [
        ndimage.uniform_filter(plane - shift, 3, mode="nearest") for plane, shift in zip(differences, tint, strict=True)
    ]
    return _spread(np.stack(smooth))
