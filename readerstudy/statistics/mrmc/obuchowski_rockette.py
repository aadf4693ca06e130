"""Obuchowski-Rockette analysis of reader-averaged AUCs: which method helps readers tell positives from negatives.

Model: AUC_ij = mu + method_i + R_j + (TR)_ij + e_ij, where the errors e_ij (cases are a sample) have variance `error`
and covariances Cov1 (same reader, other method), Cov2 (other reader, same method), Cov3 (both differ).

References: Obuchowski & Rockette 1995 (Commun. Stat. Simulation 24, 285); Hillis 2007 (Statistics in Medicine 26, 596);
Hillis 2014 (Statistics in Medicine 33, 330).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from readerstudy.statistics.mrmc.auc import auc_covariance, empirical_auc
from readerstudy.statistics.mrmc.data import FloatArray, MRMCError, ReaderScores, reader_scores

# Rounding leaves variances of exact ties (two methods scored alike) near 1e-19, of either sign; real ones exceed 1e-9.
SMALLEST_VARIANCE = 1e-15


@dataclass(frozen=True)
class Components:
    """Mean squares and variance components on the AUC scale (variances unconstrained: they may be negative).

    ms_tr, ms_r, var_r and var_tr are None with one reader; cov2 and cov3 are then 0 and multiply 0.
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


@dataclass(frozen=True)
class Estimate:
    """An AUC, or a difference of two, with standard error, degrees of freedom (inf = normal), p and interval.

    p tests a difference against 0 and an AUC against 1/2. Not clipped to [0, 1].
    """

    value: float
    se: float
    df: float
    p_value: float
    ci_low: float
    ci_high: float


@dataclass(frozen=True)
class Inference:
    """One inference mode: the test that all methods are equal, all pairwise differences, and each method's AUC.

    statistic is F on (df1, df2) degrees of freedom, or chi-square on df1 where df2 is inf. Keys of differences are
    (first, second) and values first - second.
    """

    statistic: float
    df1: int
    df2: float
    p_value: float
    differences: dict[tuple[str, str], Estimate]
    methods: dict[str, Estimate]


@dataclass(frozen=True)
class ObuchowskiRockette:
    """Result of obuchowski_rockette. A mode that needs two readers is None when there is one."""

    methods: tuple[str, ...]
    readers: tuple[str, ...]
    covariance: str
    alpha: float
    n_cases: tuple[int, int]  # positives, negatives
    auc: FloatArray  # (methods, readers)
    auc_covariance: FloatArray = field(repr=False)  # (methods, readers, methods, readers)
    components: Components
    random_readers: Inference | None
    fixed_readers: Inference
    fixed_cases: Inference | None
    per_reader: dict[str, dict[tuple[str, str], Estimate]]

    @property
    def auc_mean(self) -> FloatArray:
        """(methods,) AUC averaged over readers."""
        return self.auc.mean(axis=1)


