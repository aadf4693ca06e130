"""Find colour in a picture that should be grey: a tint over all of it, and marks drawn on a part of it. NumPy only.

A mark gives the finding away, and is lost in any mean over the picture, so strongly coloured pixels are counted.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from explain.image_checks import ImageError

# Mean difference between the channels, in levels of 255, above which the whole picture is in colour.
MAX_TINT = 8
# A pixel is strongly coloured when, averaged over its 3 x 3 neighbours and with the tint of the whole picture taken
# off, its channels differ by more than this, in levels of 255. The noise of JPEG and of colour scanners stays below.
STRONG = 24
MIN_PIXELS = 12  # fewer strongly coloured pixels than these cannot be seen as a mark
_STRIP = 2**21
_REMEDY = "Load the grey picture itself, without colour marks or maps"


def refuse_colour(rgb: np.ndarray, where: str) -> None:
    """Raise ImageError unless the channels of an (H, W, 3) array, uint8 or uint16, are nearly the same everywhere."""
    level = np.iinfo(rgb.dtype).max / 255
    height, width, _ = rgb.shape
    rows = max(3, _STRIP // width)
    tint = _tint(rgb)
    spread, found, boxes = 0.0, 0, []
    for start in range(0, height, rows):
        stop = min(height, start + rows)
        top, bottom = max(0, start - 1), min(height, stop + 1)  # neighbours of the strip's first and last row
        strip = rgb[top:bottom].astype(np.float32) / level
        spread += float((strip.max(2) - strip.min(2))[start - top : stop - top].sum())
        strong = _strong(strip, tint)[start - top : stop - top]
        count = int(np.count_nonzero(strong))
        if count:
            found += count
            at_rows, at_columns = np.flatnonzero(strong.any(1)) + start, np.flatnonzero(strong.any(0))
            boxes.append((at_columns[0], at_rows[0], at_columns[-1], at_rows[-1]))
    if spread > MAX_TINT * height * width:
        raise ImageError(where, "the image is in colour", _REMEDY)
    if found >= MIN_PIXELS:
        left, top = min(box[0] for box in boxes), min(box[1] for box in boxes)
        right, bottom = max(box[2] for box in boxes), max(box[3] for box in boxes)
        place = f"x {left} to {right}, y {top} to {bottom}"
        raise ImageError(where, f"the image has coloured marks: {found} pixels in colour, within {place}", _REMEDY)


def _tint(rgb: np.ndarray) -> np.ndarray:
    """The median differences red - green and blue - green of the picture, in levels of 255; of a sample of its rows."""
    sample = rgb[:: max(1, rgb.shape[0] // 256)].astype(np.float32) / (np.iinfo(rgb.dtype).max / 255)
    return np.array([np.median(sample[..., 0] - sample[..., 1]), np.median(sample[..., 2] - sample[..., 1])])


def _strong(strip: np.ndarray, tint: np.ndarray) -> np.ndarray:
    red, blue = (
        ndimage.uniform_filter(strip[..., channel] - strip[..., 1] - np.float32(shift), 3, mode="nearest")
        for channel, shift in zip((0, 2), tint, strict=True)
    )
    return np.maximum(np.maximum(red, blue), 0) - np.minimum(np.minimum(red, blue), 0) > STRONG
