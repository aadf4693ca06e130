"""Whether readers' stated confidence is borne out: calibration error, Brier score and a reliability table.

A score from `minimum` to `maximum` states the chance that the prediction is right, evenly from 0 to 1; truth is whether
it is. Intervals are percentile intervals of a bootstrap of whole patients, readers taken as they are.

References: Brier 1950 (Monthly Weather Review 78, 1); Naeini, Cooper & Hauskrecht 2015 (AAAI, 2901) for the expected
calibration error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from readerstudy.statistics.bootstrap import FEWEST_CLUSTERS, Floats, Statistic, bootstrap, interval
from readerstudy.statistics.frame import cluster_codes, natural_sort
from readerstudy.statistics.plan import AnalysisError
from readerstudy.statistics.undefined import undefined_is_nan

LARGEST_TABLE = 11  # levels; a finer scale is cut into ten bins of equal width
Ends = tuple[float, float] | None
Ending = Callable[[Floats, NDArray[np.int64], Statistic], list[Ends]]
_SUMS = 3  # columns before the levels' own: squared error, stated, right


@dataclass(frozen=True)
class ReliabilityLevel:
    """Answers that state about the same chance: what they state on average, and how often they were right."""

    low: float  # scores of the level, from low to high
    high: float
    n: int
    stated: float
    right: float
    ci: Ends


@dataclass(frozen=True)
class Calibration:
    """One method's (or one reader's) calibration; reader is "all" for all readers together.

    expected_error: mean |stated - right| over levels, weighted by their answers, in [0, 1]; brier: mean squared
    difference of stated chance and truth, in [0, 1]; overconfidence: mean stated chance less the share right. ci are
    None with fewer than 10 patients.
    """

    method: str
    reader: str
    n: int
    n_patients: int
    expected_error: float
    expected_error_ci: Ends
    brier: float
    brier_ci: Ends
    overconfidence: float
    overconfidence_ci: Ends
    levels: tuple[ReliabilityLevel, ...]


@dataclass(frozen=True)
class CalibrationDifference:
    """Second method less the first, of all readers; patients are resampled once for both."""

    method_a: str
    method_b: str
    expected_error: float
    expected_error_ci: Ends
    brier: float
    brier_ci: Ends


@dataclass(frozen=True)
class CalibrationResult:
    """Result of calibration: each method for all readers and for each, and every pair of methods."""

    rows: tuple[Calibration, ...]
    differences: tuple[CalibrationDifference, ...]

    def of(self, method: str, reader: str = "all") -> Calibration:
        return next(row for row in self.rows if (row.method, row.reader) == (method, reader))


def calibration(
    answers: pd.DataFrame,
    *,
    minimum: float = 1,
    maximum: float = 5,
    methods: Sequence[str] | None = None,
    alpha: float = 0.05,
    replicates: int = 20_000,
    seed: int = 0,
) -> CalibrationResult:
    """Calibration of one question's answers.

    answers: reader, example, method, right (1 or 0: whether the prediction is right), score, patient (any ids). Rows
    without a score are left out. Raises AnalysisError for missing columns, scores off the scale, or no answers.
    """
    data = _checked(answers, minimum, maximum)
    stated = (data["score"].to_numpy(dtype=float) - minimum) / (maximum - minimum)
    right = data["right"].to_numpy(dtype=float)
    level, edges = _levels(data["score"].to_numpy(dtype=float), minimum, maximum)
    columns = _columns(stated, right, level, len(edges))
    patients = cluster_codes(data["patient"])
    names = list(methods) if methods is not None else natural_sort(data["method"])
    method, reader = data["method"].to_numpy(dtype=str), data["reader"].to_numpy(dtype=str)

    def ends(sums: Floats, clusters: NDArray[np.int64], statistic: Statistic) -> list[Ends]:
        """An interval for each column of a statistic that gives several, all of the same samples."""
        n_values = statistic(sums.sum(axis=0, keepdims=True)).shape[1]
        if len(np.unique(clusters)) < FEWEST_CLUSTERS:
            return [None] * n_values
        found = [interval(values, alpha) for values in bootstrap(sums, clusters, statistic, replicates, seed).T]
        return [None if one is None else (one[0], one[1]) for one in found]

    rows = []
    for name in names:
        for who in ("all", *natural_sort(reader[method == name])):
            chosen = (method == name) & ((reader == who) | (who == "all"))
            clusters = cluster_codes(data["patient"][chosen])
            rows.append(_row(name, who, columns[chosen], clusters, edges, ends))
    pairs = tuple(_difference(a, b, columns, method, patients, ends) for a, b in combinations(names, 2))
    return CalibrationResult(tuple(rows), pairs)


def expected_error(sums: Floats) -> Floats:
    """Of sums (samples, columns): sum over levels of |sum stated - sum right| / n."""
    levels = sums[:, _SUMS:].reshape(len(sums), -1, 3)
    errors: Floats = np.abs(levels[:, :, 1] - levels[:, :, 2]).sum(axis=1) / levels[:, :, 0].sum(axis=1)
    return errors


def brier(sums: Floats) -> Floats:
    """Mean squared difference of stated chance and truth."""
    return sums[:, 0] / _count(sums)


def overconfidence(sums: Floats) -> Floats:
    """Mean stated chance less the share right."""
    return (sums[:, 1] - sums[:, 2]) / _count(sums)


def _count(sums: Floats) -> Floats:
    counts: Floats = sums[:, _SUMS::3].sum(axis=1)
    return counts


def _checked(answers: pd.DataFrame, minimum: float, maximum: float) -> pd.DataFrame:
    absent = [name for name in ("reader", "example", "method", "right", "score", "patient") if name not in answers]
    if absent:
        raise AnalysisError(f"The answers lack the column(s) {', '.join(absent)}.")
    if not minimum < maximum:
        raise AnalysisError(f"The scale must go from a lower to a higher score, not from {minimum:g} to {maximum:g}.")
    data = answers[answers["score"].notna()]
    if data.empty:
        raise AnalysisError("There are no answers to calibrate.")
    off = data[~data["score"].between(minimum, maximum)]
    if len(off):
        row = off.iloc[0]
        raise AnalysisError(
            f"Reader {row.reader} gave example {row.example} the score {row.score:g}, which is not on the scale from "
            f"{minimum:g} to {maximum:g}."
        )
    if not data["right"].isin((0, 1)).all():
        raise AnalysisError("The column right must be 1 where the prediction is right and 0 where it is wrong.")
    return data


def _levels(scores: Floats, minimum: float, maximum: float) -> tuple[NDArray[np.intp], list[tuple[float, float]]]:
    """The level of each score, and the lowest and highest score of each level."""
    given, index = np.unique(scores, return_inverse=True)
    if given.size <= LARGEST_TABLE:
        return index, [(float(value), float(value)) for value in given]
    cuts = np.linspace(minimum, maximum, 11)
    level = np.minimum(np.searchsorted(cuts, scores, side="right") - 1, 9)
    return level, [(float(low), float(high)) for low, high in pairwise(cuts)]


def _columns(stated: Floats, right: Floats, level: NDArray[np.intp], levels: int) -> Floats:
    """(answers, 3 + 3 levels): squared error, stated, right; then count, stated and right at each answer's level."""
    own = np.zeros((len(stated), levels, 3))
    own[np.arange(len(stated)), level] = np.column_stack([np.ones(len(stated)), stated, right])
    return np.column_stack([(stated - right) ** 2, stated, right, own.reshape(len(stated), -1)])


