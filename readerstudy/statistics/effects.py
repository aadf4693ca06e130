"""Period, order and adjusted method effects: what a crossover can and cannot separate.

Within one period a reader sees an example with one method only, so the comparison within a period is between different
examples; the comparison within an example is between periods. Both are given. Sources: Hills and Armitage, Br J Clin
Pharmacol 1979 (two-period crossover); Liang and Zeger, Biometrika 1986 (GEE); Mancl and DeRouen, Biometrics 2001
(few clusters).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from readerstudy.statistics.bootstrap import FEWEST_CLUSTERS, Bounds, Floats, Statistic, bootstrap, why_no_interval
from readerstudy.statistics.frame import cluster_codes, complete, natural_sort, of_truth
from readerstudy.statistics.plan import TRUTHS, AnalysisPlan
from readerstudy.statistics.rows import ContrastRow, CrossoverRow, ModelRow, PeriodRow, Term

_Factor = tuple[str, str, str]  # factor, level, reference
FEW_CLUSTERS = 40  # below it the robust standard error is biased low, so the corrected one is used


def period_rows(
    responses: pd.DataFrame, plan: AnalysisPlan, *, question: str, method_a: str, method_b: str
) -> list[PeriodRow]:
    """Means of A and B within each period, and B - A between the examples of that period, with an interval."""
    asked = responses[(responses["question"] == question) & responses["method"].isin([method_a, method_b])]
    return [
        _period_row(
            of_truth(asked[asked["period"] == period], truth),
            PeriodRow(question, truth, int(period), method_a, method_b, n_a=0, n_b=0),
            plan,
        )
        for period in sorted(asked["period"].unique())
        for truth in TRUTHS
    ]


def _period_row(members: pd.DataFrame, row: PeriodRow, plan: AnalysisPlan) -> PeriodRow:
    b = (members["method"] == row.method_b).to_numpy(dtype=float)
    score = members["score"].to_numpy(dtype=float)
    n_b, n_a = int(b.sum()), int((1 - b).sum())
    mean_a = float(score[b == 0].mean()) if n_a else None
    mean_b = float(score[b == 1].mean()) if n_b else None
    row = replace(row, n_a=n_a, n_b=n_b, mean_a=mean_a, mean_b=mean_b)
    if min(n_a, n_b) < plan.minimum_pairs or mean_a is None or mean_b is None:
        few = f"{n_a} answers with {row.method_a} and {n_b} with {row.method_b}: too few to compare."
        return replace(row, note=f"Period {row.period} has {few}")
    columns = np.column_stack([score * (1 - b), 1 - b, score * b, b])
    found, note = _interval(columns, members["patient"], _difference_of_means, plan)
    return replace(row, difference=mean_b - mean_a, ci_patient=found.ci, ci_patient_error=found.error, note=note)


def _difference_of_means(sums: Floats) -> Floats:
    return sums[:, 2] / sums[:, 3] - sums[:, 0] / sums[:, 1]


def crossover_row(
    pairs: pd.DataFrame, plan: AnalysisPlan, *, question: str, truth: str, method_a: str, method_b: str
) -> CrossoverRow:
    """Method and period effects of the two-period crossover, from the pairs with A first and the pairs with B first.

    With d1 = mean(B - A | A first) and d2 = mean(B - A | B first): method effect (d1 + d2) / 2, period effect (later
    minus earlier) (d1 - d2) / 2. A carry-over that differs between the methods cannot be told from them.
    """
    chosen = of_truth(complete(pairs[pairs["question"] == question]), truth)
    a_first = (chosen["order"] == f"{method_a} first").to_numpy(dtype=float)
    b_first = (chosen["order"] == f"{method_b} first").to_numpy(dtype=float)
    d = chosen["difference"].to_numpy(dtype=float)
    row = CrossoverRow(question, truth, method_a, method_b, int(a_first.sum()), int(b_first.sum()))
    if min(row.n_a_first, row.n_b_first) < plan.minimum_pairs:
        return replace(
            row,
            note=f"{row.n_a_first} pairs had {method_a} first and {row.n_b_first} had {method_b} first: "
            "the effect of the period cannot be separated from the method's.",
        )
    columns = np.column_stack([d * a_first, a_first, d * b_first, b_first])
    method, method_note = _interval(columns, chosen["patient"], _method_effect, plan)
    period, period_note = _interval(columns, chosen["patient"], _period_effect, plan)
    sums = columns.sum(axis=0, keepdims=True)
    return replace(
        row,
        method_effect=float(_method_effect(sums)[0]),
        method_effect_ci=method.ci,
        method_effect_ci_error=method.error,
        period_effect=float(_period_effect(sums)[0]),
        period_effect_ci=period.ci,
        period_effect_ci_error=period.error,
        note=method_note or period_note,
    )


def _method_effect(sums: Floats) -> Floats:
    return (sums[:, 0] / sums[:, 1] + sums[:, 2] / sums[:, 3]) / 2


def _period_effect(sums: Floats) -> Floats:
    return (sums[:, 0] / sums[:, 1] - sums[:, 2] / sums[:, 3]) / 2


def contrast_row(
    pairs: pd.DataFrame, plan: AnalysisPlan, *, question: str, method_a: str, method_b: str
) -> ContrastRow:
    """Mean difference on true positives minus that on false positives: does B raise scores where the model is right?"""
    chosen = complete(pairs[pairs["question"] == question])
    d, right = chosen["difference"].to_numpy(dtype=float), (chosen["truth"] == "TP").to_numpy(dtype=float)
    wrong = (chosen["truth"] == "FP").to_numpy(dtype=float)
    row = ContrastRow(question, method_a, method_b)
    if min(right.sum(), wrong.sum()) < plan.minimum_pairs:
        return replace(row, note="Too few pairs of true or of false positives to contrast them.")
    columns = np.column_stack([d * wrong, wrong, d * right, right])
    contrast = float(_difference_of_means(columns.sum(axis=0, keepdims=True))[0])
    found, note = _interval(columns, chosen["patient"], _difference_of_means, plan)
    return replace(row, contrast=contrast, ci_patient=found.ci, ci_patient_error=found.error, note=note)


def _interval(
    columns: Floats, patients: pd.Series, statistic: Statistic, plan: AnalysisPlan
) -> tuple[Bounds, str | None]:
    """Interval of a statistic of two means (columns: sum, n, sum, n), or why not: each mean needs its patients."""
    clusters = cluster_codes(patients)
    fewest = min(len(set(clusters[columns[:, n] > 0])) for n in (1, 3))
    found = Bounds()
    if fewest >= FEWEST_CLUSTERS:
        samples = bootstrap(columns, clusters, statistic, plan.bootstrap_replicates, plan.bootstrap_seed)
        found = Bounds.of(samples, plan.alpha)
    return found, why_no_interval(found.ci, fewest)


def model_row(
    responses: pd.DataFrame, plan: AnalysisPlan, *, question: str, truth: str, methods: Sequence[str]
) -> ModelRow:
    """GEE of the score on method, period, reader, pathology (and truth, for "all"); clusters are patients.

    Gaussian family, identity link, exchangeable working correlation, robust standard errors (bias-reduced below 40
    patients). `terms` gives each coefficient in points of the scale; when the model cannot be fitted, `note` says why.
    """
    rows = of_truth(responses[responses["question"] == question], truth)
    row = ModelRow(question, truth, "GEE", n=len(rows), n_clusters=int(rows["patient"].nunique()))
    design, factors = _design(rows, methods, with_truth=truth == "all")
    if rows["method"].nunique() < 2:
        return replace(row, note="Only one method was answered: there is no method effect to estimate.")
    if row.n_clusters < FEWEST_CLUSTERS or len(rows) <= design.shape[1]:
        few = f"{len(rows)} answers on {row.n_clusters} patients are too few for this model"
        return replace(row, note=f"{few} (it takes {FEWEST_CLUSTERS} patients).")
    score = rows["score"].to_numpy(dtype=float)
    if np.ptp(score) == 0:
        return replace(row, note="All answers are equal: there is nothing to model.")
    if np.linalg.matrix_rank(design) < design.shape[1]:
        confounded = "Method, period, reader and pathology are confounded in these answers: the model has no solution."
        return replace(row, note=confounded)
    clusters = cluster_codes(rows["patient"])
    try:
        estimates, errors, correlation = _fit(score, design, clusters)
    except _NoFit as problem:
        return replace(row, note=str(problem))
    terms = [_term(factor, b, s, plan.alpha) for factor, b, s in zip(factors, estimates, errors)]
    few = f"Fewer than {FEW_CLUSTERS} patients: bias-reduced standard errors."
    return replace(row, terms=terms, correlation=correlation, note=few if row.n_clusters < FEW_CLUSTERS else None)


class _NoFit(ValueError):
    """The model has no numbers to give; the message is the row's note."""


