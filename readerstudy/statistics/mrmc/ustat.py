"""One-shot U-statistic analysis of reader-averaged AUC or shares, random readers and cases, gaps or not (as iMRMC).

It splits the variance of a pooled value into moments (see moments.py). Readers who read more pairs of cases weigh more.

References: Gallas 2006 (Academic Radiology 13, 353); Gallas, Bandos, Samuelson & Wagner 2009 (Commun. Stat. Theory 38,
2586). Conventions (t with floored degrees of freedom below 50) are those of iMRMC 4.0.3.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
from scipy import special

from readerstudy.statistics.mrmc.auc import auc_covariance, empirical_auc
from readerstudy.statistics.mrmc.data import FloatArray, MRMCError, ReaderScores
from readerstudy.statistics.mrmc.endpoints import CHANCE
from readerstudy.statistics.mrmc.estimates import Estimate
from readerstudy.statistics.mrmc.moments import Moments, moments


@dataclass(frozen=True)
class Interval:
    """p and interval of one choice of degrees of freedom; t with floor(df) below 50, else normal, as iMRMC."""

    df: float
    p_value: float
    ci_low: float
    ci_high: float


@dataclass(frozen=True)
class UStatEstimate:
    """A value (an AUC or accuracy is tested against 1/2) or a difference (against 0), variance and three intervals.

    hillis is None unless every reader read every case with every method. Intervals are not clipped to [0, 1].
    """

    value: float
    variance: float
    normal: Interval
    bdg: Interval
    hillis: Interval | None

    @property
    def estimate(self) -> Estimate:
        """With BDG degrees of freedom, as an Obuchowski-Rockette estimate."""
        se = float(np.sqrt(self.variance)) if self.variance > 0 else np.nan
        return Estimate(self.value, se, self.bdg.df, self.bdg.p_value, self.bdg.ci_low, self.bdg.ci_high)


@dataclass(frozen=True)
class UStat:
    """Result of ustat: values and estimates by method, first - second by pair of methods, and the moments."""

    variance: str
    alpha: float
    values: dict[str, float]
    methods: dict[str, UStatEstimate]
    differences: dict[tuple[str, str], UStatEstimate]
    moments: Moments = field(repr=False)
    endpoint: str = "auc"


def ustat(data: ReaderScores, *, endpoint: str = "auc", variance: str = "unbiased", alpha: float = 0.05) -> UStat:
    """Compare methods by a pooled endpoint with readers and cases random; any layout of reads is allowed.

    endpoint: "auc", or of decisions "sensitivity", "specificity" or "accuracy", the share of right decisions among all
    that were made. variance: "unbiased" (U-statistic, may be negative) or "mle" (biased upward, never negative).
    Raises MRMCError.
    """
    if variance not in ("unbiased", "mle"):
        raise MRMCError(f"There is no variance estimate {variance!r}: choose unbiased or mle.")
    if len(data.readers) < 2:
        raise MRMCError(f"There is one reader only ({data.readers[0]}): random-reader inference needs at least two.")
    found = moments(data, endpoint)
    covariance = found.covariance(variance)
    crossed = endpoint == "auc" and not data.missing.any()
    hillis = _hillis(data) if crossed else None

    def analyse(value: float, null: float, contrast: FloatArray, hillis_df: float | None) -> UStatEstimate:
        var = float(contrast @ covariance @ contrast)
        df = found.bdg_df(var, contrast)
        return UStatEstimate(
            float(value),
            var,
            _interval(value, null, var, np.inf, alpha),
            _interval(value, null, var, df, alpha),
            None if hillis_df is None else _interval(value, null, var, hillis_df, alpha),
        )

    eye, value = np.eye(len(data.methods)), found.values
    methods = {
        name: analyse(value[a], CHANCE[endpoint], eye[a], None if hillis is None else hillis[a, a])
        for a, name in enumerate(data.methods)
    }
    differences = {
        (data.methods[a], data.methods[b]): analyse(
            value[a] - value[b], 0.0, eye[a] - eye[b], None if hillis is None else hillis[a, b]
        )
        for a, b in combinations(range(len(data.methods)), 2)
    }
    by_method = dict(zip(data.methods, value.tolist(), strict=True))
    return UStat(variance, alpha, by_method, methods, differences, found, endpoint)


def _hillis(data: ReaderScores) -> FloatArray:
    """Hillis degrees of freedom (t, t), of methods and of pairs, with unbiased covariances; at least 2."""
    auc = empirical_auc(data.scores, data.truth)
    cov = auc_covariance(data, "unbiased")
    t, r = auc.shape
    df = np.empty((t, t))
    for a in range(t):
        for b in range(t):
            if a == b:
                cov2 = (cov[a, :, a, :].sum() - np.trace(cov[a, :, a, :])) / (r * (r - 1))
                sampled, known = auc[a].var(ddof=1), max(cov2, 0.0)
            else:
                # Of the difference of two methods: MS(TR) = var(d)/2, Cov2 - Cov3 = half its between-reader covariance.
                of_difference = cov[a, :, a, :] + cov[b, :, b, :] - cov[a, :, b, :] - cov[b, :, a, :]
                between = (of_difference.sum() - np.trace(of_difference)) / (r * (r - 1))
                sampled, known = (auc[a] - auc[b]).var(ddof=1) / 2, max(between / 2, 0.0)
            df[a, b] = (r - 1) * ((sampled + r * known) / sampled) ** 2 if sampled > 0 else 50.0
    return np.maximum(df, 2.0)


def _interval(value: float, null: float, variance: float, df: float, alpha: float) -> Interval:
    if variance <= 0:
        return Interval(float(df), np.nan, np.nan, np.nan)
    used = np.floor(df) if df < 50 else np.inf
    se = np.sqrt(variance)
    reach = -special.stdtrit(used, alpha / 2) * se
    p_value = 2 * special.stdtr(used, -abs(value - null) / se)
    return Interval(float(df), float(p_value), float(value - reach), float(value + reach))