def _everything(sums: Floats) -> Floats:
    """(samples, 3 + levels): the three summaries, then the share right at each level."""
    levels = sums[:, _SUMS:].reshape(len(sums), -1, 3)
    with undefined_is_nan():  # a level that a sample lacks is NaN there
        shares = levels[:, :, 2] / levels[:, :, 0]
    return np.column_stack([expected_error(sums), brier(sums), overconfidence(sums), shares])


def _row(
    method: str,
    reader: str,
    columns: Floats,
    clusters: NDArray[np.int64],
    edges: list[tuple[float, float]],
    ends: Ending,
) -> Calibration:
    total = columns.sum(axis=0, keepdims=True)
    (error, squares, over), (error_ci, squares_ci, over_ci, *shares) = (
        _everything(total)[0, :_SUMS].tolist(),
        ends(columns, clusters, _everything),
    )
    levels = tuple(
        ReliabilityLevel(low, high, int(n), float(stated / n), float(right / n), ci)
        for (low, high), (n, stated, right), ci in zip(edges, total[0, _SUMS:].reshape(-1, 3), shares, strict=True)
        if n
    )
    size = len(columns), len(np.unique(clusters))
    return Calibration(method, reader, *size, error, error_ci, squares, squares_ci, over, over_ci, levels)


def _difference(
    method_a: str, method_b: str, columns: Floats, method: NDArray[np.str_], clusters: NDArray[np.int64], ends: Ending
) -> CalibrationDifference:
    both = np.column_stack([columns * (method == name)[:, None] for name in (method_a, method_b)])
    half = columns.shape[1]

    def gaps(sums: Floats) -> Floats:
        first, second = sums[:, :half], sums[:, half:]
        return np.column_stack([expected_error(second) - expected_error(first), brier(second) - brier(first)])

    error, squares = gaps(both.sum(axis=0, keepdims=True))[0].tolist()
    error_ci, squares_ci = ends(both, clusters, gaps)
    return CalibrationDifference(method_a, method_b, error, error_ci, squares, squares_ci)
