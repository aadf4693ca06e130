"""Power and sample size of the next study, from the variance components of a pilot.

Covariances shrink as 1 / cases; Var(TR) does not, so past some number of cases only more readers help.
The mix of positive and negative cases is taken to stay as in the pilot.

References: Hillis, Obuchowski & Berbaum 2011 (Academic Radiology 18, 129); Hillis & Schartz 2018 (J. Medical Imaging 5,
031410); Obuchowski, Gallas & Hillis 2012 (Academic Radiology 19, 1508). Two methods.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypedDict, Unpack

import numpy as np
from scipy import special

from readerstudy.statistics.mrmc.components import Components
from readerstudy.statistics.mrmc.data import MRMCError, ReaderScores
from readerstudy.statistics.mrmc.endpoints import in_class
from readerstudy.statistics.tails import beyond

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
    """What a pilot says about a future study, on the endpoint's scale; variances as in Components, for n_cases cases.

    n_cases: of the class, for a sensitivity or specificity. Where the pilot's readers were nested in methods, var_tr
    and cov1 are None and var_r_in_t = Var(R) + Var(TR) is known; where they were crossed, var_r serves to plan a nested
    study. Where what is found of Var(R) + Var(TR) is not above zero, it is unknown.
    """

    var_tr: float | None
    error: float
    cov1: float | None
    cov2: float
    cov3: float
    n_cases: int
    var_r_in_t: float | None = None

    @classmethod
    def of(cls, data: ReaderScores, parts: Components, endpoint: str = "auc") -> Pilot:
        """Of the scores or decisions that gave the components; n_cases: read on average, of the endpoint's class.

        Raises MRMCError where readers or methods had cases of their own, or with one reader.
        """
        chosen = in_class(data, endpoint)
        data = replace(data, scores=data.scores[:, :, chosen], truth=data.truth[chosen], cluster=None)
        if data.cases_design not in ("all", "gaps"):
            raise MRMCError("Readers or methods had cases of their own: such a pilot does not plan a study.")
        return cls.from_components(parts, round(float((~data.missing).sum(axis=2)[data.used].mean())))

    @classmethod
    def from_components(cls, parts: Components, n_cases: int) -> Pilot:
        """Raises MRMCError when the pilot had one reader (no Var(TR))."""
        if parts.var_r_in_t is not None:
            between = max(parts.var_r_in_t, 0.0) or None
            return cls(None, parts.error, None, parts.cov2, parts.cov3, n_cases, between)
        if parts.var_tr is None or parts.var_r is None:
            raise MRMCError("The pilot had one reader, so how methods differ between readers is unknown.")
        between = max(parts.var_r, 0.0) + max(parts.var_tr, 0.0) or None  # 0: too small to see, not known to be none
        return cls(parts.var_tr, parts.error, parts.cov1, parts.cov2, parts.cov3, n_cases, between)


class Planned(TypedDict, total=False):
    """How the study will be laid out and tested; see power."""

    alpha: float
    mode: str
    aim: str
    margin: float
    groups: int
    paired_readers: bool


def standard_error(
    pilot: Pilot,
    readers: int,
    cases: float,
    mode: str = "random_readers",
    *,
    groups: int = 1,
    paired_readers: bool = True,
) -> tuple[float, float]:
    """Standard error and degrees of freedom of the difference of two reader-averaged values.

    With c = max(Cov2 - Cov3, 0), v = max(Var(TR), 0) and k = pilot cases / cases:
      random readers  2/r {v + k [error - Cov1 + (r - 1) c]},  df = (r - 1) ({...} / {v + k [error - Cov1 - c]})^2
      fixed readers   2/r k [error - Cov1 + (r - 1) c],        df = inf
      fixed cases     2/r {v + k [error - Cov1 - c]},          df = r - 1
    groups: blocks of a split plot, each of r / groups readers and cases / groups cases of their own: k is then groups
    times as large, and r / groups takes the place of r within [..]. paired_readers False: readers are nested in
    methods, r with each; Var(R) + Var(TR) takes the place of v, error - Cov2 that of error - Cov1 - c, and 2 (r - 1)
    that of r - 1 (Obuchowski, Gallas & Hillis 2012). Raises MRMCError.
    """
    if mode not in MODES:
        raise MRMCError(f"There is no inference mode {mode!r}: choose one of {', '.join(MODES)}.")
    if readers < (1 if mode == "fixed_readers" else 2) or cases < 2:
        raise MRMCError(f"{readers} reader(s) and {cases} case(s) are too few to plan a study in mode {mode}.")
    if groups < 1 or readers < groups:
        raise MRMCError(f"{readers} reader(s) cannot be dealt out to {groups} block(s).")
    shrink = pilot.n_cases * groups / cases
    common = shrink * max(pilot.cov2 - pilot.cov3, 0.0)
    between, own, freedom = _of_readers(pilot, readers, shrink, common, paired_readers, mode)
    if mode == "fixed_readers":
        variance, df = own + readers / groups * common, np.inf
    elif mode == "fixed_cases":
        variance, df = between + own, freedom
    else:
        variance = between + own + readers / groups * common
        df = freedom * (variance / (between + own)) ** 2 if between + own > 0 else np.inf
    return float(np.sqrt(2 / readers * variance)), float(df)


def _of_readers(
    pilot: Pilot, readers: int, shrink: float, common: float, paired_readers: bool, mode: str
) -> tuple[float, float, float]:
    """Variance between readers, within a reader beyond what readers share, and degrees of freedom of their sum."""
    if not paired_readers:
        if pilot.var_r_in_t is None and mode != "fixed_readers":
            raise MRMCError("How readers differ (Var(R) + Var(TR)) is needed to plan readers nested in methods.")
        return max(pilot.var_r_in_t or 0.0, 0.0), shrink * max(pilot.error - pilot.cov2, 0.0), 2 * (readers - 1.0)
    if pilot.var_tr is None or pilot.cov1 is None:
        raise MRMCError(
            "The pilot had readers nested in methods: Var(TR) and Cov1 are unknown, which a study where readers use "
            "both methods needs."
        )
    return max(pilot.var_tr, 0.0), max(shrink * (pilot.error - pilot.cov1) - common, 0.0), readers - 1.0


def power(pilot: Pilot, readers: int, cases: float, effect: float, **planned: Unpack[Planned]) -> float:
    """Chance that the study succeeds when the true difference (new - reference) is effect; in [0, 1].

    aim "difference" (default): two-sided test at alpha (0.05) of no difference. "non_inferiority": lower limit of the
    1 - alpha interval above -margin. "superiority": above +margin. Both are one-sided at alpha / 2. mode, groups and
    paired_readers: see standard_error. Raises MRMCError, also where the variances leave nothing to chance.
    """
    alpha, aim, margin = planned.get("alpha", 0.05), planned.get("aim", "difference"), planned.get("margin", 0.0)
    if aim not in AIMS:
        raise MRMCError(f"There is no aim {aim!r}: choose one of {', '.join(AIMS)}.")
    if margin < 0:
        raise MRMCError(f"The margin must be 0 or more; it is {margin}.")
    se, df = standard_error(
        pilot,
        readers,
        cases,
        planned.get("mode", "random_readers"),
        groups=planned.get("groups", 1),
        paired_readers=planned.get("paired_readers", True),
    )
    distance = effect + {"difference": 0.0, "non_inferiority": margin, "superiority": -margin}[aim]
    if se == 0:
        raise MRMCError("These variances leave nothing to chance (a standard error of 0), so they cannot plan a study.")
    reach, shift = -special.stdtrit(df, alpha / 2), distance / se
    if aim == "difference":  # the non-central F(1, df) of the papers is this non-central t, squared
        return beyond(reach, df, shift) + beyond(reach, df, -shift)
    return beyond(reach, df, shift)


def cases_needed(
    pilot: Pilot, readers: int, effect: float, *, target: float = 0.8, **planned: Unpack[Planned]
) -> int | None:
    """Fewest cases that give power target with so many readers; None when no number up to 100,000 does."""

    def enough(cases: int) -> bool:
        return power(pilot, readers, cases, effect, **planned) >= target

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
    **planned: Unpack[Planned],
) -> tuple[PowerRow, ...]:
    """One row per number of readers, for the planning page and the report."""
    sizes = list(cases)
    return tuple(
        PowerRow(
            r,
            {n: power(pilot, r, n, effect, **planned) for n in sizes},
            cases_needed(pilot, r, effect, target=target, **planned),
        )
        for r in readers
    )
