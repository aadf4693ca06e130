"""The tail of the non-central t that powers are made of, by scipy.special: scipy.stats takes twenty times as long."""

from __future__ import annotations

import numpy as np
from scipy import special


def beyond(reach: float, df: float, shift: float) -> float:
    """P(T > reach) of a non-central t, for a reach above 0; df may be inf. What scipy.stats gives."""
    if np.isinf(df):
        return float(special.ndtr(shift - reach))
    mirrored = float(special.nctdtr(df, -shift, -reach))  # P(T < -reach) about -shift: no difference from 1
    return 0.0 if np.isnan(mirrored) and shift < reach else mirrored  # NaN where it is too small for a number
