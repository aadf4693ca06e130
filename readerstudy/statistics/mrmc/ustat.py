"""One-shot U-statistic analysis of reader-averaged AUC, random readers and cases, with or without gaps (as iMRMC).

The product of two methods' AUCs is a sum over two success indicators psi(r, i, j), psi(r', i', j'); it splits by what
the two share into eight moments: M1 (all), M2 (reader and positive), M3 (reader and negative), M4 (reader), M5 to M8
the same with different readers. Readers who read more pairs weigh more.

References: Gallas 2006 (Academic Radiology 13, 353); Gallas, Bandos, Samuelson & Wagner 2009 (Commun. Stat. Theory 38,
2586); Obuchowski, Gallas & Hillis 2012 (Academic Radiology 19, 1508) for the BDG degrees of freedom; Gaylor & Hopper
1969 (Technometrics 11, 691) for their minimum. Conventions (rounding of degrees of freedom) are those of iMRMC 4.0.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy import stats

from readerstudy.statistics.mrmc.auc import auc_covariance, empirical_auc
from readerstudy.statistics.mrmc.data import FloatArray, MRMCError, ReaderScores

# Rows: unbiased sums of M1..M8 (exactly this much shared) from sums in which the rest may be shared too.
_EXACT = np.array(
    [
        [1, 0, 0, 0, 0, 0, 0, 0],
        [-1, 1, 0, 0, 0, 0, 0, 0],
        [-1, 0, 1, 0, 0, 0, 0, 0],
        [1, -1, -1, 1, 0, 0, 0, 0],
        [-1, 0, 0, 0, 1, 0, 0, 0],
        [1, -1, 0, 0, -1, 1, 0, 0],
        [1, 0, -1, 0, -1, 0, 1, 0],
        [-1, 1, 1, -1, 1, -1, -1, 1],
    ],
    dtype=float,
)
# What a moment shares: indices (of M1..M8) that share the negative case, the positive case, the reader.
_SHARES = {"negative": [0, 2, 4, 6], "positive": [0, 1, 4, 5], "reader": [0, 1, 2, 3]}
# The moment that shares only that factor (M7, M6, M4), whose excess over M8 is that factor's variance component.
_ALONE = {"negative": 6, "positive": 5, "reader": 3}


@dataclass(frozen=True)
class Interval:
    """p and interval of one choice of degrees of freedom; t with floor(df) below 50, else normal, as iMRMC."""

    df: float
    p_value: float
    ci_low: float
    ci_high: float


@dataclass(frozen=True)
class UStatEstimate:
    """An AUC (tested against 1/2) or a difference (against 0) with variance and three intervals.

    hillis is None unless every reader read every case with every method. Intervals are not clipped to [0, 1].
    """

    value: float
    variance: float
    normal: Interval
    bdg: Interval
    hillis: Interval | None


@dataclass(frozen=True)
class UStat:
    """Result of ustat: auc and estimates by method, first - second by pair of methods."""

    variance: str
    alpha: float
    auc: dict[str, float]
    methods: dict[str, UStatEstimate]
    differences: dict[tuple[str, str], UStatEstimate]


def ustat(data: ReaderScores, *, variance: str = "unbiased", alpha: float = 0.05) -> UStat:
    """Compare methods by pooled AUC with readers and cases random; missing scores (NaN) are allowed.

    variance: "unbiased" (U-statistic, may be negative) or "mle" (biased upward, never negative). Raises MRMCError.
    """
    if variance not in ("unbiased", "mle"):
        raise MRMCError(f"There is no variance estimate {variance!r}: choose unbiased or mle.")
    if len(data.readers) < 2:
        raise MRMCError(f"There is one reader only ({data.readers[0]}): random-reader inference needs at least two.")
    shared, counts = _moment_sums(data)
    total, pairs = shared["auc"], counts["auc"]
    auc = total / pairs
    exact_counts = np.einsum("kl,lab->kab", _EXACT, counts["sums"])
    if exact_counts[7].min() < 0.5:  # M8 estimates the squared AUC: without it the "variance" would be that square
        a, b = (data.methods[index] for index in np.unravel_index(exact_counts[7].argmin(), exact_counts[7].shape))
        raise MRMCError(
            f"The scores with method {a} {'' if a == b else f'and method {b} '}hold no two readers, positive and "
            "negative cases that all differ: a variance needs at least two of each."
        )
    biased = _divide(shared["sums"], counts["sums"])
    moments = biased if variance == "mle" else _divide(np.einsum("kl,lab->kab", _EXACT, shared["sums"]), exact_counts)
    weights = exact_counts / np.outer(pairs, pairs)
    covariance = (weights * moments).sum(axis=0) - moments[7]
    hillis = None if data.missing.any() else _hillis(data)

    def analyse(value: float, null: float, contrast: FloatArray, hillis_df: float | None) -> UStatEstimate:
        var = float(contrast @ covariance @ contrast)
        df = _bdg_df(var, biased, weights, contrast)
        return UStatEstimate(
            float(value),
            var,
            _interval(value, null, var, np.inf, alpha),
            _interval(value, null, var, df, alpha),
            None if hillis_df is None else _interval(value, null, var, hillis_df, alpha),
        )

    eye = np.eye(len(data.methods))
    methods = {
        name: analyse(auc[a], 0.5, eye[a], None if hillis is None else hillis[a, a])
        for a, name in enumerate(data.methods)
    }
    differences = {
        (data.methods[a], data.methods[b]): analyse(
            auc[a] - auc[b], 0.0, eye[a] - eye[b], None if hillis is None else hillis[a, b]
        )
        for a, b in combinations(range(len(data.methods)), 2)
    }
    return UStat(variance, alpha, dict(zip(data.methods, auc.tolist(), strict=True)), methods, differences)


def _moment_sums(data: ReaderScores) -> tuple[dict[str, FloatArray], dict[str, FloatArray]]:
    """Sums of products of successes, and of numbers of pairs read, for each pair of methods.

    Each is {"auc": (methods,), "sums": (8, methods, methods)}; the loop is over readers, never over cases.
    """
    t = len(data.methods)
    positive = data.truth == 1
    n1, n0 = int(positive.sum()), int((~positive).sum())
    same = [np.zeros((4, t, t)), np.zeros((4, t, t))]
    over_readers = [np.zeros((t, n1, n0)), np.zeros((t, n1, n0))]
    for reader in range(len(data.readers)):
        own = data.scores[:, reader]
        x, y = own[:, positive][:, :, None], own[:, ~positive][:, None, :]
        success = (x > y) + 0.5 * (x == y)  # NaN compares false: missing pairs count nothing
        read = (~np.isnan(x)).astype(float) * ~np.isnan(y)
        for k, block in enumerate((success, read)):
            same[k] += _products(block)
            over_readers[k] += block
    success_sums, read_sums = (
        {"auc": block.sum(axis=(1, 2)), "sums": np.concatenate([within, _products(block)])}
        for within, block in zip(same, over_readers, strict=True)
    )
    return success_sums, read_sums


def _products(block: FloatArray) -> FloatArray:
    """(4, t, t) products of blocks (t, n1, n0): same pair, same positive, same negative, any."""
    pairs = block.reshape(len(block), -1)
    by_positive, by_negative = block @ np.ones(block.shape[2]), np.ones(block.shape[1]) @ block
    total = by_positive.sum(axis=1)
    return np.array([pairs @ pairs.T, by_positive @ by_positive.T, by_negative @ by_negative.T, np.outer(total, total)])


def _divide(sums: FloatArray, counts: FloatArray) -> FloatArray:
    return np.divide(sums, counts, out=np.zeros_like(sums), where=counts > 0.5)


def _bdg_df(variance: float, biased: FloatArray, weights: FloatArray, contrast: FloatArray) -> float:
    """Satterthwaite degrees of freedom from the mean squares of readers, positives and negatives, at least 2.

    A factor paired across methods enters once with the mean square of the contrast, else once per method.
    """
    used = np.flatnonzero(contrast)
    denominator, smallest = 0.0, np.inf
    for factor, shares in _SHARES.items():
        part = biased[_ALONE[factor]] - biased[7]
        linked = weights[shares].sum(axis=0)
        df = np.rint(1 / np.diag(linked)[used] - 1)
        smallest = min(smallest, df.min())
        with np.errstate(divide="ignore", invalid="ignore"):  # a single reader or case has no degrees of freedom
            if len(used) == 1 or linked[used[0], used[1]] > 0:
                denominator += (contrast @ part @ contrast / df.min()) ** 2 / df.min()
            else:
                denominator += float(((np.diag(part)[used] / df) ** 2 / df).sum())
    ratio = variance**2 / denominator if denominator > 0 else smallest
    return float(max(ratio, smallest, 2.0))


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
    reach = stats.t.isf(alpha / 2, used) * se
    p_value = 2 * stats.t.sf(abs(value - null) / se, used)
    return Interval(float(df), float(p_value), float(value - reach), float(value + reach))
