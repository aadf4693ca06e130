"""Agreement between readers: quadratic-weighted kappa, ICC(2,1), ordinal Krippendorff alpha, with bootstrap intervals.

Each statistic is a function of sums over units (an example seen with one method), so that a bootstrap sample is one row
of a matrix of sums. Ratings are (units, readers), NaN where a reader did not answer; kappa and ICC use the units that
all compared readers answered, alpha uses every unit with two answers or more.

Sources: Cohen, Psychol Bull 1968 (weighted kappa); Shrout and Fleiss, Psychol Bull 1979 (ICC, case 2);
Krippendorff, Content Analysis, 2004, ch. 11 (alpha, ordinal metric).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from readerstudy.statistics.bootstrap import FEWEST_CLUSTERS, Floats, Statistic, bootstrap, interval, why_no_interval
from readerstudy.statistics.frame import cluster_codes, natural_sort, of_truth
from readerstudy.statistics.plan import TRUTHS, AnalysisPlan
from readerstudy.statistics.rows import AgreementRow
from readerstudy.statistics.undefined import undefined_is_nan


def kappa_columns(ratings: Floats) -> Floats:
    """Columns n, x, y, x^2 + y^2, xy for each pair of readers in turn (units, 5 pairs)."""
    blocks = []
    for i, j in combinations(range(ratings.shape[1]), 2):
        x, y = ratings[:, i], ratings[:, j]
        both = np.isfinite(x) & np.isfinite(y)
        columns = np.column_stack([np.ones(len(x)), x, y, x * x + y * y, x * y])
        blocks.append(np.where(both[:, None], columns, 0.0))
    return np.column_stack(blocks)


def kappa_of_sums(sums: Floats) -> Floats:
    """1 - observed / expected squared difference: E(x - y)^2 over Ex^2 + Ey^2 - 2 Ex Ey, mean over pairs."""
    n, x, y, squares, product = np.moveaxis(sums.reshape(len(sums), -1, 5), 2, 0)
    observed = (squares - 2 * product) / n
    expected = squares / n - 2 * (x / n) * (y / n)
    expected = np.where(expected > 1e-12, expected, np.nan)
    kappas: Floats = np.mean(1 - observed / expected, axis=1)
    return kappas


def icc_columns(ratings: Floats) -> Floats:
    """Columns n, (unit mean)^2, sum of squares in the unit, then each reader's rating (units, 3 + readers)."""
    full = np.all(np.isfinite(ratings), axis=1)
    kept = np.where(full[:, None], ratings, 0.0)
    return np.column_stack([full.astype(float), kept.mean(axis=1) ** 2, (kept**2).sum(axis=1), kept])


def icc_of_sums(readers: int) -> Statistic:
    """(MSR - MSE) / (MSR + (k - 1) MSE + k (MSC - MSE) / n), Shrout and Fleiss's ICC(2,1).

    Two-way random effects, absolute agreement, single rating.
    """
    k = readers

    def statistic(sums: Floats) -> Floats:
        n, mean_squares, squares, by_reader = sums[:, 0], sums[:, 1], sums[:, 2], sums[:, 3:]
        correction = by_reader.sum(axis=1) ** 2 / (n * k)
        between_units = k * mean_squares - correction
        between_readers = (by_reader**2).sum(axis=1) / n - correction
        residual = squares - correction - between_units - between_readers
        msr, msc, mse = between_units / (n - 1), between_readers / (k - 1), residual / ((n - 1) * (k - 1))
        denominator = msr + (k - 1) * mse + k * (msc - mse) / n
        icc: Floats = (msr - mse) / np.where(np.abs(denominator) > 1e-12, denominator, np.nan)
        return icc

    return statistic


def alpha_parts(ratings: Floats) -> tuple[Floats, Statistic]:
    """Coincidences of each unit (units, C^2) and the statistic of their sums; C scores occur in `ratings`."""
    levels = np.unique(ratings[np.isfinite(ratings)])
    c = len(levels)
    counts = np.equal(ratings[:, :, None], levels).sum(axis=1).astype(float)
    rated = counts.sum(axis=1)
    coincidences = counts[:, :, None] * counts[:, None, :]
    coincidences[:, np.arange(c), np.arange(c)] -= counts
    coincidences *= np.where(rated > 1, 1 / np.maximum(rated - 1, 1), 0.0)[:, None, None]

    def statistic(sums: Floats) -> Floats:
        matrix = sums.reshape(len(sums), c, c)
        n_c = matrix.sum(axis=2)
        n = n_c.sum(axis=1)
        middle = np.cumsum(n_c, axis=1) - n_c / 2  # the ordinal metric is the squared difference of mid-ranks
        squares = (n_c * middle**2).sum(axis=1)
        observed = 2 * squares - 2 * np.einsum("bij,bi,bj->b", matrix, middle, middle)
        expected = (2 * n * squares - 2 * (n_c * middle).sum(axis=1) ** 2) / (n - 1)
        alpha: Floats = 1 - observed / np.where(expected > 1e-12, expected, np.nan)
        return alpha

    return coincidences.reshape(len(ratings), c * c), statistic


