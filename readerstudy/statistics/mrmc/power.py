"""Power and sample size of the next study, from the variance components of a pilot.

Covariances of AUCs shrink as 1 / cases; Var(TR) does not, so past some number of cases only more readers help.
The mix of positive and negative cases is taken to stay as in the pilot.

References: Hillis, Obuchowski & Berbaum 2011 (Academic Radiology 18, 129); Hillis & Schartz 2018 (J. Medical Imaging 5,
031410). Two methods, fully crossed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy import stats

from readerstudy.statistics.mrmc.components import Components
from readerstudy.statistics.mrmc.data import MRMCError

MODES = ("random_readers", "fixed_readers", "fixed_cases")
AIMS = ("difference", "superiority", "non_inferiority")
MOST_CASES = 100_000


@dataclass(frozen=True)
class PowerRow:
    """Power of studies with so many readers, by number of cases, and the fewest cases that reach the target."""

    readers: int
    power: dict[int, float]
    cases_needed: int | None


@dataclass(frozen=True)
class Pilot:
    """What a pilot says about a future study, on the AUC scale; variances as in Components, for n_cases cases."""

    var_tr: float
    error: float
    cov1: float
    cov2: float
    cov3: float
    n_cases: int

    @classmethod
    def from_components(cls, parts: Components, n_cases: int) -> Pilot:
        """Raises MRMCError when the pilot had one reader (no Var(TR))."""
        if parts.var_tr is None:
            raise MRMCError("The pilot had one reader, so how methods differ between readers is unknown.")
        return cls(parts.var_tr, parts.error, parts.cov1, parts.cov2, parts.cov3, n_cases)


def standard_error(pilot: Pilot, readers: int, cases: float, mode: str = "random_readers") -> tuple[float, float]:
    """Standard error and degrees of freedom of the difference of two reader-averaged AUCs.

    With c = max(Cov2 - Cov3, 0), v = max(Var(TR), 0) and k = pilot cases / cases:
      random readers  2/r {v + k [error - Cov1 + (r - 1) c]},  df = (r - 1) ({...} / {v + k [error - Cov1 - c]})^2
      fixed readers   2/r k [error - Cov1 + (r - 1) c],        df = inf
      fixed cases     2/r {v + k [error - Cov1 - c]},          df = r - 1
    """
    if mode not in MODES:
        raise MRMCError(f"There is no inference mode {mode!r}: choose one of {', '.join(MODES)}.")
    if readers < (1 if mode == "fixed_readers" else 2) or cases < 2:
        raise MRMCError(f"{readers} reader(s) and {cases} case(s) are too few to plan a study in mode {mode}.")
    shrink = pilot.n_cases / cases
    shared = max(pilot.cov2 - pilot.cov3, 0.0)
    own = shrink * max(pilot.error - pilot.cov1 - shared, 0.0)  # of one reader, beyond what readers share
    between = max(pilot.var_tr, 0.0)
    if mode == "fixed_readers":
        variance, df = own + readers * shrink * shared, np.inf
    elif mode == "fixed_cases":
        variance, df = between + own, readers - 1.0
    else:
        variance = between + own + readers * shrink * shared
        df = (readers - 1) * (variance / (between + own)) ** 2 if between + own > 0 else np.inf
    return float(np.sqrt(2 / readers * variance)), float(df)


def power(
    pilot: Pilot,
    readers: int,
    cases: float,
    effect: float,
    *,
    alpha: float = 0.05,
    mode: str = "random_readers",
    aim: str = "difference",
    margin: float = 0.0,
) -> float:
    """Chance that the study succeeds when the true difference in AUC (new - reference) is effect; in [0, 1].

    aim "difference": two-sided test at alpha of no difference. "non_inferiority": lower limit of the 1 - alpha interval
    above -margin. "superiority": above +margin. Both are one-sided at alpha / 2. Raises MRMCError.
    """
    if aim not in AIMS:
        raise MRMCError(f"There is no aim {aim!r}: choose one of {', '.join(AIMS)}.")
    if margin < 0:
        raise MRMCError(f"The margin must be 0 or more; it is {margin}.")
    se, df = standard_error(pilot, readers, cases, mode)
    distance = effect + {"difference": 0.0, "non_inferiority": margin, "superiority": -margin}[aim]
    if se == 0:
        return float(distance > 0)
    reach, shift = stats.t.isf(alpha / 2, df), distance / se
    if aim == "difference":  # the non-central F(1, df) of the papers is this non-central t, squared
        return _beyond(reach, df, shift) + _beyond(reach, df, -shift)
    return _beyond(reach, df, shift)


def _beyond(reach: float, df: float, shift: float) -> float:
    """P(T > reach) of a non-central t."""
    return float(stats.norm.sf(reach - shift) if np.isinf(df) else stats.nct.sf(reach, df, shift))


def cases_needed(
    pilot: Pilot,
    readers: int,
    effect: float,
    *,
    target: float = 0.8,
    alpha: float = 0.05,
    mode: str = "random_readers",
    aim: str = "difference",
    margin: float = 0.0,
) -> int | None:
    """Fewest cases that give power target with so many readers; None when no number up to 100,000 does."""

    def enough(cases: int) -> bool:
        reached = power(pilot, readers, cases, effect, alpha=alpha, mode=mode, aim=aim, margin=margin)
        return reached >= target

    if not enough(MOST_CASES):
        return None
    low, high = 4, MOST_CASES
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return low


def power_table(
    pilot: Pilot,
    effect: float,
    *,
    readers: Iterable[int] = (3, 5, 8, 10, 15, 20),
    cases: Iterable[int] = (60, 120, 240, 480),
    target: float = 0.8,
    alpha: float = 0.05,
    mode: str = "random_readers",
    aim: str = "difference",
    margin: float = 0.0,
) -> tuple[PowerRow, ...]:
    """One row per number of readers, for the planning page and the report."""
    sizes = list(cases)
    return tuple(
        PowerRow(
            r,
            {n: power(pilot, r, n, effect, alpha=alpha, mode=mode, aim=aim, margin=margin) for n in sizes},
            cases_needed(pilot, r, effect, target=target, alpha=alpha, mode=mode, aim=aim, margin=margin),
        )
        for r in readers
    )
