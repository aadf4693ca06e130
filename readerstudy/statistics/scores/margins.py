"""Non-inferiority, superiority and equivalence of mean scores, with a margin in points fixed in the plan.

All are read from one interval, that of a MeanDifference, so a claim speaks for whom its interval speaks. One-sided
tests are at alpha / 2 (ICH E9: 2.5 %); equivalence is two one-sided tests at alpha / 2 each, the interval within the
margins.

References: Schuirmann 1987 (J. Pharmacokinetics and Biopharmaceutics 15, 657); ICH E9 1998, section 3.3.2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from readerstudy.statistics.plan import AnalysisError
from readerstudy.statistics.scores.results import MeanDifference, t_upper

AIMS = ("non_inferiority", "superiority", "equivalence")


@dataclass(frozen=True)
class MarginTest:
    """shown: the aim is met, that is p_value < alpha / 2 (for equivalence the larger of the two one-sided p)."""

    aim: str
    margin: float
    estimate: float
    ci: tuple[float, float]
    alpha: float
    p_value: float | None  # None where the differences do not vary
    shown: bool
    speaks_for: str


def margin_test(difference: MeanDifference, aim: str, margin: float) -> MarginTest:
    """Is B (the second method) not worse than A by margin points, better by more than margin, or within +-margin?

    Raises AnalysisError for another aim, or a margin that is not above 0 (superiority: not below 0).
    """
    if aim not in AIMS:
        raise AnalysisError(f"There is no aim {aim!r}: choose one of {', '.join(AIMS)}.")
    if not np.isfinite(margin) or margin < 0 or (margin == 0 and aim != "superiority"):
        raise AnalysisError(f"The margin for {aim.replace('_', '-')} must be above 0 points; it is {margin}.")
    low, high = difference.ci
    bound = margin if aim == "superiority" else -margin
    p_value = _above(difference, bound)
    shown = low > bound
    if aim == "equivalence":
        below = _above(difference, margin)
        p_value = None if p_value is None or below is None else max(p_value, 1 - below)
        shown = shown and high < margin
    return MarginTest(
        aim, margin, difference.estimate, difference.ci, difference.alpha, p_value, shown, difference.speaks_for
    )


def _above(difference: MeanDifference, bound: float) -> float | None:
    """One-sided p of the hypothesis that the difference is bound or less."""
    return t_upper((difference.estimate - bound) / difference.se, difference.df) if difference.se else None
