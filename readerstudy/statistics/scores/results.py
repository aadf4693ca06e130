"""What the tests of score differences return."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import special

READERS_AND_PATIENTS = "readers and patients like these"
THESE_READERS = "these readers only, with patients like these"
THESE_CASES = "readers like these, with these cases only"
FEWEST_READERS = 5  # for a test that speaks for other readers


@dataclass(frozen=True)
class Components:
    """Variance components of one difference B - A, in squared points; None where a test does not estimate it.

    reader: how the methods' difference varies between readers; patient: between patients; case: between cases of one
    patient; error: what is left. Estimates by moments may be below zero.
    """

    reader: float | None
    patient: float | None
    case: float | None
    error: float | None


@dataclass(frozen=True)
class Size:
    """How much was compared."""

    readers: int
    cases: int
    patients: int
    pairs: int
    unpaired: int  # reader x case combinations with one of the two methods only; left out


@dataclass(frozen=True)
class MeanDifference:
    """Mean of B - A in points, its test against 0 and its two-sided 1 - alpha interval.

    statistic is t on df degrees of freedom (inf: normal); statistic, p_value are None and ci has no width where the
    differences do not vary. speaks_for says what is taken as a sample and what as given.
    """

    test: str
    method_a: str
    method_b: str
    estimate: float
    se: float
    df: float
    statistic: float | None
    p_value: float | None
    ci: tuple[float, float]
    alpha: float
    speaks_for: str
    components: Components
    size: Size
    warnings: tuple[str, ...] = ()

    def at(self, alpha: float) -> MeanDifference:
        """The same with an interval of level 1 - alpha."""
        return replace(self, alpha=alpha, ci=t_interval(self.estimate, self.se, self.df, alpha))


@dataclass(frozen=True)
class Omnibus:
    """Test that the mean scores of all methods are equal: F on df1, df2; None where nothing varies."""

    test: str
    methods: tuple[str, ...]
    means: tuple[float, ...]  # of each method, over the blocks used
    statistic: float | None
    df1: int
    df2: float
    p_value: float | None
    speaks_for: str
    n_blocks: int  # reader x case combinations scored with every method: the ones used
    n_incomplete: int  # combinations scored with some methods only: left out
    n_readers: int
    n_patients: int


def t_interval(estimate: float, se: float, df: float, alpha: float) -> tuple[float, float]:
    """Two-sided 1 - alpha interval; df may be inf."""
    reach = se * t_quantile(1 - alpha / 2, df)
    return estimate - reach, estimate + reach


def t_quantile(probability: float, df: float) -> float:
    return float(special.ndtri(probability) if np.isinf(df) else special.stdtrit(df, probability))


def t_upper(statistic: float, df: float) -> float:
    """P(T > statistic)."""
    return float(special.ndtr(-statistic) if np.isinf(df) else special.stdtr(df, -statistic))
