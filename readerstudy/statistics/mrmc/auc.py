"""Empirical AUC of readers' scores, and its covariances across methods and readers.

With psi(x, y) = 1 if x > y, 1/2 if x = y, else 0, for a positive score x and a negative score y, the empirical AUC is
the mean of psi over all (positive, negative) pairs. "Placement values" are its means over one side only:
V10[i] = mean_j psi(x_i, y_j) of positive i and V01[j] = mean_i psi(x_i, y_j) of negative j.

References: DeLong, DeLong & Clarke-Pearson 1988 (Biometrics 44, 837); Obuchowski 1997 (Biometrics 53, 567);
Gallas 2006 (Academic Radiology 13, 353); Gallas, Bandos, Samuelson & Wagner 2009 (Commun. Stat. Theory 38, 2586).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from readerstudy.statistics.mrmc.data import FloatArray, MRMCError, ReaderScores, require_complete

COVARIANCES = ("jackknife", "delong", "unbiased", "clustered")
# Largest block of psi values held at once (doubles): 32 MB.
BLOCK = 4_000_000


def placement_values(scores: ArrayLike, truth: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """V10 (..., positives) and V01 (..., negatives) of scores (..., cases); NaN scores are left out and stay NaN.

    From mid-ranks: the rank of x_i among all cases less its rank among positives counts the negatives below it,
    ties half.
    """
    values = np.asarray(scores, dtype=float)
    positive = np.asarray(truth) == 1
    x, y = values[..., positive], values[..., ~positive]
    n_x = (~np.isnan(x)).sum(axis=-1, keepdims=True)
    n_y = (~np.isnan(y)).sum(axis=-1, keepdims=True)
    everyone = rankdata(values, axis=-1, nan_policy="omit")
    v10 = (everyone[..., positive] - rankdata(x, axis=-1, nan_policy="omit")) / n_y
    v01 = 1.0 - (everyone[..., ~positive] - rankdata(y, axis=-1, nan_policy="omit")) / n_x
    return v10, v01


def empirical_auc(scores: ArrayLike, truth: ArrayLike) -> FloatArray:
    """AUC (...) of scores (..., cases), ties counted half; NaN scores are left out."""
    return np.nanmean(placement_values(scores, truth)[0], axis=-1)


def auc_covariance(data: ReaderScores, kind: str = "jackknife") -> FloatArray:
    """Covariances of all AUCs, shape (methods, readers, methods, readers), of cases as the random sample.

    kind: "jackknife" (delete one case), "delong" (DeLong 1988), "unbiased" (U-statistic, Gallas 2006; equal to iMRMC's)
    or "clustered" (Obuchowski 1997, clusters = data.cluster; equal to DeLong's when every cluster holds one case).
    Raises MRMCError when scores are missing, a class has one case only, or clusters are asked for and not given.
    """
    if kind not in COVARIANCES:
        raise MRMCError(f"There is no covariance method {kind!r}: choose one of {', '.join(COVARIANCES)}.")
    require_complete(data)
    for name, value in (("positive", 1), ("negative", 0)):
        count = int((data.truth == value).sum())
        if count < 2:
            few = f"There is one {name} case only" if count else f"There is no {name} case with every score"
            raise MRMCError(f"{few}: a variance needs at least two.")
    flat = data.scores.reshape(-1, data.truth.size)
    v10, v01 = placement_values(flat, data.truth)
    if kind == "clustered":
        if data.cluster is None:
            raise MRMCError("The clustered covariance needs the patient of every case (cluster ids); none were given.")
        covariance = _clustered(v10, v01, data.cluster, data.truth)
    elif kind == "delong":
        covariance = _cross(v10 - v10.mean(axis=1, keepdims=True)) + _cross(v01 - v01.mean(axis=1, keepdims=True))
    elif kind == "jackknife":
        covariance = _jackknife(v10, v01)
    else:
        covariance = _unbiased(flat, v10, v01, data.truth)
    shape = data.scores.shape[:2]
    return covariance.reshape(*shape, *shape)


def _cross(centred: FloatArray) -> FloatArray:
    """Covariance (k, k) of the k means of centred values (k, n)."""
    n = centred.shape[1]
    return centred @ centred.T / (n * (n - 1))


def _jackknife(v10: FloatArray, v01: FloatArray) -> FloatArray:
    """(N - 1) / N sum_k (A_(k) - mean)(A_(k) - mean)', with A_(k) the AUCs without case k."""
    n1, n0 = v10.shape[1], v01.shape[1]
    auc = v10.mean(axis=1, keepdims=True)
    left_out = np.concatenate([(n1 * auc - v10) / (n1 - 1), (n0 * auc - v01) / (n0 - 1)], axis=1)
    centred = left_out - left_out.mean(axis=1, keepdims=True)
    return centred @ centred.T * (n1 + n0 - 1) / (n1 + n0)


def _unbiased(flat: FloatArray, v10: FloatArray, v01: FloatArray, truth: NDArray[np.int64]) -> FloatArray:
    """A_a A_b - M4, with M4 the mean of psi_a(i, j) psi_b(i', j') over pairs that share no case (i != i', j != j')."""
    n1, n0 = v10.shape[1], v01.shape[1]
    x, y = flat[:, truth == 1], flat[:, truth == 0]
    same_pair = np.zeros((len(flat), len(flat)))
    step = max(1, BLOCK // (len(flat) * n0))
    for start in range(0, n1, step):  # blocks of positives bound the memory
        block = x[:, start : start + step, None]
        psi = ((block > y[:, None, :]) + 0.5 * (block == y[:, None, :])).reshape(len(flat), -1)
        same_pair += psi @ psi.T
    auc = v10.mean(axis=1)
    products = np.outer(auc, auc)
    disjoint = (n1 * n0) ** 2 * products - n0**2 * (v10 @ v10.T) - n1**2 * (v01 @ v01.T) + same_pair
    return products - disjoint / (n1 * n0 * (n1 - 1) * (n0 - 1))


def _clustered(v10: FloatArray, v01: FloatArray, cluster: NDArray[np.int64], truth: NDArray[np.int64]) -> FloatArray:
    """Obuchowski 1997, section 2: S10 / n1 + S01 / n0 + (S11 + S11') / (n1 n0), from sums within clusters."""
    n1, n0 = v10.shape[1], v01.shape[1]
    auc = v10.mean(axis=1, keepdims=True)
    n_clusters = int(cluster.max()) + 1
    members = np.zeros((truth.size, n_clusters))
    members[np.arange(truth.size), cluster] = 1.0
    in_x, in_y = members[truth == 1], members[truth == 0]
    sums10 = (v10 - auc) @ in_x
    sums01 = (v01 - auc) @ in_y
    with_x, with_y = in_x.any(axis=0).sum(), in_y.any(axis=0).sum()
    if min(with_x, with_y) < 2:
        raise MRMCError("All positive or all negative cases belong to one cluster: a variance needs at least two.")
    s10 = with_x / (with_x - 1) / n1 * (sums10 @ sums10.T)
    s01 = with_y / (with_y - 1) / n0 * (sums01 @ sums01.T)
    s11 = n_clusters / (n_clusters - 1) * (sums10 @ sums01.T)
    return s10 / n1 + s01 / n0 + (s11 + s11.T) / (n1 * n0)