def _fit(score: Floats, design: Floats, clusters: NDArray[np.intp]) -> tuple[Floats, Floats, float]:
    """Coefficients, their standard errors, and the working correlation. Raises _NoFit."""
    import statsmodels.api as sm  # a second to import, so only where it is used

    order = np.argsort(clusters, kind="stable")
    few = clusters.max() + 1 < FEW_CLUSTERS
    with warnings.catch_warnings(record=True) as raised:
        warnings.simplefilter("always")
        try:
            model = sm.GEE(score[order], design[order], groups=clusters[order], cov_struct=sm.cov_struct.Exchangeable())
            fit = model.fit(maxiter=100, cov_type="bias_reduced" if few else "robust")
            estimates, errors = np.asarray(fit.params), np.asarray(fit.bse)
        except (np.linalg.LinAlgError, ValueError, ZeroDivisionError, FloatingPointError) as error:
            raise _NoFit(f"The model could not be fitted: {str(error) or type(error).__name__}.") from error
    stalled = any("converge" in str(item.message).lower() for item in raised) or not getattr(fit, "converged", True)
    if stalled or not (np.isfinite(estimates).all() and np.isfinite(errors).all() and (errors > 0).all()):
        raise _NoFit("The model did not converge, so its numbers are not given.")
    return estimates, errors, float(np.squeeze(model.cov_struct.dep_params))


def _term(factor: _Factor, estimate: float, error: float, alpha: float) -> Term:
    """A coefficient with its normal interval of level 1 - alpha and two-sided p."""
    reach = special.ndtri(1 - alpha / 2) * error
    return Term(
        *factor,
        estimate=float(estimate),
        standard_error=float(error),
        ci=[float(estimate - reach), float(estimate + reach)],
        p_value=float(2 * special.ndtr(-abs(estimate / error))),
    )


def _design(rows: pd.DataFrame, methods: Sequence[str], *, with_truth: bool) -> tuple[Floats, list[_Factor]]:
    """Intercept and treatment-coded columns; the first level of each factor is its reference."""
    columns: list[Floats] = [np.ones(len(rows))]
    found: list[_Factor] = [("intercept", "", "")]
    for name in ["method", "period", "reader", "pathology"] + (["truth"] if with_truth else []):
        values = rows[name].astype(str)
        levels = natural_sort(values)
        if name == "method":
            levels = [method for method in methods if method in levels]
        for level in levels[1:]:
            columns.append(np.asarray(values == level, dtype=float))
            found.append((name, level, levels[0]))
    return np.column_stack(columns), found
