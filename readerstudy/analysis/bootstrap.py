"""Cluster bootstrap of statistics that are functions of sums, vectorised over replicates.

Means, kappa, ICC and alpha are all functions of sums over units, so a replicate needs only resampled sums: the
clusters' sums times how often each cluster was drawn (Efron and Tibshirani, An Introduction to the Bootstrap, 1993,
chapters 8 and 13).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Statistic = Callable[[Floats], Floats]
CHUNK = 2_000_000  # numbers held at once


def bootstrap(columns: Floats, clusters: NDArray, statistic: Statistic, replicates: int, seed: int) -> Floats:
    """Statistic in each of `replicates` samples of whole clusters drawn with replacement.

    columns    (units, m): what is summed over units.
    clusters   (units,): cluster of each unit, 0..K-1.
    statistic  maps sums (replicates, m) to values (replicates,); NaN where a sample leaves it undefined.
    The stream depends on the seed and on K only, so a row's interval does not change when another row is added.
    """
    count = int(clusters.max()) + 1 if len(clusters) else 0
    if not count:
        return np.empty(0)
    totals = np.zeros((count, columns.shape[1]))
    np.add.at(totals, clusters, columns)
    rng = np.random.default_rng([seed, count])
    step = max(1, CHUNK // max(count, columns.shape[1]))
    parts = []
    for start in range(0, replicates, step):
        rows = min(step, replicates - start)
        drawn = rng.integers(count, size=(rows, count)) + count * np.arange(rows)[:, None]
        times = np.bincount(drawn.ravel(), minlength=rows * count).reshape(rows, count)
        with np.errstate(divide="ignore", invalid="ignore"):
            parts.append(statistic(times @ totals))
    return np.concatenate(parts)


def interval(values: Floats, alpha: float) -> list[float] | None:
    """Percentile interval [low, high] of level 1 - alpha, or None when fewer than nine in ten samples define it."""
    usable = values[np.isfinite(values)]
    if not len(values) or len(usable) < 0.9 * len(values):
        return None
    low, high = np.quantile(usable, [alpha / 2, 1 - alpha / 2])
    return [float(low), float(high)]


def ratio_of_sums(sums: Floats) -> Floats:
    """Mean: column 0 is the sum, column 1 the number of units."""
    return sums[:, 0] / sums[:, 1]


def mean_interval(
    values: Floats, clusters: NDArray, *, alpha: float, replicates: int, seed: int
) -> tuple[list[float] | None, float | None]:
    """Interval of the mean of `values` (units,) and its standard error; (None, None) with fewer than two clusters."""
    if len(values) == 0 or clusters.max() < 1:
        return None, None
    samples = bootstrap(np.column_stack([values, np.ones(len(values))]), clusters, ratio_of_sums, replicates, seed)
    return interval(samples, alpha), float(np.std(samples))
