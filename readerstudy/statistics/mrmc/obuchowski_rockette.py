"""Obuchowski-Rockette analysis of reader averages (AUC, or a share of right decisions): which method helps readers.

Model: AUC_ij = mu + method_i + R_j + (TR)_ij + e_ij, where the errors e_ij (cases are a sample) have variance `error`
and covariances Cov1 (same reader, other method), Cov2 (other reader, same method), Cov3 (both differ).

References: Obuchowski & Rockette 1995 (Commun. Stat. Simulation 24, 285); Hillis 2007 (Statistics in Medicine 26, 596);
Hillis 2014 (Statistics in Medicine 33, 330).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from readerstudy.statistics.mrmc.components import Components, components, nested_components
from readerstudy.statistics.mrmc.data import FloatArray, MRMCError, ReaderScores, reader_scores
from readerstudy.statistics.mrmc.endpoints import CHANCE
from readerstudy.statistics.mrmc.endpoints import covariance as endpoint_covariance
from readerstudy.statistics.mrmc.endpoints import values as endpoint_values
from readerstudy.statistics.mrmc.estimates import SMALLEST_VARIANCE, Estimate, estimate
from readerstudy.statistics.undefined import mean_of_given


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
    """Result of obuchowski_rockette. A mode that needs two readers is None when there is one.

    design: "crossed" (every reader used every method) or "nested" (every reader used one). left_out: readers who used
    some methods only, in a study that is otherwise crossed; they are in no other field.
    at_var_tr_zero: the random-reader analysis with the variance between readers that is estimated below zero set to
    zero; None where it is not below zero.
    """

    methods: tuple[str, ...]
    readers: tuple[str, ...]
    covariance: str
    alpha: float
    n_cases: tuple[int, int]  # positives, negatives
    values: FloatArray  # (methods, readers), NaN where a reader did not use a method
    value_covariance: FloatArray = field(repr=False)  # (methods, readers, methods, readers)
    components: Components
    random_readers: Inference | None
    fixed_readers: Inference
    fixed_cases: Inference | None
    at_var_tr_zero: Inference | None
    per_reader: dict[str, dict[tuple[str, str], Estimate]]
    endpoint: str = "auc"
    design: str = "crossed"
    left_out: tuple[str, ...] = ()

    @property
    def means(self) -> FloatArray:
        """(methods,) averaged over readers, each reader counting the same."""
        return mean_of_given(self.values, axis=1)

    @property
    def fewest_readers(self) -> int:
        """How many readers the method with fewest of them has."""
        return int((~np.isnan(self.values)).sum(axis=1).min())


def obuchowski_rockette(
    scores: ArrayLike | ReaderScores,
    truth: ArrayLike | None = None,
    *,
    endpoint: str = "auc",
    covariance: str = "jackknife",
    alpha: float = 0.05,
    methods: Sequence[str] | None = None,
    readers: Sequence[str] | None = None,
    cluster: ArrayLike | None = None,
) -> ObuchowskiRockette:
    """Compare two or more methods by the reader average of an endpoint (see endpoints.ENDPOINTS).

    scores: (methods, readers, cases) or ReaderScores; truth: (cases,) of 0/1; covariance: see auc_covariance
    (patients' kinds with cluster, (cases,) patient ids); intervals are 1 - alpha. Cases may be crossed, missing, or
    nested in readers, methods or blocks of readers: Cov1 to Cov3 are averages over all pairs of values, those without
    a common case included, which are 0 (so Cov2 = Cov3 = 0 with cases nested in readers, Cov1 = Cov3 = 0 in methods).

    With t methods and r readers who used all of them, c = max(Cov2 - Cov3, 0):
      random readers and cases  F = MS(T) / [MS(TR) + r c],   df2 = [MS(TR) + r c]^2 / (MS(TR)^2 / ((t-1)(r-1)))
      fixed readers             X2 = (t-1) MS(T) / [error - Cov1 + (r-1)(Cov2 - Cov3)]  on t - 1
      fixed cases               F = MS(T) / MS(TR)  on t - 1, (t-1)(r-1)
    Differences have variance 2/r times the denominator (pooled over methods); a method's own mean uses its own MS(R)
    and Cov2 (Hillis 2014, section 4).

    With n_i readers of their own in each method i, n in all, m = (n - sum n_i^2 / n) / (t - 1):
      random readers and cases  F = MS(T) / [MS(R:T) + m c],  df2 = [..]^2 / (MS(R:T)^2 / (n - t))
      fixed readers             X2 = (t-1) MS(T) / [error - Cov2 + m c]
      fixed cases               F = MS(T) / MS(R:T)  on t - 1, n - t
    and differences have variance (1/n_i + 1/n_j) times the denominator. Raises MRMCError.
    """
    data = _given(scores, truth, methods, readers, cluster)
    if len(data.methods) < 2:
        raise MRMCError(f"There is one method only ({data.methods[0]}): a comparison needs at least two.")
    data, left_out = _analysable(data)
    found, cov = endpoint_values(data, endpoint), endpoint_covariance(data, endpoint, covariance)
    nested = data.readers_design == "nested"
    parts = nested_components(found, cov) if nested else components(found, cov)
    form = _nested_form(found, parts) if nested else _crossed_form(found, parts)
    singles = _Singles.of(found, cov)
    make = partial(_inference, data.methods, found, parts.ms_t, CHANCE[endpoint], alpha)
    fixed_readers = make(form.within_cases, np.inf, singles.fixed_readers())
    random_readers = fixed_cases = at_zero = None
    if form.between_readers is not None:
        total, df = form.between_readers + form.shared, form.df
        random_readers = make(total, _satterthwaite(total, form.between_readers, df), singles.random_readers())
        fixed_cases = make(form.between_readers, df, singles.fixed_cases())
        below = parts.var_r_in_t if nested else parts.var_tr
        if below is not None and below < 0:
            at_zero = make(form.at_zero, np.inf, singles.fixed_readers())
    return ObuchowskiRockette(
        data.methods, data.readers, covariance, alpha, (int(data.truth.sum()), int((1 - data.truth).sum())), found, cov,
        parts, random_readers, fixed_readers, fixed_cases, at_zero, _per_reader(data, found, cov, alpha),
        endpoint, "nested" if nested else "crossed", left_out,
    )  # fmt: skip


def _given(
    scores: ArrayLike | ReaderScores,
    truth: ArrayLike | None,
    methods: Sequence[str] | None,
    readers: Sequence[str] | None,
    cluster: ArrayLike | None,
) -> ReaderScores:
    if isinstance(scores, ReaderScores):
        return scores
    if truth is None:
        raise MRMCError("Truth (0 or 1 for each case) is missing.")
    return reader_scores(scores, truth, methods, readers, cluster)


def _analysable(data: ReaderScores) -> tuple[ReaderScores, tuple[str, ...]]:
    """The readers whom a form of the analysis fits, and the names of the others. Raises MRMCError."""
    if data.readers_design != "mixed":
        return data, ()
    used_all = np.all(data.used, axis=0)
    if not used_all.any():
        raise MRMCError(
            "Readers used some of the methods each, and none used all: Obuchowski-Rockette has no form for that. The "
            "U-statistic (ustat) has."
        )
    return data.with_readers(used_all), data.with_readers(~used_all).readers


@dataclass(frozen=True)
class _Form:
    """Denominators of the three modes; shared is what readers have in common by reading the same cases."""

    between_readers: float | None  # MS(TR) or MS(R:T)
    shared: float
    within_cases: float
    at_zero: float  # of random readers, with the variance between readers set to zero
    df: int


def _crossed_form(found: FloatArray, parts: Components) -> _Form:
    t, r = found.shape
    within = parts.error - parts.cov1
    excess = parts.cov2 - parts.cov3
    c = max(excess, 0.0)
    return _Form(parts.ms_tr, r * c, within + (r - 1) * excess, within + (r - 1) * c, (t - 1) * (r - 1))


def _nested_form(found: FloatArray, parts: Components) -> _Form:
    n_i = (~np.isnan(found)).sum(axis=1)
    n, t = int(n_i.sum()), n_i.size
    shared = (n - (n_i**2).sum() / n) / (t - 1) * max(parts.cov2 - parts.cov3, 0.0)
    within = parts.error - parts.cov2 + shared
    return _Form(parts.ms_tr, shared, within, within, n - t)


@dataclass(frozen=True)
class _Singles:
    """Of each method alone: readers, MS(R), error variance and Cov2; each mode gives (variance of the mean, df)."""

    readers: NDArray[np.int64]
    ms_r: FloatArray
    error: FloatArray
    cov2: FloatArray

    @classmethod
    def of(cls, values: FloatArray, covariance: FloatArray) -> _Singles:
        used = ~np.isnan(values)
        readers = used.sum(axis=1)
        ms_r, error, cov2 = np.full((3, len(values)), np.nan)
        for i, (own, n) in enumerate(zip(used, readers, strict=True)):
            cov = covariance[i, own][:, i, own]
            error[i] = np.trace(cov) / n
            cov2[i] = 0.0 if n == 1 else max((cov.sum() - np.trace(cov)) / (n * (n - 1)), 0.0)
            ms_r[i] = np.nan if n == 1 else values[i, own].var(ddof=1)
        return cls(readers, ms_r, error, cov2)

    def fixed_readers(self) -> list[tuple[float, float]]:
        variances = (self.error + (self.readers - 1) * self.cov2) / self.readers
        return [(float(variance), np.inf) for variance in variances]

    def random_readers(self) -> list[tuple[float, float]]:
        totals = self.ms_r + self.readers * self.cov2
        return [
            (float(total / n), _satterthwaite(float(total), float(ms), n - 1))
            for total, ms, n in zip(totals, self.ms_r, self.readers.tolist(), strict=True)
        ]

    def fixed_cases(self) -> list[tuple[float, float]]:
        return [(float(ms / n), n - 1.0) for ms, n in zip(self.ms_r, self.readers.tolist(), strict=True)]


def _satterthwaite(total: float, sampled: float, df: int) -> float:
    """Degrees of freedom of total = sampled + known part, where sampled has df of them."""
    return df * (total / sampled) ** 2 if sampled > 0 else np.inf


def _inference(
    methods: tuple[str, ...],
    values: FloatArray,
    ms_t: float,
    null: float,
    alpha: float,
    denominator: float,
    df2: float,
    singles: list[tuple[float, float]],
) -> Inference:
    """The overall test, every pair and every method; singles holds (variance, df) of each method."""
    t = len(methods)
    means, n_i = mean_of_given(values, axis=1), (~np.isnan(values)).sum(axis=1)
    ratio = ms_t / denominator if denominator > SMALLEST_VARIANCE else np.nan
    if np.isinf(df2):
        statistic, p_value = (t - 1) * ratio, float(stats.chi2.sf((t - 1) * ratio, t - 1))
    else:
        statistic, p_value = ratio, float(stats.f.sf(ratio, t - 1, df2))
    pairs = {
        (methods[a], methods[b]): estimate(means[a] - means[b], (1 / n_i[a] + 1 / n_i[b]) * denominator, df2, alpha)
        for a, b in combinations(range(t), 2)
    }
    each = {
        name: estimate(mean, variance, df, alpha, null)
        for name, mean, (variance, df) in zip(methods, means, singles, strict=True)
    }
    return Inference(float(statistic), t - 1, float(df2), p_value, pairs, each)


def _per_reader(
    data: ReaderScores, values: FloatArray, covariance: FloatArray, alpha: float
) -> dict[str, dict[tuple[str, str], Estimate]]:
    """Differences of each reader who used two methods or more."""
    found = {}
    for j, reader in enumerate(data.readers):
        used = np.flatnonzero(data.used[:, j])
        if used.size > 1:
            names = tuple(data.methods[i] for i in used)
            found[reader] = _one_reader(names, values[used, j], covariance[used, j][:, used, j], alpha)
    return found


def _one_reader(
    methods: tuple[str, ...], values: FloatArray, covariance: FloatArray, alpha: float
) -> dict[tuple[str, str], Estimate]:
    """Differences of one reader's values (t,), with that reader's error and Cov1 averaged over methods."""
    t = values.size
    error = float(np.trace(covariance)) / t
    cov1 = float(covariance.sum() - np.trace(covariance)) / (t * (t - 1))
    return {
        (methods[a], methods[b]): estimate(values[a] - values[b], 2 * (error - cov1), np.inf, alpha)
        for a, b in combinations(range(t), 2)
    }
