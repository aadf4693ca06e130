"""Counterfactual alignment: which other outputs of the classifier move along when an image is shifted for one. NumPy.

Reference: Cohen et al., "Identifying Spurious Correlations using Counterfactual Alignment", 2023 (arXiv 2312.02186).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike


def alignment(outputs: ArrayLike, target: int) -> np.ndarray:
    """Correlation of each output's change with the target's over the frames of one example: float64 (K,), -1..1.

    outputs: (F, K), all outputs of the classifier at each frame, in the order of lambda. target: the column that was
    explained; its own value is 1. NaN for an output that does not change, and for all if the target does not. Pearson's
    correlation: the change from any one frame gives the same. Raises ValueError for another shape or column.
    """
    values = np.asarray(outputs, float)
    if values.ndim != 2 or not 0 <= target < values.shape[1]:
        raise ValueError(f"outputs have shape {values.shape} and the target is {target}; give (frames, outputs)")
    change = values - values.mean(axis=0)
    sizes = np.sqrt((change**2).sum(axis=0))
    products = sizes * sizes[target]
    found = np.full(values.shape[1], np.nan)
    np.divide(change.T @ change[:, target], products, out=found, where=products > _LEAST)
    correlations: np.ndarray = np.clip(found, -1, 1)
    return correlations


def changes(outputs: ArrayLike, lambdas: Sequence[float]) -> np.ndarray:
    """How far each output falls or rises from the unshifted picture to the most faded one: float64 (K,).

    The first frame's outputs less those at the lambda nearest to 0.
    """
    values, at = np.asarray(outputs, float), np.abs(np.asarray(lambdas, float)).argmin()
    change: np.ndarray = values[0] - values[at]
    return change


_LEAST = 1e-12  # of two changes multiplied; outputs are kept with four decimals
