"""Synthetic images whose class effect is known to the pixel: smoothed noise, with two bright boxes in one class.

The experiment of Baumgartner et al., "Visual Feature Attribution using Wasserstein GANs" (CVPR 2018), section 4.1,
drawn again from its description. NumPy only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

SIZE = 112
BOX = 20  # pixels a side
STEP = 32  # from the middle box to the other, along the diagonal, in rows and in columns
JITTER = 5  # each box moves by -5..4 pixels in rows and in columns
EFFECT, NOISE, SIGMA = 100.0, 50.0, 2.5
LOWEST, HIGHEST = -5 * NOISE, 5 * NOISE + EFFECT  # become -1 and 1


@dataclass(frozen=True)
class Boxes:
    """N images. images: (N, 112, 112) float32 in [-1, 1]; masks: the same shape, bool, True where a box is;
    labels: (N,) int64, 1 with boxes; subtypes: (N,) int64, 0 without boxes, 1 up-left, 2 down-right."""

    images: NDArray[np.float32]
    masks: NDArray[np.bool_]
    labels: NDArray[np.int64]
    subtypes: NDArray[np.int64]


def draw_boxes(count: int, seed: int, positives: float = 0.5) -> Boxes:
    """`count` images, a share of `positives` with boxes, in random order; the same seed gives the same images.

    A positive has a box in the middle and a second one up-left (half of them) or down-right. One range, the same for
    all, is scaled to -1..1: scaled by its own range, an image with boxes would be darker around them too.
    """
    rng = np.random.default_rng(seed)
    labels = np.zeros(count, np.int64)
    labels[: round(count * positives)] = 1
    subtypes = labels * (1 + np.arange(count) % 2)
    order = rng.permutation(count)
    labels, subtypes = labels[order], subtypes[order]
    images = np.empty((count, SIZE, SIZE), np.float32)
    masks = np.zeros((count, SIZE, SIZE), bool)
    for image, mask, subtype in zip(images, masks, subtypes, strict=True):
        if subtype:
            _box(mask, rng, 0)
            _box(mask, rng, -STEP if subtype == 1 else STEP)
        field = _noise(rng) + EFFECT * mask
        image[:] = (2.0 * (field - LOWEST) / (HIGHEST - LOWEST) - 1.0).clip(-1.0, 1.0)
    return Boxes(images, masks, labels, subtypes)


def _noise(rng: np.random.Generator) -> NDArray[np.float64]:
    """(112, 112) Gaussian noise, smoothed, with a standard deviation of 50 again."""
    field = gaussian_filter(rng.normal(0.0, NOISE, (SIZE, SIZE)), SIGMA, mode="wrap")
    return np.asarray(NOISE * field / field.std())


def _box(mask: NDArray[np.bool_], rng: np.random.Generator, offset: int) -> None:
    row, column = (SIZE - BOX) // 2 + offset + rng.integers(-JITTER, JITTER, 2)
    mask[row : row + BOX, column : column + BOX] = True