def obuchowski_rockette(
    scores: ArrayLike | ReaderScores,
    truth: ArrayLike | None = None,
    *,
    covariance: str = "jackknife",
    alpha: float = 0.05,
    methods: Sequence[str] | None = None,
    readers: Sequence[str] | None = None,
    cluster: ArrayLike | None = None,
) -> ObuchowskiRockette:
    """Compare two or more methods by reader-averaged AUC in a fully crossed study.

    scores: (methods, readers, cases) or ReaderScores; truth: (cases,) of 0/1; covariance: see auc_covariance
    ("jackknife", "delong", "unbiased", or "clustered" with cluster, (cases,) patient ids); intervals are 1 - alpha.

    With t methods and r readers, c = max(Cov2 - Cov3, 0):
      random readers and cases  F = MS(T) / [MS(TR) + r c],   df2 = [MS(TR) + r c]^2 / (MS(TR)^2 / ((t-1)(r-1)))
      fixed readers             X2 = (t-1) MS(T) / [error - Cov1 + (r-1) c]  on t - 1
      fixed cases               F = MS(T) / MS(TR)  on t - 1, (t-1)(r-1)
    Differences have variance 2/r times the denominator (pooled over methods); a method's own AUC uses its own MS(R)
    and Cov2 (Hillis 2014, section 4). Raises MRMCError.
    """
    if isinstance(scores, ReaderScores):
        data = scores
    elif truth is None:
        raise MRMCError("Truth (0 or 1 for each case) is missing.")
    else:
        data = reader_scores(scores, truth, methods, readers, cluster)
    if len(data.methods) < 2:
        raise MRMCError(f"There is one method only ({data.methods[0]}): a comparison needs at least two.")
    cov = auc_covariance(data, covariance)
    auc = empirical_auc(data.scores, data.truth)
    parts = components(auc, cov)
    t, r = auc.shape
    shared = max(parts.cov2 - parts.cov3, 0.0)
    own = [_own_variances(auc[i], cov[i, :, i, :]) for i in range(t)]  # MS(R), error, Cov2 of each method
    within_cases = parts.error - parts.cov1 + (r - 1) * shared
    fixed_readers = _inference(
        data.methods, auc, parts.ms_t, within_cases, np.inf, [(e + (r - 1) * c2, np.inf) for _, e, c2 in own], alpha
    )
    random_readers = fixed_cases = None
    if parts.ms_tr is not None:
        total = parts.ms_tr + r * shared
        df2 = _satterthwaite(total, parts.ms_tr, (t - 1) * (r - 1))
        singles = [(ms_r + r * max(c2, 0.0), ms_r) for ms_r, _, c2 in own]
        random_readers = _inference(
            data.methods, auc, parts.ms_t, total, df2, [(v, _satterthwaite(v, ms, r - 1)) for v, ms in singles], alpha
        )
        fixed_cases = _inference(
            data.methods, auc, parts.ms_t, parts.ms_tr, (t - 1) * (r - 1), [(ms, r - 1) for ms, _, _ in own], alpha
        )
    per_reader = {reader: _one_reader(data.methods, auc[:, j], cov[:, j, :, j], alpha)
                  for j, reader in enumerate(data.readers)}  # fmt: skip
    n_cases = (int(data.truth.sum()), int((1 - data.truth).sum()))
    return ObuchowskiRockette(
        data.methods, data.readers, covariance, alpha, n_cases, auc, cov, parts,
        random_readers, fixed_readers, fixed_cases, per_reader,
    )  # fmt: skip


def components(auc: FloatArray, covariance: FloatArray) -> Components:
    """Mean squares and variance components from AUCs (t, r) and their covariances (t, r, t, r); Hillis 2014, table 1.

    Var(R) = [MS(R) - MS(TR)] / t - Cov1 + Cov3;  Var(TR) = MS(TR) - error + Cov1 + max(Cov2 - Cov3, 0).
    """
    t, r = auc.shape
    by_method, by_reader = auc.mean(axis=1), auc.mean(axis=0)
    ms_t = r * by_method.var(ddof=1)
    same_method = np.eye(t, dtype=bool)[:, None, :, None]
    same_reader = np.eye(r, dtype=bool)[None, :, None, :]

    def average(mask: np.ndarray) -> float:
        chosen = covariance[np.broadcast_to(mask, covariance.shape)]
        return float(chosen.mean()) if chosen.size else 0.0

    error, cov1 = average(same_method & same_reader), average(~same_method & same_reader)
    cov2, cov3 = average(same_method & ~same_reader), average(~same_method & ~same_reader)
    if r == 1:
        return Components(float(ms_t), None, None, None, None, error, cov1, cov2, cov3)
    ms_r = t * by_reader.var(ddof=1)
    residual = auc - by_method[:, None] - by_reader[None, :] + auc.mean()
    ms_tr = (residual**2).sum() / ((t - 1) * (r - 1))
    var_r = (ms_r - ms_tr) / t - cov1 + cov3
    var_tr = ms_tr - error + cov1 + max(cov2 - cov3, 0.0)
    return Components(float(ms_t), float(ms_r), float(ms_tr), float(var_r), float(var_tr), error, cov1, cov2, cov3)