def agreement_rows(
    responses: pd.DataFrame, plan: AnalysisPlan, *, methods: Sequence[str], questions: Sequence[str]
) -> list[AgreementRow]:
    """One row per question x method (and all methods together) x truth, from `frame.analysed` responses."""
    rows = []
    for question in questions:
        asked = responses[responses["question"] == question]
        for method in [*methods, "all"]:
            shown = asked if method == "all" else asked[asked["method"] == method]
            for truth in TRUTHS:
                found = agreement(of_truth(shown, truth), plan)
                rows.append(replace(found, question=question, method=method, truth=truth))
    return rows


def agreement(responses: pd.DataFrame, plan: AnalysisPlan) -> AgreementRow:
    """Agreement on one question's answers, one per reader and unit; bootstrap clusters are patients, readers are fixed.

    The row's question, method and truth are left empty: the caller knows whose answers these are.
    """
    readers = natural_sort(responses["reader"])
    unit = responses.groupby(["example", "method", "patient"], sort=True).ngroup().to_numpy()
    ratings = np.full((unit.max(initial=-1) + 1, len(readers)), np.nan)
    ratings[unit, pd.Categorical(responses["reader"], readers).codes] = responses["score"].to_numpy()
    shared = int((np.isfinite(ratings).sum(axis=1) > 1).sum()) if ratings.size else 0
    row = AgreementRow("", "", "", n_readers=ratings.shape[1], n_units=shared)
    if ratings.shape[1] < 2:
        return replace(row, note="Agreement needs two readers or more.")
    row = replace(row, n_complete=int(np.isfinite(ratings).all(axis=1).sum()))
    if shared < plan.minimum_pairs:
        note = f"Only {shared} example(s) answered by two readers: too few (the plan asks {plan.minimum_pairs})."
        return replace(row, note=note)
    exact, within_one = _closeness(ratings)
    clusters = cluster_codes(responses["patient"].iloc[np.unique(unit, return_index=True)[1]])  # of each unit
    kappa, kappa_ci, kappa_note = _with_interval(kappa_columns(ratings), kappa_of_sums, clusters, plan)
    icc, icc_ci, icc_note = _with_interval(icc_columns(ratings), icc_of_sums(ratings.shape[1]), clusters, plan)
    alpha, alpha_ci, alpha_note = _with_interval(*alpha_parts(ratings), clusters, plan)
    notes = [kappa_note, icc_note, alpha_note]
    values = (("kappa", kappa), ("icc", icc), ("alpha", alpha))
    if undefined := [name for name, value in values if value is None]:
        notes.append(f"Not defined for {', '.join(undefined)}: the answers do not vary, or no example has all readers.")
    return replace(
        row,
        kappa=kappa, kappa_ci=kappa_ci, icc=icc, icc_ci=icc_ci, alpha=alpha, alpha_ci=alpha_ci,
        exact_agreement=exact, within_one=within_one, note=" ".join(dict.fromkeys(filter(None, notes))) or None,
    )  # fmt: skip


def _with_interval(
    columns: Floats, statistic: Statistic, clusters: NDArray[np.intp], plan: AnalysisPlan
) -> tuple[float | None, list[float] | None, str | None]:
    """A statistic, its interval, and why there is none; nothing of it where it is not defined."""
    value = _point(columns, statistic)
    if not np.isfinite(value):
        return None, None, None
    ci, n_patients = None, len(set(clusters))
    if n_patients >= FEWEST_CLUSTERS:
        samples = bootstrap(columns, clusters, statistic, plan.bootstrap_replicates, plan.bootstrap_seed)
        ci = interval(samples, plan.alpha)
    return value, ci, why_no_interval(ci, n_patients)


def _closeness(ratings: Floats) -> tuple[float, float]:
    """Share of pairs of ratings of one unit that are equal, and that differ by one point at most."""
    gaps = np.concatenate([np.abs(ratings[:, i] - ratings[:, j]) for i, j in combinations(range(ratings.shape[1]), 2)])
    gaps = gaps[np.isfinite(gaps)]
    return float((gaps == 0).mean()), float((gaps <= 1).mean())


def _point(columns: Floats, statistic: Statistic) -> float:
    with undefined_is_nan():
        return float(statistic(columns.sum(axis=0, keepdims=True))[0])
