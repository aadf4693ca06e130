"""What was done to a file's pixels until they were a radiograph: kept with each case, and warned of. No torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from explain.images.checks import MAX_PIXELS
from explain.images.grey_range import RULE_VERSION
from explain.images.tones import Tone

SQUARE = 0.01  # pixels whose sides differ by no more than this share are square
MAX_RATIO = 4


@dataclass(frozen=True)
class AsRead:
    """shape: rows and columns in the file, turned upright. declared, used: the first and last stored value of the range
    the file declares and of the one that was taken; replaced: whether they differ; rule: the version of
    explain.images.grey_range. pixel_ratio: a pixel's height over its width. shown_by: range, window, sigmoid or table;
    not_shown: the file asks for a window or table, and none of them shows anything."""

    shape: tuple[int, int]
    declared: tuple[int, int]
    used: tuple[int, int]
    replaced: bool = False
    rule: int = RULE_VERSION
    pixel_ratio: float = 1.0
    shown_by: str = "range"
    not_shown: bool = False

    def notes(self) -> list[str]:
        """Sentences for people about what is not as the file has it; most files have none."""
        found = []
        if self.replaced:
            (first, last), (low, high) = self.declared, self.used
            said = (
                f"its pixels use next to nothing of the {first} to {last} its file declares; {low} to {high} is taken"
            )
            found.append(f"{said} as their range (range rule {self.rule})")
        if true_shape(self.shape, self.pixel_ratio) != self.shape:
            (rows, columns), (height, width) = self.shape, true_shape(self.shape, self.pixel_ratio)
            said = f"its pixels are not square: {columns} x {rows} pixels became {width} x {height} in true proportions"
            found.append(said)
        if self.not_shown:
            found.append("its window or look-up table shows nothing or is broken; the picture is shown without it")
        return found


@dataclass(frozen=True)
class Shown:
    """How the radiograph is first shown: by a window (low, high) in pixel values, or by a curve, the grey value
    0..2**bits - 1 for each pixel value; both None for the whole range."""

    by: str = "range"
    window: tuple[float, float] | None = None
    curve: np.ndarray | None = None

    @classmethod
    def of(cls, tone: Tone, bits: int) -> Shown:
        """From a tone of the radiograph's own pixel values."""
        if tone.straight:
            return cls(tone.kind, tone.straight)
        most = 2**bits - 1
        curve = np.round(np.clip(tone.share(np.arange(most + 1, dtype=float)), 0, 1) * most)
        return cls(tone.kind, None, curve.astype(np.uint8 if bits == 8 else np.uint16))


def true_shape(shape: tuple[int, int], pixel_ratio: float) -> tuple[int, int]:
    """Rows and columns with square pixels: the coarser side grows, or, over MAX_PIXELS, the finer one shrinks."""
    height, width = shape
    if abs(pixel_ratio - 1) <= SQUARE:
        return shape
    grown = (round(height * pixel_ratio), width) if pixel_ratio > 1 else (height, round(width / pixel_ratio))
    if grown[0] * grown[1] <= MAX_PIXELS:
        return grown
    return (height, round(width / pixel_ratio)) if pixel_ratio > 1 else (round(height * pixel_ratio), width)


def resampled(pixels: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Pixels (H, W) at another shape, same dtype: linear between neighbours, averaged where they shrink. A mask, bool,
    takes the nearest pixel."""
    if pixels.shape == shape:
        return pixels
    size = (shape[1], shape[0])
    if pixels.dtype == bool:
        grown = Image.fromarray(pixels.astype(np.uint8)).resize(size, Image.Resampling.NEAREST)
        return np.asarray(grown).astype(bool)
    grown = Image.fromarray(pixels.astype(np.float32)).resize(size, Image.Resampling.BILINEAR)
    return np.round(np.asarray(grown)).astype(pixels.dtype)
