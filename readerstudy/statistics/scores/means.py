"""Tests of mean scores that need no model of the scores: only means of readers and how these vary between patients.

The estimate is the mean over readers of each reader's mean difference B - A, so every reader counts alike however many
pairs are missing. Two sources of chance are told apart as Obuchowski and Rockette do for areas under the curve:

  MS    variance between the readers' means (readers, and noise of single reads), R - 1 degrees of freedom
  c     R times the mean covariance of two readers' means, by a jackknife over patients: what patients do to all readers

  readers and patients random   R Var = MS + max(c, 0),  df = (MS + c)^2 / (MS^2 / (R - 1) + c^2 / (P - 1))
  these readers only            the same estimate; Var from a jackknife of whole patients, df = P - 1
  these cases only              R Var = MS, df = R - 1

Obuchowski and Rockette take c as known: df2 = (MS + c)^2 / (MS^2 / (R - 1)). With few patients and many readers c is
most of the variance and is itself an estimate; counting its P - 1 degrees of freedom (Satterthwaite) keeps the type I
error where it should be (bench/type_one_error.py, docs/inference.md).

References: Obuchowski & Rockette 1995 (Commun. Stat. Simulation 24, 285); Hillis 2007 (Statistics in Medicine 26, 596);
Satterthwaite 1946 (Biometrics Bulletin 2, 110); Efron & Stein 1981 (Annals of Statistics 9, 586; jackknife).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from readerstudy.statistics.plan import AnalysisError
from readerstudy.statistics.scores.data import Codes, Differences, Floats, Scores
from readerstudy.statistics.scores.results import (
    FEWEST_READERS,
    READERS_AND_PATIENTS,
    THESE_CASES,
    THESE_READERS,
    Components,
    MeanDifference,
    Omnibus,
    Size,
    t_interval,
    t_upper,
)
from readerstudy.statistics.undefined import mean_of_given

SMALLEST_VARIANCE = 1e-15  # rounding leaves variances of exact ties near 1e-19
FEW_PATIENTS = 20


@dataclass(frozen=True)
class ReaderMeans:
    """Means of readers and what leaving out one patient does to them.

    means:  (readers, contrasts)
    pulls:  (readers, patients, contrasts), scaled so that the sum over patients of products is the jackknife covariance
    """

    means: Floats
    pulls: Floats

    @property
    def between_readers(self) -> float:
        """Mean square of the readers' means, averaged over contrasts; nan with one reader."""
        if len(self.means) < 2:
            return np.nan
        deviations = self.means - self.means.mean(axis=0)
        return float((deviations**2).sum() / (len(self.means) - 1) / self.means.shape[1])

    @property
    def own(self) -> float:
        """Jackknife variance of one reader's mean, averaged over readers and contrasts."""
        return float((self.pulls**2).sum() / len(self.means) / self.means.shape[1])

    @property
    def shared(self) -> float:
        """Jackknife covariance of two readers' means, averaged over pairs of readers and contrasts; 0 with one."""
        readers, _, contrasts = self.pulls.shape
        if readers < 2:
            return 0.0
        total = float((self.pulls.sum(axis=0) ** 2).sum()) / contrasts
        return float((total - readers * self.own) / (readers * (readers - 1)))


def reader_means(values: Floats, patients: Codes, readers: tuple[str, ...]) -> ReaderMeans:
    """From (readers, cases, contrasts), NaN = missing. Raises AnalysisError for a reader of fewer than two patients."""
    present = np.isfinite(values[:, :, 0])
    if present.all():
        counts, sums = present.astype(float), values
    else:
        counts, sums = present.astype(float), np.where(present[:, :, None], values, 0.0)
    n_patients = int(patients.max()) + 1
    if n_patients < values.shape[1]:
        member = (patients[:, None] == np.arange(n_patients)).astype(float)
        counts, sums = counts @ member, np.einsum("rcm,cp->rpm", sums, member)
    seen = (counts > 0).sum(axis=1)
    if (seen < 2).any():
        reader = readers[int(np.argmax(seen < 2))]
        raise AnalysisError(f"{reader} scored fewer than two patients with both methods: leave this reader out.")
    n = counts.sum(axis=1)
    means = sums.sum(axis=1) / n[:, None]
    pulls = (sums - counts[:, :, None] * means[:, None]) / (n[:, None] - counts)[:, :, None]
    return ReaderMeans(means, pulls * np.sqrt((seen - 1) / seen)[:, None, None])


