"""Mean squares and variance components of the Obuchowski-Rockette model, from values and their covariances.

References: Hillis 2014 (Statistics in Medicine 33, 330); Obuchowski 1995 (Academic Radiology 2, 709) for
nested readers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from readerstudy.statistics.mrmc.data import FloatArray
from readerstudy.statistics.undefined import mean_of_given


@dataclass(frozen=True)
class Components:
    """Mean squares and variance components on the endpoint's scale (variances unconstrained: they may be negative).

    ms_r, ms_tr, var_r and var_tr are None with one reader; cov2 and cov3 are then 0 and multiply 0. Where readers are
    nested in methods, ms_tr is MS[R(T)] and var_r_in_t = Var(R) + Var(TR), which cannot be told apart; ms_r, var_r and
    var_tr are None and cov1 is 0.
    """

    ms_t: float
    ms_r: float | None
    ms_tr: float | None
    var_r: float | None
    var_tr: float | None
    error: float
    cov1: float
    cov2: float
    cov3: float
    var_r_in_t: float | None = None


def components(values: FloatArray, covariance: FloatArray) -> Components:
    """Mean squares and variance components from values (t, r) and their covariances (t, r, t, r); Hillis 2014, table 1.

    Var(R) = [MS(R) - MS(TR)] / t - Cov1 + Cov3;  Var(TR) = MS(TR) - error + Cov1 + max(Cov2 - Cov3, 0).
    """
    t, r = values.shape
    by_method, by_reader = values.mean(axis=1), values.mean(axis=0)
    ms_t = float(r * by_method.var(ddof=1))
    error, cov1, cov2, cov3 = _averages(covariance)
    if r == 1:
        return Components(ms_t, None, None, None, None, error, cov1, cov2, cov3)
    ms_r = float(t * by_reader.var(ddof=1))
    residual = values - by_method[:, None] - by_reader[None, :] + values.mean()
    ms_tr = float((residual**2).sum() / ((t - 1) * (r - 1)))
    var_r = (ms_r - ms_tr) / t - cov1 + cov3
    var_tr = ms_tr - error + cov1 + max(cov2 - cov3, 0.0)
    return Components(ms_t, ms_r, ms_tr, var_r, var_tr, error, cov1, cov2, cov3)


def nested_components(values: FloatArray, covariance: FloatArray) -> Components:
    """The same with readers nested in methods: values (t, n) are NaN where a reader did not use a method.

    Var(R) + Var(TR) = MS[R(T)] - error + Cov2.
    """
    n_i = (~np.isnan(values)).sum(axis=1)
    means = mean_of_given(values, axis=1)
    ms_t = float((n_i * (means - np.average(means, weights=n_i)) ** 2).sum() / (n_i.size - 1))
    error, cov1, cov2, cov3 = _averages(covariance)
    df = int(n_i.sum()) - n_i.size
    if df == 0:
        return Components(ms_t, None, None, None, None, error, cov1, cov2, cov3)
    ms = float(np.nansum((values - means[:, None]) ** 2) / df)
    return Components(ms_t, None, ms, None, None, error, cov1, cov2, cov3, ms - error + cov2)


def _averages(covariance: FloatArray) -> tuple[float, float, float, float]:
    """Error, Cov1 (same reader), Cov2 (same method) and Cov3 (neither), averaged; 0 where there is no such pair."""
    t, r = covariance.shape[:2]
    same_method = np.eye(t, dtype=bool)[:, None, :, None]
    same_reader = np.eye(r, dtype=bool)[None, :, None, :]

    def average(mask: NDArray[np.bool_]) -> float:
        chosen = covariance[mask & ~np.isnan(covariance)]
        return float(chosen.mean()) if chosen.size else 0.0

    masks = same_method & same_reader, ~same_method & same_reader, same_method & ~same_reader
    error, cov1, cov2 = (average(mask) for mask in masks)
    return error, cov1, cov2, average(~same_method & ~same_reader)
