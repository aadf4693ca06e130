"""What every radiograph file must satisfy, whatever its format. Used by images.py and dicom.py; needs NumPy only."""

from __future__ import annotations

import numpy as np

MIN_SIDE = 64
MAX_PIXELS = 64_000_000
# A picture that spans under 1/16 of its range is almost always 12-bit data labelled as 16-bit: black to eye and model.
MIN_SPAN = 1 / 16


class ImageError(ValueError):
    """A file that cannot be used. `str(error)` is for people: where, what is wrong, what to do.

    No attribute, and no message, holds anything read from a file's text tags, so it may be logged. `where` is the name
    the caller gave, or the file's own name (which may identify a patient: loaders of hospital files give a row number).
    """

    def __init__(self, where: str, problem: str, remedy: str) -> None:
        self.where, self.problem, self.remedy = where, problem, remedy
        super().__init__(where, problem, remedy)

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}. {self.remedy}."


def check_size(where: str, width: int, height: int) -> None:
    """Refuse a picture too small to read or too large to decode safely, by its header, before decoding."""
    if width * height > MAX_PIXELS:
        raise ImageError(
            where,
            f"the image says it is {width} x {height} pixels, over the limit of {MAX_PIXELS // 1_000_000} megapixels",
            "Check that it is one radiograph, and export it smaller",
        )
    if min(width, height) < MIN_SIDE:
        raise ImageError(
            where,
            f"the image is {width} x {height} pixels; each side needs at least {MIN_SIDE}",
            "Use the radiograph at its full size, not a thumbnail",
        )


def check_greys(where: str, pixels: np.ndarray, bits: int) -> None:
    """Refuse pixels (H, W) out of range for `bits`, or so flat that neither reader nor model could see anything."""
    low, high, most = int(pixels.min()), int(pixels.max()), 2**bits - 1
    if high > most:
        raise ImageError(
            where, f"pixel values go up to {high}, but the file says {bits} bits (at most {most})", "Export it again"
        )
    if high - low < most * MIN_SPAN:
        raise ImageError(
            where,
            f"pixel values span {low} to {high} of 0 to {most}: blank, or fewer bits than the file says",
            "Check the export; scale the pixel values to the full range of the file's bit depth",
        )
