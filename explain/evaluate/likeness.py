"""How alike two maps of one image are. NumPy and SciPy only."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from explain.evaluate.localisation import select_top
from explain.render.usable import require_usable


def spearman(values: np.ndarray, other: np.ndarray) -> float:
    """Spearman's rank correlation of |map| with |other map|, both (H, W); ties share their mean rank. -1 to 1.

    0 if the other is constant or not finite: it has kept nothing of the first. Raises UnusableMap if the first is.
    """
    require_usable(values)
    first, second = np.abs(values).ravel(), np.abs(other).ravel()
    if not np.isfinite(second).all() or second.min() == second.max() or first.min() == first.max():
        return 0.0
    if np.array_equal(first, second):
        return 1.0  # exactly, whatever rounding would make of it
    return float(np.corrcoef(rankdata(first), rankdata(second))[0, 1])


def top_iou(values: np.ndarray, other: np.ndarray, percentile: float = 95.0) -> float:
    """Intersection over union of the pixels over the percentile of two maps (H, W), 0 to 1.

    Tied pixels count by the share of `select_top`: the sum of the smaller shares over the sum of the larger. Raises
    UnusableMap if the first map is constant or not finite.
    """
    require_usable(values)
    if not np.isfinite(other).all():
        return 0.0
    count = round((100 - percentile) / 100 * np.size(values))
    first, second = select_top(values, count), select_top(other, count)
    return float(np.minimum(first, second).sum() / np.maximum(first, second).sum())
