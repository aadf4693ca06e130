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

from readerstudy.statistics.mrmc.data import FloatArray, MRMCError, ReaderScores
from readerstudy.statistics.undefined import mean_of_given, undefined_is_nan

COVARIANCES = ("jackknife", "delong", "unbiased", "clustered", "patient_jackknife")
OF_PATIENTS = ("clustered", "patient_jackknife")
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
    with undefined_is_nan():  # a reader without scores
        v10 = (everyone[..., positive] - rankdata(x, axis=-1, nan_policy="omit")) / n_y
        v01 = 1.0 - (everyone[..., ~positive] - rankdata(y, axis=-1, nan_policy="omit")) / n_x
    return v10, v01


def empirical_auc(scores: ArrayLike, truth: ArrayLike) -> FloatArray:
    """AUC (...) of scores (..., cases), ties counted half; NaN scores are left out, NaN comes of nothing else."""
    return mean_of_given(placement_values(scores, truth)[0], axis=-1)


def auc_covariance(data: ReaderScores, kind: str = "jackknife") -> FloatArray:
    """Covariances of all AUCs, shape (methods, readers, methods, readers), of cases as the random sample.

    kind: "jackknife" (delete one case), "patient_jackknife" (delete all cases of one patient), "delong" (DeLong 1988),
    "unbiased" (U-statistic, Gallas 2006; equal to iMRMC's) or "clustered" (Obuchowski 1997; equal to DeLong's when
    every patient has one case). "patient_jackknife" and
    "clustered" need data.cluster.

    Scores may be missing: NaN where a reader did not use a method. The jackknife then runs over all cases of the data
    (as MRMCaov does), one that a reader did not read leaving that reader's AUC as it is; a reader's own cases alone
    would give variances smaller by up to a few percent. Raises MRMCError when a reader has fewer than two cases of a
    class with a method, or patients are asked for and not given.
    """
    check_kind(data, kind)
    shape = data.scores.shape[:2]
    flat = data.scores.reshape(-1, data.truth.size)
    positive = data.truth == 1
    read = ~np.isnan(flat)
    counts = read[:, positive].sum(axis=1, keepdims=True), read[:, ~positive].sum(axis=1, keepdims=True)
    _require_two(data, counts)
    v10, v01 = placement_values(flat, data.truth)
    centred = _centred(v10), _centred(v01)
    with undefined_is_nan():  # where a reader used no case with a method; set aside below
        if kind == "clustered":
            covariance = _clustered(centred, counts, read, data)
        elif kind == "patient_jackknife":
            covariance = jackknife(_without_each_patient(flat, (v10, v01), counts, data))
        elif kind == "jackknife":
            covariance = jackknife(np.concatenate([-side / (n - 1) for side, n in zip(centred, counts)], axis=1))
        elif kind == "delong":
            scaled = [side / np.sqrt(n * (n - 1.0)) for side, n in zip(centred, counts, strict=True)]
            covariance = _cross(scaled[0]) + _cross(scaled[1])
        else:
            covariance = _unbiased(flat, (v10, v01), counts, data.truth)
    unused = np.flatnonzero(~data.used.ravel())
    covariance[unused], covariance[:, unused] = np.nan, np.nan
    return covariance.reshape(*shape, *shape)


def check_kind(data: ReaderScores, kind: str) -> None:
    """Raise MRMCError for a covariance method that does not exist, or one that needs patients that are not given."""
    if kind not in COVARIANCES:
        raise MRMCError(f"There is no covariance method {kind!r}: choose one of {', '.join(COVARIANCES)}.")
    if kind in OF_PATIENTS and data.cluster is None:
        raise MRMCError(f"The {kind} covariance needs the patient of every case (cluster ids); none were given.")


def jackknife(changes: FloatArray) -> FloatArray:
    """(N - 1) / N sum_k (d_k - mean)(d_k - mean)' of the changes d (values, N) when unit k is left out."""
    n: int = changes.shape[1]
    centred = changes - changes.mean(axis=1, keepdims=True)
    return _cross(centred) * (n - 1) / n


def _require_two(data: ReaderScores, counts: tuple[NDArray[np.int64], NDArray[np.int64]]) -> None:
    for name, value, read in (("positive", 1, counts[0]), ("negative", 0, counts[1])):
        if int((data.truth == value).sum()) < 2:
            few = f"There is one {name} case only" if (data.truth == value).any() else f"There is no {name} case"
            raise MRMCError(f"{few}: a variance needs at least two.")
        lacking = np.argwhere(data.used & (read.reshape(data.used.shape) < 2))
        if lacking.size:
            m, r = lacking[0]
            raise MRMCError(
                f"Reader {data.readers[r]} scored fewer than two {name} cases with method {data.methods[m]}: a "
                "variance needs at least two."
            )


