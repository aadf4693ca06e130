"""Non-inferiority and superiority of one method over another, with the margin fixed in the analysis plan."""

from __future__ import annotations

from dataclasses import dataclass

from scipy import special

from readerstudy.statistics.mrmc.data import MRMCError
from readerstudy.statistics.mrmc.estimates import Estimate


@dataclass(frozen=True)
class MarginTest:
    """One-sided test at alpha / 2 of a gain (new - reference) in AUC against a bound; shown = the aim is met."""

    aim: str
    bound: float
    gain: float
    ci_low: float  # lower limit of the two-sided 1 - alpha interval, the one compared with the bound
    p_value: float
    df: float  # inf = normal
    shown: bool


def margin_test(gain: Estimate, aim: str, margin: float, alpha: float = 0.05) -> MarginTest:
    """Test the gain in AUC of a new method over the reference, with the standard error and df of gain.

    aim "non_inferiority": H0 gain <= -margin; "superiority": H0 gain <= +margin (margin 0 is plain superiority).
    The aim is met when the lower limit of the 1 - alpha interval lies above the bound, the same as p < alpha / 2.
    Raises MRMCError for another aim, or a margin that is negative, or zero for non-inferiority.
    """
    if aim not in ("non_inferiority", "superiority"):
        raise MRMCError(f"There is no aim {aim!r}: choose non_inferiority or superiority.")
    if margin < 0 or (aim == "non_inferiority" and margin == 0):
        raise MRMCError(f"The margin for {aim.replace('_', '-')} must be above 0; it is {margin}.")
    bound = -margin if aim == "non_inferiority" else margin
    p_value = float(special.stdtr(gain.df, -(gain.value - bound) / gain.se))
    low = float(gain.value + special.stdtrit(gain.df, alpha / 2) * gain.se)
    return MarginTest(aim, bound, gain.value, low, p_value, float(gain.df), low > bound)


def reversed_estimate(difference: Estimate) -> Estimate:
    """Second - first, from first - second."""
    return Estimate(
        -difference.value, difference.se, difference.df, difference.p_value, -difference.ci_high, -difference.ci_low
    )
