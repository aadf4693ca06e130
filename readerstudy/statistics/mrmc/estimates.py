"""A value with its standard error, test and interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

# Rounding leaves variances of exact ties (two methods scored alike) near 1e-19, of either sign; real ones exceed 1e-9.
SMALLEST_VARIANCE = 1e-15


@dataclass(frozen=True)
class Estimate:
    """A value (an AUC, a share) or a difference of two, with standard error, df (inf = normal), p and interval.

    p tests a difference against 0 and an AUC or accuracy against 1/2; it is NaN for a sensitivity or specificity. Not
    clipped to [0, 1].
    """

    value: float
    se: float
    df: float
    p_value: float
    ci_low: float
    ci_high: float


def estimate(value: float, variance: float, df: float, alpha: float, null: float = 0.0) -> Estimate:
    """t (or, with df inf, normal) test of value against null and its 1 - alpha interval; nan where variance <= 0."""
    se = float(np.sqrt(variance)) if variance > SMALLEST_VARIANCE else np.nan
    reach = float(-special.stdtrit(df, alpha / 2)) * se
    p_value = float(2 * special.stdtr(df, -abs(value - null) / se))
    return Estimate(float(value), se, float(df), p_value, float(value - reach), float(value + reach))