def _centred(values: FloatArray) -> FloatArray:
    """Values (k, n) less their mean, 0 where missing."""
    return np.nan_to_num(values - mean_of_given(values, axis=1, keepdims=True))


def _cross(values: FloatArray) -> FloatArray:
    return values @ values.T


def _without_each_patient(
    flat: FloatArray,
    placements: tuple[FloatArray, FloatArray],
    counts: tuple[NDArray[np.int64], NDArray[np.int64]],
    data: ReaderScores,
) -> FloatArray:
    """Change (k, patients) of each AUC when all cases of a patient are left out."""
    assert data.cluster is not None
    in_x, in_y = members(data.cluster)[data.truth == 1], members(data.cluster)[data.truth == 0]
    x, y = flat[:, data.truth == 1], flat[:, data.truth == 0]
    n1, n0 = counts
    rows, columns = np.nan_to_num(placements[0]) * n0, np.nan_to_num(placements[1]) * n1
    i, j = np.nonzero(in_x @ in_y.T)  # pairs of one patient, taken off twice
    both = ((x[:, i] > y[:, j]) + 0.5 * (x[:, i] == y[:, j])) @ in_x[i]
    pairs = (n1 - (~np.isnan(x)) @ in_x) * (n0 - (~np.isnan(y)) @ in_y)
    if (pairs[data.used.ravel()] == 0).any():
        raise MRMCError("All positive or all negative cases of a reader belong to one patient: two are needed.")
    total = rows.sum(axis=1, keepdims=True)
    with undefined_is_nan():
        left = (total - rows @ in_x - columns @ in_y + both) / pairs
        changes: FloatArray = np.nan_to_num(left - total / (n1 * n0))
        return changes


def members(cluster: NDArray[np.int64]) -> FloatArray:
    """(cases, patients) of 0 and 1: whose case it is."""
    return np.eye(int(cluster.max()) + 1)[cluster]


def _unbiased(
    flat: FloatArray,
    placements: tuple[FloatArray, FloatArray],
    counts: tuple[NDArray[np.int64], NDArray[np.int64]],
    truth: NDArray[np.int64],
) -> FloatArray:
    """A_a A_b - M4, with M4 the mean of psi_a(i, j) psi_b(i', j') over pairs that share no case (i != i', j != j')."""
    n1, n0 = counts
    x, y = flat[:, truth == 1], flat[:, truth == 0]
    same_pair = np.zeros((len(flat), len(flat)))
    step = max(1, BLOCK // (len(flat) * y.shape[1]))
    for start in range(0, x.shape[1], step):  # blocks of positives bound the memory
        block = x[:, start : start + step, None]
        psi = ((block > y[:, None, :]) + 0.5 * (block == y[:, None, :])).reshape(len(flat), -1)
        same_pair += psi @ psi.T
    by_x, by_y = np.nan_to_num(placements[0]) * n0, np.nan_to_num(placements[1]) * n1
    total = by_x.sum(axis=1)
    shared_x, shared_y = (_cross((~np.isnan(side)).astype(float)) for side in (x, y))
    disjoint = np.outer(total, total) - _cross(by_x) - _cross(by_y) + same_pair
    n_disjoint = (n1 @ n1.T - shared_x) * (n0 @ n0.T - shared_y)
    pairs = n1 * n0
    return np.outer(total, total) / (pairs @ pairs.T) - disjoint / n_disjoint


def _clustered(
    centred: tuple[FloatArray, FloatArray],
    counts: tuple[NDArray[np.int64], NDArray[np.int64]],
    read: NDArray[np.bool_],
    data: ReaderScores,
) -> FloatArray:
    """Obuchowski 1997, section 2: S10 / n1 + S01 / n0 + (S11 + S11') / (n1 n0), from sums within patients."""
    assert data.cluster is not None
    of_patient = members(data.cluster)
    sides = (data.truth == 1, data.truth == 0)
    sums = [side @ of_patient[chosen] / n for side, chosen, n in zip(centred, sides, counts, strict=True)]
    patients = [((read[:, chosen] @ of_patient[chosen]) > 0).sum(axis=1) for chosen in sides]
    if min(count[data.used.ravel()].min() for count in patients) < 2:
        raise MRMCError("All positive or all negative cases belong to one cluster: a variance needs at least two.")
    anyone = ((read @ of_patient) > 0).sum(axis=1)
    widened = [_cross(side * _bessel(count)) for side, count in zip(sums, patients, strict=True)]
    across = (sums[0] * _bessel(anyone)) @ (sums[1] * _bessel(anyone)).T
    covariance: FloatArray = widened[0] + widened[1] + across + across.T
    return covariance


def _bessel(count: NDArray[np.int64]) -> FloatArray:
    """sqrt(n / (n - 1)) as a column; 1 where a reader used no case."""
    safe = np.maximum(count, 2)
    return np.sqrt(safe / (safe - 1.0))[:, None]
