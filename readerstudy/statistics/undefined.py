"""Numbers that the data do not give: one rule. NaN while computing, without a warning; None in rows and results.json; a
dash or words in the report (`wording`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
LARGEST_RATIO = 1e6  # a ratio beyond it is no finding: it is said to have no bound


def undefined_is_nan() -> np.errstate:
    """For a block in which 0 / 0 may come up; x / 0 is infinite there, which is no number either."""
    return np.errstate(divide="ignore", invalid="ignore")


def mean_of_given(values: Floats, axis: int, keepdims: bool = False) -> Floats:
    """Mean of what is not NaN; NaN where nothing is given."""
    given = ~np.isnan(values)
    with undefined_is_nan():
        found = np.where(given, values, 0.0).sum(axis, keepdims=keepdims) / given.sum(axis, keepdims=keepdims)
    return np.asarray(found)


def ratio_of_log(log: float) -> float:
    """e^log; NaN above LARGEST_RATIO."""
    return float(np.exp(log)) if log <= np.log(LARGEST_RATIO) else np.nan
