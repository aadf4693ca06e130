"""Wilcoxon's signed-rank test for differences that come in clusters, and exact p values where there are few."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import special, stats

from readerstudy.statistics.mrmc.data import MRMCError

# Under this many signs to turn the normal approximation is rough, and the exact p stands beside it. Rosner, Glynn and
# Lee found the right type I error from 20 clusters on; SAS, too, is exact up to 20 pairs.
EXACT_BELOW = 20


@dataclass(frozen=True)
class ClusteredSignedRank:
    """Result of clustered_signed_rank; z and p_value are None where every difference is zero.

    p_exact is None from EXACT_BELOW clusters on.
    """

    z: float | None
    p_value: float | None
    statistic: float  # sum of signed ranks
    n_nonzero: int
    n_clusters: int  # clusters with at least one difference that is not zero
    p_exact: float | None


def clustered_signed_rank(differences: ArrayLike, cluster: ArrayLike) -> ClusteredSignedRank:
    """Rosner-Glynn-Lee test that differences (n,) are symmetric about zero, given their clusters (n,).

    The cluster is the unit that is independent: the example, the image or the patient. Zeros are left out; the other
    |d| get mid-ranks; with S the signed ranks, z = sum S / sqrt(sum over clusters (sum of S within the cluster)^2),
    two-sided normal p. p_exact is of the randomisation test behind it, which turns the signs of whole clusters.
    Reference: Rosner, Glynn & Lee 2006 (Biometrics 62, 185), equations 1 to 3.
    Raises MRMCError for lengths that differ or a missing (NaN) difference.
    """
    d, ids = np.asarray(differences, dtype=float), np.asarray(cluster)
    if d.ndim != 1 or d.shape != ids.shape:
        raise MRMCError(f"Differences {d.shape} and clusters {ids.shape} must be two lists of the same length.")
    if not np.isfinite(d).all():
        raise MRMCError(f"{(~np.isfinite(d)).sum()} of {d.size} differences are missing: leave those pairs out first.")
    d, ids = d[d != 0], ids[d != 0]
    signed = np.sign(d) * stats.rankdata(np.abs(d))
    index = pd.factorize(ids)[0]  # in order of appearance: names of clusters change nothing, to the last digit
    sums = np.bincount(index, weights=signed) if d.size else np.zeros(0)
    statistic, variance = float(signed.sum()), float((sums**2).sum())
    if variance == 0:
        return ClusteredSignedRank(None, None, statistic, d.size, sums.size, None)
    z = statistic / np.sqrt(variance)
    return ClusteredSignedRank(float(z), float(2 * special.ndtr(-abs(z))), statistic, d.size, sums.size, exact_p(sums))


def exact_p(signed: ArrayLike) -> float | None:
    """Chance that |sum| is as large as that of `signed` (n,) when each sign is a coin's; None from EXACT_BELOW on.

    signed: signed mid-ranks, or sums of them over clusters: multiples of 1/2. Ties and zeros are no trouble.
    """
    doubled = np.rint(2 * np.asarray(signed, dtype=float)).astype(np.int64)
    if not 0 < doubled.size < EXACT_BELOW:
        return None
    sizes = np.abs(doubled)
    chance = np.ones(1)  # of each sum of those sizes whose coin shows plus
    for size in sizes:
        shown = np.zeros(chance.size + size)
        shown[: chance.size] += chance
        shown[size:] += chance
        chance = shown / 2
    sums = 2 * np.arange(chance.size) - sizes.sum()
    return float(chance[np.abs(sums) >= abs(doubled.sum())].sum())
