"""Cluster bootstrap of statistics that are functions of sums, vectorised over replicates.

Means, kappa, ICC and alpha are all functions of sums over units, so a replicate needs only resampled sums: the
clusters' sums times how often each cluster was drawn (Efron and Tibshirani, An Introduction to the Bootstrap, 1993,
chapters 8 and 13). With few clusters percentile intervals are too narrow (Hesterberg, Am Stat 2015): see coverage.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from readerstudy.common.counting import counted
from readerstudy.statistics.undefined import undefined_is_nan

Floats = NDArray[np.float64]
Statistic = Callable[[Floats], Floats]
CHUNK = 2_000_000  # numbers held at once
KEPT = 16_000_000  # the most numbers of one bootstrap that are kept for the next of as many clusters
FEWEST_CLUSTERS = 10  # for an interval: the fewest with which one of 95 % misses at most twice as often as it says


def coverage(clusters: int, alpha: float) -> float:
    """How often the percentile interval of level 1 - alpha of a mean holds the true one: K >= 2 normal cluster means.

    It reaches z sqrt((K - 1) / K) standard errors where t with K - 1 degrees of freedom would be needed: resampling
    divides by K, not K - 1, and knows nothing of the variance's own uncertainty.
    """
    reach = stats.norm.isf(alpha / 2) * np.sqrt((clusters - 1) / clusters)
    return float(1 - 2 * stats.t.sf(reach, clusters - 1))


def why_no_interval(ci: list[float] | None, patients: int) -> str | None:
    """Why there is no interval, as a sentence; None where there is one."""
    if ci is not None:
        return None
    if patients < FEWEST_CLUSTERS:
        return f"{counted(patients, 'patient')}: too few for an interval (it takes {FEWEST_CLUSTERS})."
    return "No interval: the resampled values do not vary, or too few of them are defined."


def bootstrap(columns: Floats, clusters: NDArray[np.intp], statistic: Statistic, replicates: int, seed: int) -> Floats:
    """Statistic in each of `replicates` samples of whole clusters drawn with replacement.

    columns    (units, m): what is summed over units.
    clusters   (units,): cluster of each unit, 0..K-1.
    statistic  maps sums (replicates, m) to values (replicates,); NaN where a sample leaves it undefined.
    The stream depends on the seed and on K only, so a row's interval does not change when another row is added.
    """
    n = int(clusters.max()) + 1 if len(clusters) else 0
    if not n:
        return np.empty(0)
    totals = np.zeros((n, columns.shape[1]))
    np.add.at(totals, clusters, columns)
    with undefined_is_nan():
        return np.concatenate([statistic(times @ totals) for times in times_drawn(n, replicates, seed)])


def times_drawn(n: int, replicates: int, seed: int) -> Iterator[Floats]:
    """(rows, n) at a time: how often each of n clusters was drawn, for all replicates."""
    kept = _kept(n, replicates, seed) if n * replicates <= KEPT else _drawn(n, replicates, seed)
    return (times.astype(float) for times in kept)


@lru_cache(maxsize=8)  # one analysis bootstraps a few numbers of clusters, each many times
def _kept(n: int, replicates: int, seed: int) -> list[NDArray[np.uint16]]:
    return list(_drawn(n, replicates, seed))


def _drawn(n: int, replicates: int, seed: int) -> Iterator[NDArray[np.uint16]]:
    """The stream is one for all, however it is cut."""
    rng = np.random.default_rng([seed, n])
    step = max(1, CHUNK // n)
    for start in range(0, replicates, step):
        rows = min(step, replicates - start)
        drawn = rng.integers(n, size=(rows, n)) + n * np.arange(rows)[:, None]
        yield np.bincount(drawn.ravel(), minlength=rows * n).reshape(rows, n).astype(np.uint16)


def interval(values: Floats, alpha: float) -> list[float] | None:
    """Percentile interval [low, high] of level 1 - alpha.

    None when fewer than nine in ten samples define it, or when it has no width: data without variation in them do not
    show that there is none.
    """
    usable = values[np.isfinite(values)]
    if not len(values) or len(usable) < 0.9 * len(values):
        return None
    low, high = np.quantile(usable, [alpha / 2, 1 - alpha / 2])
    return [float(low), float(high)] if high - low > 1e-12 else None


def monte_carlo_error(values: Floats, alpha: float) -> list[float]:
    """Standard errors of both ends of `interval`: how far they would move with another seed.

    Half the distance between the order statistics one standard error of their rank, sqrt(p (1 - p) B), to either side
    (David and Nagaraja, Order Statistics, 2003, section 7.1).
    """
    usable = values[np.isfinite(values)]
    move = np.sqrt(alpha / 2 * (1 - alpha / 2) / len(usable))
    ends = np.array([alpha / 2, 1 - alpha / 2])
    above, below = (np.quantile(usable, np.clip(ends + by, 0, 1)) for by in (move, -move))
    return [float(error) for error in (above - below) / 2]


def ratio_of_sums(sums: Floats) -> Floats:
    """Mean: column 0 is the sum, column 1 the number of units."""
    return sums[:, 0] / sums[:, 1]


@dataclass(frozen=True)
class Bounds:
    """A percentile interval and the Monte Carlo errors of its ends; both None where there is none."""

    ci: list[float] | None = None
    error: list[float] | None = None

    @classmethod
    def of(cls, values: Floats, alpha: float) -> Bounds:
        ci = interval(values, alpha)
        return cls(ci, None if ci is None else monte_carlo_error(values, alpha))


def mean_interval(values: Floats, clusters: NDArray[np.intp], *, alpha: float, replicates: int, seed: int) -> Bounds:
    """Interval of the mean of `values` (units,); none below FEWEST_CLUSTERS."""
    if len(values) == 0 or clusters.max() + 1 < FEWEST_CLUSTERS:
        return Bounds()
    columns = np.column_stack([values, np.ones(len(values))])
    return Bounds.of(bootstrap(columns, clusters, ratio_of_sums, replicates, seed), alpha)


def design_effect(values: Floats, clusters: NDArray[np.intp]) -> float | None:
    """Variance of the mean of `values` (units,) with clusters drawn whole, over that if units were drawn one by one.

    Linearised (Kish, Survey Sampling, 1965, section 5.4): sums of squares of the clusters' deviations over those of the
    units'. None from fewer than FEWEST_CLUSTERS, or where nothing varies.
    """
    if len(values) == 0 or clusters.max() + 1 < FEWEST_CLUSTERS:
        return None
    deviations = values - values.mean()
    squares = float((deviations**2).sum())
    return float((np.bincount(clusters, deviations) ** 2).sum()) / squares if squares > 1e-12 else None
