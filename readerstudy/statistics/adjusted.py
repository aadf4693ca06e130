"""P values adjusted for their number, by statsmodels."""

from __future__ import annotations

import gc
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def holm(p_values: Sequence[float]) -> NDArray[np.float64]:
    """Step-down adjusted p (n,), in the order given (Holm, Scand J Stat 1979)."""
    return _adjusted(p_values, "holm")


def benjamini_hochberg(p_values: Sequence[float]) -> NDArray[np.float64]:
    """Step-up adjusted p (n,), in the order given (Benjamini and Hochberg, J R Stat Soc B 1995)."""
    return _adjusted(p_values, "fdr_bh")


def _adjusted(p_values: Sequence[float], method: str) -> NDArray[np.float64]:
    from statsmodels.stats.multitest import multipletests  # a second to import, so only where it is used

    gc.freeze()  # Holm's ends with a collection of garbage, which walks all that the process holds: .2 s each time
    try:
        return np.asarray(multipletests(p_values, method=method)[1], dtype=float)
    finally:
        gc.unfreeze()
