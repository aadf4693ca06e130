"""How a file asks to be shown: a grey window, a sigmoid or a look-up table (DICOM PS3.3 C.11.2). NumPy only.

A straight one becomes the first window of the viewer. A curved one cannot: it is applied to the picture that is shown,
and the pixels that the model sees stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

STRAIGHT = 0.01  # a table that stays this near to a window, as a share of its output, is that window
# A picture is visible when at least MIN_GREY of its pixels are shown neither black nor white, and all span MIN_SPAN.
MIN_GREY, MIN_SPAN, TAIL = 0.05, 1 / 16, 0.001

Shares = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Tone:
    """share: grey 0 (black) to 1 (white) for each value, never falling on the whole. falls: the file's own table falls,
    and share is its mirror. straight: (low, high) in the same values, when the tone is a window."""

    kind: str
    share: Shares
    straight: tuple[float, float] | None = None
    falls: bool = False

    def of(self, value_at: Shares) -> Tone:
        """The tone of other values x that stand for value_at(x), a straight line."""
        offset = float(value_at(np.zeros(1))[0])
        slope = float(value_at(np.ones(1))[0]) - offset
        share = self.share
        straight = None
        if self.straight:
            first, last = sorted((end - offset) / slope for end in self.straight)
            straight = (first, last)
        if slope < 0:
            return replace(self, share=lambda x: 1 - share(value_at(x)), straight=straight)
        return replace(self, share=lambda x: share(value_at(x)), straight=straight)


def window(low: float, high: float, kind: str = "window") -> Tone:
    return Tone(kind, lambda x: np.clip((x - low) / (high - low), 0, 1), (low, high))


def sigmoid(center: float, width: float) -> Tone:
    """C.11.2.1.3.1: 1 / (1 + exp(-4 (x - center) / width))."""
    return Tone("sigmoid", lambda x: 1 / (1 + np.exp(np.clip(-4 * (x - center) / width, -60, 60))))


def table(first: int, outputs: np.ndarray) -> Tone | None:
    """A look-up table whose first entry is for the value `first`; values beyond it get its ends (C.11.2.1.1).

    Its own lowest output is black and its highest white. A falling one is mirrored. None when it holds one grey.
    """
    low, high = float(outputs.min()), float(outputs.max())
    if len(outputs) < 2 or low == high:
        return None
    shares = (outputs.astype(float) - low) / (high - low)
    centred = np.arange(len(shares)) - (len(shares) - 1) / 2
    falls = bool(np.dot(centred, shares) < 0)
    shares = 1 - shares if falls else shares
    values = first + np.arange(len(shares))
    start, end = (first + int(np.argmax(shares >= level)) for level in (0.1, 0.9))
    if start < end:
        line = window(start - (end - start) / 8, end + (end - start) / 8, "table")
        if np.abs(line.share(values) - shares).max() <= STRAIGHT:
            return replace(line, falls=falls)
    return Tone("table", lambda x: np.interp(x, values, shares), falls=falls)


def is_visible(shares: np.ndarray, counts: np.ndarray) -> bool:
    """Whether a picture can be seen: shares and numbers of its pixels, by value, both (n,)."""
    total = counts.sum()
    if not total:
        return False
    grey = counts[(shares > 1 / 255) & (shares < 254 / 255)].sum()
    order = np.argsort(shares, kind="stable")
    below = np.cumsum(counts[order])
    low, high = (shares[order][np.searchsorted(below, total * level)] for level in (TAIL, 1 - TAIL))
    return bool(grey >= MIN_GREY * total and high - low >= MIN_SPAN)
