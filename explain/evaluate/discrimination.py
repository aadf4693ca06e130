"""How well a classifier's output tells positives from negatives."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats


def auc(scores: NDArray[Any], truth: NDArray[np.bool_]) -> float:
    """Area under the ROC curve by ranks, ties counted half. scores, truth: (N,), with both classes in truth.

    Raises ValueError where truth has one class only.
    """
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if not positives or not negatives:
        raise ValueError("an area under the ROC curve needs positives and negatives")
    ranks = stats.rankdata(scores)
    return float((ranks[truth].sum() - positives * (positives + 1) / 2) / (positives * negatives))