def readers_and_patients(d: Differences, *, alpha: float = 0.05, patients_in_df: bool = True) -> MeanDifference:
    """Readers and patients both random (Obuchowski-Rockette on mean scores): the test that speaks for others.

    patients_in_df=False takes the patients' part as known, as Obuchowski and Rockette do. Below FEWEST_READERS a
    warning says that the type I error exceeds alpha. Raises AnalysisError for one reader.
    """
    _need_readers(d)
    found = reader_means(d.values[:, :, None], d.patients, d.readers)
    ms, c = found.between_readers, d.n_readers * max(found.shared, 0.0)
    spread = ms**2 / (d.n_readers - 1) + (c**2 / (d.n_patients - 1) if patients_in_df else 0.0)
    df = (ms + c) ** 2 / spread if spread > 0 else np.inf
    warnings = _warnings(d)
    if d.n_readers < FEWEST_READERS:
        warnings += (f"{d.n_readers} readers: below {FEWEST_READERS}, tests with readers random reject too often.",)
    within = found.own - found.shared  # variance of a reader's mean that patients do not share among readers
    parts = Components(ms - within, None, None, None)
    return _result(
        "readers_and_patients", d, found, (ms + c) / d.n_readers, df, alpha, READERS_AND_PATIENTS, parts, warnings
    )


def fixed_readers(d: Differences, *, alpha: float = 0.05) -> MeanDifference:
    """For these readers only: patients random (a jackknife of whole patients), t on patients - 1."""
    found = reader_means(d.values[:, :, None], d.patients, d.readers)
    variance = float((found.pulls[:, :, 0].mean(axis=0) ** 2).sum())
    parts = Components(None, None, None, None)
    return _result("fixed_readers", d, found, variance, d.n_patients - 1.0, alpha, THESE_READERS, parts, _warnings(d))


def fixed_cases(d: Differences, *, alpha: float = 0.05) -> MeanDifference:
    """For these cases only: t over the readers' means. Raises AnalysisError for one reader."""
    _need_readers(d)
    found = reader_means(d.values[:, :, None], d.patients, d.readers)
    ms = found.between_readers
    parts = Components(None, None, None, None)
    df = d.n_readers - 1.0
    return _result("fixed_cases", d, found, ms / d.n_readers, df, alpha, THESE_CASES, parts, _warnings(d))


def omnibus(data: Scores, *, readers_random: bool = True) -> Omnibus:
    """Are the mean scores of two or more methods equal? Uses the cases a reader scored with every method.

    Readers and patients random: F = MS(T) / [MS(TR) + r max(Cov2 - Cov3, 0)] on t - 1 and the same degrees of freedom
    as for two methods, MS(TR) having (t - 1)(r - 1) and the patients' part (t - 1)(P - 1). It supposes that all pairs
    of methods vary alike; the pairs themselves (`pairs`) do not. For these readers: Hotelling's T^2 over patients.
    """
    t = len(data.methods)
    if t < 2:
        raise AnalysisError("There is one method only: a comparison needs at least two.")
    given = np.isfinite(data.scores)
    whole, some = np.asarray(given.all(axis=0)), np.asarray(given.any(axis=0))
    rows, columns = np.asarray(whole.any(axis=1)), np.asarray(whole.any(axis=0))
    if not whole.any() or (readers_random and rows.sum() < 2):
        raise AnalysisError("Fewer than two readers scored a case with every method: there is no test of all at once.")
    scores = np.where(whole, data.scores, np.nan)[:, rows][:, :, columns]
    contrasts = np.einsum("kt,trc->rck", _contrasts(t), scores)
    patients = np.unique(data.patients[columns], return_inverse=True)[1].astype(np.int64)
    names = tuple(name for name, kept in zip(data.readers, rows, strict=True) if kept)
    found = reader_means(contrasts, patients, names)
    r, n_patients = len(names), int(patients.max()) + 1
    mean = found.means.mean(axis=0)
    test = _random_f(found, mean, n_patients) if readers_random else _hotelling(found, mean, n_patients)
    statistic, df2, p_value = test
    return Omnibus(
        "readers_and_patients" if readers_random else "fixed_readers", data.methods,
        tuple(float(x) for x in mean_of_given(scores, axis=2).mean(axis=1)), statistic, t - 1, df2, p_value,
        READERS_AND_PATIENTS if readers_random else THESE_READERS,
        int(whole.sum()), int((some & ~whole).sum()), r, n_patients,
    )  # fmt: skip


