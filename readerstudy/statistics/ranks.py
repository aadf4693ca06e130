"""Spearman's rank correlation, and its interval from resampling patients."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from readerstudy.statistics.bootstrap import interval, times_drawn
from readerstudy.statistics.plan import AnalysisPlan
from readerstudy.statistics.undefined import undefined_is_nan

Floats = NDArray[np.float64]
REPLICATES = 2000  # at most: ranks are made anew in each, and hundreds of correlations are shown


def spearman(x: Floats, y: Floats) -> float | None:
    """Of two (n,) with midranks for ties; None where one of them does not vary."""
    rho = float(weighted_spearman(x, y, np.ones((1, len(x))))[0])
    return rho if np.isfinite(rho) else None


def weighted_spearman(x: Floats, y: Floats, weights: Floats) -> Floats:
    """Of samples in which unit i stands weights[b, i] times: (B, n) -> (B,); NaN where a sample does not vary."""
    total = weights.sum(axis=1)
    rx, ry = _midranks(x, weights), _midranks(y, weights)
    with undefined_is_nan():
        middle = (total + 1) / 2  # the mean of midranks
        dx, dy = rx - middle[:, None], ry - middle[:, None]
        xx, yy = (weights * dx**2).sum(axis=1), (weights * dy**2).sum(axis=1)
        rho: Floats = (weights * dx * dy).sum(axis=1) / np.sqrt(xx * yy)
    return np.where((xx > 1e-9) & (yy > 1e-9), rho, np.nan)


def spearman_interval(x: Floats, y: Floats, clusters: NDArray[np.intp], plan: AnalysisPlan) -> list[float] | None:
    """Percentile interval from whole clusters drawn with replacement, ranked anew in each sample.

    clusters: (n,), 0..K-1. None where `interval` gives none.
    """
    replicates = min(plan.bootstrap_replicates, REPLICATES)
    drawn = [
        weighted_spearman(x, y, times[:, clusters])
        for times in times_drawn(int(clusters.max()) + 1, replicates, plan.bootstrap_seed)
    ]
    return interval(np.concatenate(drawn), plan.alpha)


def _midranks(values: Floats, weights: Floats) -> Floats:
    """(B, n): for each unit of each sample the mean of the ranks that its copies and its equals take."""
    _, level, sizes = np.unique(values, return_inverse=True, return_counts=True)
    sorted_weights = weights[:, np.argsort(level, kind="stable")]
    upto = np.cumsum(sorted_weights, axis=1)[:, np.cumsum(sizes) - 1]  # copies of all levels up to each
    counts = np.diff(upto, axis=1, prepend=0)
    ranks: Floats = (upto - (counts - 1) / 2)[:, level]
    return ranks
