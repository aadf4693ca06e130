"""Power and size of a study whose primary endpoint is the mean difference of scores, for one truth class.

With the variance components of one difference B - A (points squared), R readers, P patients and k cases of each:

    ms = reader + error / (P k)                      between the readers' means
    c  = R (patient / P + case / (P k))              what patients do to all readers
    readers and patients random   Var = (ms + c) / R,  df = (ms + c)^2 / (ms^2 / (R - 1) + c^2 / (P - 1))
    these readers only            Var = (error / (P k) + c) / R,  df = P - 1

More patients shrink everything but the readers' component, so past some number only more readers help. Numbers count
the patients of one truth class (true positives, say); a reader reads each of their cases with both methods.

Reference: Hillis, Obuchowski & Berbaum 2011 (Academic Radiology 18, 129), there for areas under the curve.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from readerstudy.statistics.plan import AnalysisError
from readerstudy.statistics.scores.results import t_quantile
from readerstudy.statistics.tails import beyond

MODES = ("readers_and_patients", "fixed_readers")
AIMS = ("difference", "non_inferiority", "superiority", "equivalence")
MOST_PATIENTS = 100_000


@dataclass(frozen=True)
class ScoreVariance:
    """Variance components of one difference B - A, in points squared, none below 0."""

    reader: float
    patient: float
    case: float
    error: float

    def __post_init__(self) -> None:
        if not all(np.isfinite(v) and v >= 0 for v in (self.reader, self.patient, self.case, self.error)):
            raise AnalysisError(f"Variance components must be numbers of 0 or more; these are {self}.")

    @classmethod
    def from_sds(cls, reader: float, patient: float, error: float, case: float = 0.0) -> ScoreVariance:
        """From standard deviations in points, as a person would type them."""
        return cls(reader**2, patient**2, case**2, error**2)


@dataclass(frozen=True)
class PowerRow:
    """readers; power by number of patients; the fewest patients that reach the target, None where none do."""

    readers: int
    power: dict[int, float]
    patients_needed: int | None


def standard_error(
    v: ScoreVariance, readers: int, patients: int, *, cases: int = 1, mode: str = "readers_and_patients"
) -> tuple[float, float]:
    """Standard error and degrees of freedom of the mean difference; cases: per patient. Raises AnalysisError."""
    if mode not in MODES:
        raise AnalysisError(f"There is no mode {mode!r}: choose one of {', '.join(MODES)}.")
    if readers < (1 if mode == "fixed_readers" else 2) or patients < 2 or cases < 1:
        raise AnalysisError(f"{readers} reader(s) and {patients} patient(s) of {cases} case(s) are too few to plan.")
    noise = v.error / (patients * cases)
    c = readers * (v.patient / patients + v.case / (patients * cases))
    if mode == "fixed_readers":
        return float(np.sqrt((noise + c) / readers)), patients - 1.0
    ms = v.reader + noise
    spread = ms**2 / (readers - 1) + c**2 / (patients - 1)
    return float(np.sqrt((ms + c) / readers)), float((ms + c) ** 2 / spread) if spread > 0 else np.inf


def power(
    v: ScoreVariance,
    readers: int,
    patients: int,
    effect: float,
    *,
    cases: int = 1,
    mode: str = "readers_and_patients",
    aim: str = "difference",
    margin: float = 0.0,
    alpha: float = 0.05,
) -> float:
    """Chance that the study succeeds when the true mean difference B - A is effect points; in [0, 1].

    aim "difference": two-sided test at alpha; the others as in `margins`, one-sided at alpha / 2. Raises AnalysisError.
    """
    if aim not in AIMS or margin < 0 or (margin == 0 and aim in ("non_inferiority", "equivalence")):
        raise AnalysisError(f"There is no aim {aim!r} with a margin of {margin} points.")
    se, df = standard_error(v, readers, patients, cases=cases, mode=mode)
    if se == 0:
        distance = {"difference": abs(effect), "equivalence": margin - abs(effect), "superiority": effect - margin}
        return float(distance.get(aim, effect + margin) > 0)
    reach = t_quantile(1 - alpha / 2, df)
    if aim == "difference":
        return beyond(reach, df, effect / se) + beyond(reach, df, -effect / se)
    if aim == "equivalence":
        both = beyond(reach, df, (effect + margin) / se) + beyond(reach, df, (margin - effect) / se)
        return max(both - 1, 0.0)
    return beyond(reach, df, (effect + margin if aim == "non_inferiority" else effect - margin) / se)


def patients_needed(
    v: ScoreVariance, readers: int, effect: float, *, target: float = 0.8, cases: int = 1,
    mode: str = "readers_and_patients", aim: str = "difference", margin: float = 0.0, alpha: float = 0.05,
) -> int | None:  # fmt: skip
    """Fewest patients (of one truth class) that reach the target with so many readers; None where 100,000 do not."""

    def enough(patients: int) -> bool:
        reached = power(
            v, readers, patients, effect, cases=cases, mode=mode, aim=aim, margin=margin, alpha=alpha
        )  # fmt: skip
        return reached >= target

    return _fewest(enough, 2, MOST_PATIENTS)


def power_table(
    v: ScoreVariance, effect: float, *, readers: Iterable[int] = (3, 5, 8, 10, 15, 20),
    patients: Iterable[int] = (30, 60, 120, 240), target: float = 0.8, cases: int = 1,
    mode: str = "readers_and_patients", aim: str = "difference", margin: float = 0.0, alpha: float = 0.05,
) -> tuple[PowerRow, ...]:  # fmt: skip
    """One row for each number of readers, for the planning page."""
    sizes = list(patients)
    return tuple(
        PowerRow(
            r,
            {n: power(v, r, n, effect, cases=cases, mode=mode, aim=aim, margin=margin, alpha=alpha) for n in sizes},
            patients_needed(
                v, r, effect, target=target, cases=cases, mode=mode, aim=aim, margin=margin, alpha=alpha
            ),
        )
        for r in readers
    )  # fmt: skip


def _fewest(enough: Callable[[int], bool], low: int, high: int) -> int | None:
    if not enough(high):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return low