def dorfman_berbaum_metz(parts: Components, n_cases: int) -> dict[str, float | None]:
    """The same components in the DBM (Roe-Metz) form, from those of OR; Hillis 2014, equations 11 to 14."""
    return {
        "R": parts.var_r,
        "TR": parts.var_tr,
        "C": n_cases * parts.cov3,
        "TC": n_cases * (parts.cov2 - parts.cov3),
        "RC": n_cases * (parts.cov1 - parts.cov3),
        "TRC": n_cases * (parts.error - parts.cov1 - parts.cov2 + parts.cov3),
    }


def estimate(value: float, variance: float, df: float, alpha: float, null: float = 0.0) -> Estimate:
    """t (or, with df inf, normal) test of value against null and its 1 - alpha interval; nan where variance <= 0."""
    se = float(np.sqrt(variance)) if variance > SMALLEST_VARIANCE else np.nan
    reach = float(stats.t.isf(alpha / 2, df)) * se
    p_value = float(2 * stats.t.sf(abs(value - null) / se, df))
    return Estimate(float(value), se, float(df), p_value, float(value - reach), float(value + reach))


def _own_variances(auc: FloatArray, covariance: FloatArray) -> tuple[float, float, float]:
    """MS(R), error variance and Cov2 of one method, from its AUCs (r,) and their covariances (r, r)."""
    r = auc.size
    error = float(np.trace(covariance)) / r
    if r == 1:
        return np.nan, error, 0.0
    return float(auc.var(ddof=1)), error, float((covariance.sum() - np.trace(covariance)) / (r * (r - 1)))


def _satterthwaite(total: float, sampled: float, df: int) -> float:
    """Degrees of freedom of total = sampled + known part, where sampled has df of them."""
    return df * (total / sampled) ** 2 if sampled > 0 else np.inf


def _inference(
    methods: tuple[str, ...],
    auc: FloatArray,
    ms_t: float,
    denominator: float,
    df2: float,
    singles: list[tuple[float, float]],
    alpha: float,
) -> Inference:
    """The overall test, every pair and every method; singles holds (r x variance, df) of each method."""
    t, r = auc.shape
    means = auc.mean(axis=1)
    ratio = ms_t / denominator if denominator > SMALLEST_VARIANCE else np.nan
    if np.isinf(df2):
        statistic, p_value = (t - 1) * ratio, float(stats.chi2.sf((t - 1) * ratio, t - 1))
    else:
        statistic, p_value = ratio, float(stats.f.sf(ratio, t - 1, df2))
    pairs = {
        (methods[a], methods[b]): estimate(means[a] - means[b], 2 / r * denominator, df2, alpha)
        for a, b in combinations(range(t), 2)
    }
    each = {
        name: estimate(mean, variance / r, df, alpha, null=0.5)
        for name, mean, (variance, df) in zip(methods, means, singles, strict=True)
    }
    return Inference(float(statistic), t - 1, float(df2), p_value, pairs, each)


def _one_reader(
    methods: tuple[str, ...], auc: FloatArray, covariance: FloatArray, alpha: float
) -> dict[tuple[str, str], Estimate]:
    """Differences of one reader's AUCs (t,), with that reader's error and Cov1 averaged over methods."""
    t = auc.size
    error = float(np.trace(covariance)) / t
    cov1 = float(covariance.sum() - np.trace(covariance)) / (t * (t - 1))
    return {
        (methods[a], methods[b]): estimate(auc[a] - auc[b], 2 * (error - cov1), np.inf, alpha)
        for a, b in combinations(range(t), 2)
    }
