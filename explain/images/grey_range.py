"""Which grey values a picture uses of those its file declares, and what to do where it uses next to none of them.

The declared range is the rule, because classifiers were trained on pixels scaled by it. It is replaced only where,
padding left out, the pixels span less than SHARE of it: 12-bit values in a 16-bit file, with or without a marker at
65535 or padding at -32768, are black to a model that scales by 65535.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from explain.images.checks import ImageError

RULE_VERSION = 1  # stored with each case; a later rule gets the next number, and loaded cases keep theirs
SHARE = 1 / 4
# Pixels beyond these shares of all, at either end, are markers and dead pixels.
TAIL = 0.001
# Values at an end with nothing near them (less than TAIL of all within SHARE of the range) are padding or a marker;
# those held by less than this share of all pixels is a marker, whose edges blend it with the picture around it.
MARKER = 0.02
MIN_LEVELS, MIN_DEEP_LEVELS = 16, 64  # fewer grey values than these, of 8 bits and of more, are a blank picture
_STRIP = 2**22


@dataclass(frozen=True)
class GreyRange:
    """low, high: the pixel values that become 0 and 2**bits - 1. replaced: whether they are not the declared ones."""

    low: int
    high: int
    bits: int
    replaced: bool = False

    @property
    def scale(self) -> float:
        return float((2**self.bits - 1) / (self.high - self.low))

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        """Pixels (H, W) in the new range, uint8 for 8 bits, else uint16; values beyond it become its ends."""
        if not self.replaced:
            return pixels
        values = np.clip(np.arange(int(pixels.max()) + 1), self.low, self.high) - self.low
        table = np.round(values * self.scale).astype(np.uint8 if self.bits == 8 else np.uint16)
        moved: np.ndarray = table[pixels]
        return moved


def histogram(pixels: np.ndarray, bits: int, left_out: np.ndarray | None = None) -> np.ndarray:
    """Pixels of each value 0..2**bits - 1, int64; those inside the mask `left_out` do not count. In strips, because
    counting needs eight bytes a pixel."""
    counts = np.zeros(2**bits, np.int64)
    rows = max(1, _STRIP // pixels.shape[1])
    for start in range(0, len(pixels), rows):
        strip = pixels[start : start + rows]
        chosen = strip.ravel() if left_out is None else strip[~left_out[start : start + rows]]
        counts += np.bincount(chosen, minlength=2**bits)
    return counts


def choose(where: str, counts: np.ndarray, bits: int, zero: int = 0) -> GreyRange:
    """The range of a picture with this histogram, padding left out. zero: the pixel value that stands for 0 in the
    file (2**(bits - 1) for signed values). Raises ImageError for a blank picture.

    A range is replaced by that of the smallest depth which holds the pixels, signed or not, as if the file had declared
    it; where even that would be used by less than SHARE, by the TAIL percentiles themselves.
    """
    most = 2**bits - 1
    if not counts.any():
        said = "Pixel Padding Value and its range limit name every pixel of the picture as padding"
        raise ImageError(where, said, "Look at the picture; export it again with its padding as it is")
    low, high = _used(counts)
    if high - low < (MIN_LEVELS if bits == 8 else MIN_DEEP_LEVELS):
        said = f"pixel values span {low} to {high} of 0 to {most}: blank, or next to blank"
        raise ImageError(where, said, "Look at the picture; export it again with its full range of grey values")
    if high - low >= SHARE * most:
        return GreyRange(0, most, bits)
    for depth in range(8, bits):
        for first in (zero, zero - 2 ** (depth - 1)):
            last = first + 2**depth - 1
            if first <= low and high <= last and high - low >= SHARE * (2**depth - 1):
                return GreyRange(first, last, depth, replaced=True)
    return GreyRange(low, high, bits, replaced=True)


def spikes(counts: np.ndarray) -> tuple[slice | None, slice | None]:
    """The lowest and the highest values, each where they stand alone: padding that no header declares, or a marker.

    Values within a 256th of the range are one such end: noise of compression, or padding of two neighbouring values.
    """
    values, total = np.flatnonzero(counts), counts.sum()
    near, wide = int(SHARE * len(counts)), len(counts) // 256
    low_end, high_start = int(values[0]) + wide, max(0, int(values[-1]) - wide + 1)
    alone_low = counts[low_end : low_end + near].sum() < TAIL * total
    alone_high = counts[max(0, high_start - near) : high_start].sum() < TAIL * total
    return (slice(values[0], low_end) if alone_low else None, slice(high_start, values[-1] + 1) if alone_high else None)


def _used(counts: np.ndarray) -> tuple[int, int]:
    """The TAIL percentiles from both ends, spikes left out unless they are the picture."""
    rest, total, tails = counts.copy(), counts.sum(), [0.0, 0.0]
    for end, spike in enumerate(spikes(counts)):
        if spike is not None:
            held = counts[spike].sum()
            tails[end] = held if held <= MARKER * total else 0
            rest[spike] = 0
    if rest.sum() < total / 20 or np.count_nonzero(rest) < MIN_LEVELS:  # two flat areas, not a picture with padding
        rest, tails = counts, [0, 0]
    below = np.cumsum(rest)
    least = below[-1] * TAIL
    low = int(np.searchsorted(below, least + tails[0], side="right"))
    high = int(np.searchsorted(below, below[-1] - least - tails[1], side="left"))
    return low, max(low, high)


def with_black_surround(
    pixels: np.ndarray, stored: np.ndarray, padding: np.ndarray | None, counts: np.ndarray, grey: GreyRange
) -> np.ndarray:
    """Pixels (H, W) with the padding that reaches the picture's edge black, whatever the polarity.

    padding: what the header declares, bool (H, W), or None. Where the range was replaced, also the values of `stored`
    that stand alone at an end of their histogram `counts` and are too many for a marker. Padding-coloured pixels inside
    the picture, such as letters, stay.
    """
    around = np.zeros(pixels.shape, bool) if padding is None else padding.copy()
    if grey.replaced:
        for spike in spikes(counts):
            if spike is not None and counts[spike].sum() > MARKER * counts.sum():
                around |= (stored >= spike.start) & (stored < spike.stop)
    if not around.any():
        return pixels
    areas, _ = ndimage.label(around)
    edge = np.concatenate([areas[0], areas[-1], areas[:, 0], areas[:, -1]])
    out = pixels.copy()
    out[np.isin(areas, np.unique(edge[edge > 0]))] = 0
    return out
