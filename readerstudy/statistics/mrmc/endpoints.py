"""What a reader's decisions or scores are summed up to: the AUC, or a share of right decisions, with covariances.

References: Hillis 2014 (Statistics in Medicine 33, 330) for OR with any figure of merit; Chen, Wunderlich, Petrick &
Gallas 2014 (J. Medical Imaging 1, 031011) for binary decisions.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from readerstudy.statistics.mrmc.auc import auc_covariance, check_kind, empirical_auc, jackknife, members
from readerstudy.statistics.mrmc.data import FloatArray, MRMCError, ReaderScores
from readerstudy.statistics.undefined import mean_of_given, undefined_is_nan

# sensitivity: positives called positive; specificity: negatives called negative; accuracy: calls that agree with truth.
ENDPOINTS = ("auc", "sensitivity", "specificity", "accuracy")
# What a method's own value is tested against: chance, where there is such a thing.
CHANCE = {"auc": 0.5, "accuracy": 0.5, "sensitivity": np.nan, "specificity": np.nan}


def values(data: ReaderScores, endpoint: str = "auc") -> FloatArray:
    """(methods, readers) of the endpoint, NaN where a reader did not use a method. Raises MRMCError."""
    check_endpoint(data, endpoint)
    if endpoint == "auc":
        return empirical_auc(data.scores, data.truth)
    return mean_of_given(successes(data, endpoint), axis=2)


def covariance(data: ReaderScores, endpoint: str = "auc", kind: str = "jackknife") -> FloatArray:
    """Covariances (methods, readers, methods, readers) of `values`, cases being the sample; kinds of auc_covariance.

    Of a share, "jackknife" is over the cases of its class and equals the sample covariance over the number of cases
    when none is missing, as do "delong" and "unbiased". Raises MRMCError.
    """
    check_endpoint(data, endpoint)
    if endpoint == "auc":
        return auc_covariance(data, kind)
    check_kind(data, kind)
    shape = data.scores.shape[:2]
    right = successes(data, endpoint)
    flat = right.reshape(-1, right.shape[2])
    read = ~np.isnan(flat)
    count = read.sum(axis=1, keepdims=True)
    if (count[data.used.ravel()] < 2).any():
        m, r = np.argwhere(data.used & (count.reshape(shape) < 2))[0]
        raise MRMCError(
            f"Reader {data.readers[r]} decided on fewer than two cases for the {endpoint} with method "
            f"{data.methods[m]}: a variance needs at least two."
        )
    cluster = (
        None if data.cluster is None else np.unique(data.cluster[in_class(data, endpoint)], return_inverse=True)[1]
    )
    found = _share_covariance(np.nan_to_num(flat), read, np.maximum(count, 2), kind, cluster)
    unused = np.flatnonzero(~data.used.ravel())
    found[unused], found[:, unused] = np.nan, np.nan
    return found.reshape(*shape, *shape)


def _share_covariance(
    right: FloatArray, read: NDArray[np.bool_], count: NDArray[np.int64], kind: str, cluster: NDArray[np.int64] | None
) -> FloatArray:
    """Covariance (k, k) of k shares of right (k, cases), 0 where not read."""
    total = right.sum(axis=1, keepdims=True)
    share = total / count
    centred = np.where(read, right - share, 0.0)
    if kind == "unbiased":
        shared = read.astype(float) @ read.T
        with undefined_is_nan():
            unbiased: FloatArray = share @ share.T - (total @ total.T - right @ right.T) / (count @ count.T - shared)
            return unbiased
    if kind == "jackknife":
        return jackknife(-centred / (count - 1))
    if kind == "delong":
        scaled: FloatArray = centred / np.sqrt(count * (count - 1.0))
        return scaled @ scaled.T
    assert cluster is not None
    of_patient = members(cluster)
    patients = ((read @ of_patient) > 0).sum(axis=1, keepdims=True)
    left = count - read @ of_patient
    if (patients[read.any(axis=1)] < 2).any():
        raise MRMCError("All cases of a reader belong to one patient: a variance needs at least two.")
    if kind == "patient_jackknife":
        return jackknife((total - right @ of_patient) / left - share)
    scaled = centred @ of_patient / count * np.sqrt(np.maximum(patients, 2) / (np.maximum(patients, 2) - 1.0))
    return scaled @ scaled.T


def in_class(data: ReaderScores, endpoint: str) -> NDArray[np.bool_]:
    """(cases,) that count for the endpoint."""
    if endpoint == "sensitivity":
        positive: NDArray[np.bool_] = data.truth == 1
        return positive
    return data.truth == 0 if endpoint == "specificity" else np.ones(data.truth.shape, dtype=bool)


def successes(data: ReaderScores, endpoint: str) -> FloatArray:
    """(methods, readers, cases of the class): 1 = right decision, 0 = wrong, NaN = none."""
    chosen = in_class(data, endpoint)
    calls = data.scores[:, :, chosen]
    right = (calls == data.truth[chosen]).astype(float)
    return np.where(np.isnan(calls), np.nan, right)


def check_endpoint(data: ReaderScores, endpoint: str) -> None:
    """Raise MRMCError for an endpoint that does not exist, or that the scores do not allow."""
    if endpoint not in ENDPOINTS:
        raise MRMCError(f"There is no endpoint {endpoint!r}: choose one of {', '.join(ENDPOINTS)}.")
    if endpoint == "auc":
        return
    given = data.scores[~data.missing]
    if not np.isin(given, (0, 1)).all():
        raise MRMCError(f"The {endpoint} needs decisions (1 or 0), not scores: name a threshold (`called`).")
    if not in_class(data, endpoint).any():
        needed = {"sensitivity": "positive (truth 1)", "specificity": "negative (truth 0)"}[endpoint]
        raise MRMCError(f"There is no {needed} case, so there is no {endpoint}.")
    read = ~data.missing[:, :, in_class(data, endpoint)]
    lacking = np.argwhere(data.used & ~read.any(axis=2))
    if lacking.size:
        m, r = lacking[0]
        raise MRMCError(
            f"Reader {data.readers[r]} has no decision that counts for the {endpoint} with method {data.methods[m]}."
        )


def called(data: ReaderScores, threshold: float) -> ReaderScores:
    """Decisions from scores: 1 where score >= threshold, else 0; missing ones stay missing."""
    decided = np.where(data.missing, np.nan, (data.scores >= threshold).astype(float))
    return ReaderScores(decided, data.truth, data.methods, data.readers, data.cluster)