def _random_f(found: ReaderMeans, mean: Floats, n_patients: int) -> tuple[float | None, float, float | None]:
    r, m = found.means.shape
    ms, c = found.between_readers, r * max(found.shared, 0.0)
    spread = (ms**2 / (r - 1) + c**2 / (n_patients - 1)) / m
    df2 = (ms + c) ** 2 / spread if spread > 0 else np.inf
    if ms + c <= SMALLEST_VARIANCE:
        return None, df2, None
    statistic = r * float((mean**2).sum()) / m / (ms + c)
    return statistic, df2, float(special.fdtrc(m, df2, statistic))


def _hotelling(found: ReaderMeans, mean: Floats, n_patients: int) -> tuple[float | None, float, float | None]:
    m = len(mean)
    pulls = found.pulls.mean(axis=0)  # (patients, contrasts)
    covariance = pulls.T @ pulls
    df2 = float(n_patients - m)
    if df2 < 1 or np.linalg.matrix_rank(covariance) < m:
        return None, df2, None
    square = float(mean @ np.linalg.solve(covariance, mean))
    statistic = square * df2 / ((n_patients - 1) * m)
    return statistic, df2, float(special.fdtrc(m, df2, statistic))


def _contrasts(t: int) -> Floats:
    """(t - 1, t): orthonormal rows that sum to 0 (Helmert)."""
    rows = np.zeros((t - 1, t))
    for k in range(1, t):
        rows[k - 1, :k], rows[k - 1, k] = -1.0, k
        rows[k - 1] /= np.sqrt(k * (k + 1))
    return rows


def _need_readers(d: Differences) -> None:
    if d.n_readers < 2:
        raise AnalysisError("One reader's scores cannot tell how the methods' difference varies between readers.")


def _warnings(d: Differences) -> tuple[str, ...]:
    found: tuple[str, ...] = ()
    if d.n_patients < FEW_PATIENTS:
        found += (f"{d.n_patients} patients: too few to lean on the test or the interval.",)
    if not d.complete:
        gaps = d.values.size - d.n_pairs
        found += (f"{gaps} of {d.values.size} pairs are missing; each reader's mean is over the pairs there are.",)
    return found


def _result(
    test: str,
    d: Differences,
    found: ReaderMeans,
    variance: float,
    df: float,
    alpha: float,
    speaks_for: str,
    parts: Components,
    warnings: tuple[str, ...],
) -> MeanDifference:
    estimate = float(found.means.mean())
    size = Size(d.n_readers, d.n_cases, d.n_patients, d.n_pairs, d.n_unpaired)
    if variance <= SMALLEST_VARIANCE:
        warnings += ("The differences do not vary: there is nothing to test.",)
        statistic = p_value = None
        se = 0.0
    else:
        se = float(np.sqrt(variance))
        statistic = estimate / se
        p_value = 2 * t_upper(abs(statistic), df)
    return MeanDifference(
        test, d.method_a, d.method_b, estimate, se, float(df), statistic, p_value,
        t_interval(estimate, se, df, alpha) if se else (estimate, estimate), alpha, speaks_for, parts, size, warnings,
    )  # fmt: skip
