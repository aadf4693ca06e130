"""Period, order and adjusted method effects: what a crossover can and cannot separate.

Within one period a reader sees an example with one method only, so the comparison within a period is between different
examples; the comparison within an example is between periods. Both are given. Sources: Hills and Armitage, Br J Clin
Pharmacol 1979 (two-period crossover); Liang and Zeger, Biometrika 1986 (GEE); Mancl and DeRouen, Biometrics 2001
(few clusters).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from readerstudy.statistics.bootstrap import FEWEST_CLUSTERS, Floats, bootstrap, interval, why_no_interval
from readerstudy.statistics.frame import cluster_codes, complete, natural_sort, of_truth
from readerstudy.statistics.plan import TRUTHS, AnalysisPlan

FEW_CLUSTERS = 40  # below it the robust standard error is biased low, so the corrected one is used


def period_rows(
    responses: pd.DataFrame, plan: AnalysisPlan, *, question: str, method_a: str, method_b: str
) -> list[dict[str, Any]]:
    """Means of A and B within each period, and B - A between the examples of that period, with an interval."""
    asked = responses[(responses["question"] == question) & responses["method"].isin([method_a, method_b])]
    rows = []
    for period in sorted(asked["period"].unique()):
        for truth in TRUTHS:
            members = of_truth(asked[asked["period"] == period], truth)
            b = (members["method"] == method_b).to_numpy(dtype=float)
            score = members["score"].to_numpy(dtype=float)
            n_b, n_a = int(b.sum()), int((1 - b).sum())
            row: dict[str, Any] = {"question": question, "truth": truth, "period": int(period)}
            row |= {"method_a": method_a, "method_b": method_b, "n_a": n_a, "n_b": n_b}
            row |= dict.fromkeys(("mean_a", "mean_b", "difference", "ci_patient", "note"))
            if n_a:
                row["mean_a"] = float(score[b == 0].mean())
            if n_b:
                row["mean_b"] = float(score[b == 1].mean())
            if min(n_a, n_b) < plan.minimum_pairs:
                row["note"] = (
                    f"Period {period} has {n_a} answers with {method_a} and {n_b} with {method_b}: too few to compare."
                )
            else:
                columns = np.column_stack([score * (1 - b), 1 - b, score * b, b])
                row["difference"] = row["mean_b"] - row["mean_a"]
                row["ci_patient"], row["note"] = _interval(columns, members["patient"], _difference_of_means, plan)
            rows.append(row)
    return rows


def _difference_of_means(sums: Floats) -> Floats:
    return sums[:, 2] / sums[:, 3] - sums[:, 0] / sums[:, 1]


def crossover_row(
    pairs: pd.DataFrame, plan: AnalysisPlan, *, question: str, truth: str, method_a: str, method_b: str
) -> dict[str, Any]:
    """Method and period effects of the two-period crossover, from the pairs with A first and the pairs with B first.

    With d1 = mean(B - A | A first) and d2 = mean(B - A | B first): method effect (d1 + d2) / 2, period effect (later
    minus earlier) (d1 - d2) / 2. A carry-over that differs between the methods cannot be told from them.
    """
    chosen = of_truth(complete(pairs[pairs["question"] == question]), truth)
    a_first = (chosen["order"] == f"{method_a} first").to_numpy(dtype=float)
    b_first = (chosen["order"] == f"{method_b} first").to_numpy(dtype=float)
    d = chosen["difference"].to_numpy(dtype=float)
    row: dict[str, Any] = {"question": question, "truth": truth, "method_a": method_a, "method_b": method_b}
    row |= {"n_a_first": int(a_first.sum()), "n_b_first": int(b_first.sum()), "note": None}
    row |= dict.fromkeys(("method_effect", "method_effect_ci", "period_effect", "period_effect_ci"))
    if min(row["n_a_first"], row["n_b_first"]) < plan.minimum_pairs:
        return row | {
            "note": f"{row['n_a_first']} pairs had {method_a} first and {row['n_b_first']} had {method_b} first: "
            "the effect of the period cannot be separated from the method's."
        }
    columns = np.column_stack([d * a_first, a_first, d * b_first, b_first])
    notes = []
    for name, sign in (("method_effect", 1.0), ("period_effect", -1.0)):

        def effect(sums: Floats, sign: float = sign) -> Floats:
            return (sums[:, 0] / sums[:, 1] + sign * sums[:, 2] / sums[:, 3]) / 2

        row[name] = float(effect(columns.sum(axis=0, keepdims=True))[0])
        row[f"{name}_ci"], note = _interval(columns, chosen["patient"], effect, plan)
        notes.append(note)
    row["note"] = next(filter(None, notes), None)
    return row


def contrast_row(
    pairs: pd.DataFrame, plan: AnalysisPlan, *, question: str, method_a: str, method_b: str
) -> dict[str, Any]:
    """Mean difference on true positives minus that on false positives: does B raise scores where the model is right?"""
    chosen = complete(pairs[pairs["question"] == question])
    d, right = chosen["difference"].to_numpy(dtype=float), (chosen["truth"] == "TP").to_numpy(dtype=float)
    wrong = (chosen["truth"] == "FP").to_numpy(dtype=float)
    row: dict[str, Any] = {"question": question, "method_a": method_a, "method_b": method_b}
    row |= {"contrast": None, "ci_patient": None, "note": None}
    if min(right.sum(), wrong.sum()) < plan.minimum_pairs:
        return row | {"note": "Too few pairs of true or of false positives to contrast them."}
    columns = np.column_stack([d * wrong, wrong, d * right, right])
    row["contrast"] = float(_difference_of_means(columns.sum(axis=0, keepdims=True))[0])
    row["ci_patient"], row["note"] = _interval(columns, chosen["patient"], _difference_of_means, plan)
    return row


def _interval(
    columns: Floats, patients: pd.Series, statistic: Any, plan: AnalysisPlan
) -> tuple[list[float] | None, str | None]:
    """Interval of a statistic of two means (columns: sum, n, sum, n), or why not: each mean needs its patients."""
    clusters = cluster_codes(patients)
    fewest = min(len(set(clusters[columns[:, n] > 0])) for n in (1, 3))
    ci = None
    if fewest >= FEWEST_CLUSTERS:
        samples = bootstrap(columns, clusters, statistic, plan.bootstrap_replicates, plan.bootstrap_seed)
        ci = interval(samples, plan.alpha)
    return ci, why_no_interval(ci, fewest)


def model_row(
    responses: pd.DataFrame, plan: AnalysisPlan, *, question: str, truth: str, methods: Sequence[str]
) -> dict[str, Any]:
    """GEE of the score on method, period, reader, pathology (and truth, for "all"); clusters are patients.

    Gaussian family, identity link, exchangeable working correlation, robust standard errors (bias-reduced below 40
    patients). `terms` gives each coefficient in points of the scale; when the model cannot be fitted, `note` says why.
    """
    rows = of_truth(responses[responses["question"] == question], truth)
    row: dict[str, Any] = {"question": question, "truth": truth, "model": "GEE", "n": len(rows)}
    row |= {"n_clusters": int(rows["patient"].nunique()), "correlation": None, "terms": [], "note": None}
    design, terms = _design(rows, methods, with_truth=truth == "all")
    if rows["method"].nunique() < 2:
        return row | {"note": "Only one method was answered: there is no method effect to estimate."}
    if row["n_clusters"] < FEWEST_CLUSTERS or len(rows) <= design.shape[1]:
        few = f"{len(rows)} answers on {row['n_clusters']} patients are too few for this model"
        return row | {"note": f"{few} (it takes {FEWEST_CLUSTERS} patients)."}
    score = rows["score"].to_numpy(dtype=float)
    if np.ptp(score) == 0:
        return row | {"note": "All answers are equal: there is nothing to model."}
    if np.linalg.matrix_rank(design) < design.shape[1]:
        return row | {
            "note": "Method, period, reader and pathology are confounded in these answers: the model has no solution."
        }
    return row | _fit(score, design, terms, cluster_codes(rows["patient"]), plan)


def _fit(
    score: Floats, design: Floats, terms: list[dict[str, str]], clusters: Any, plan: AnalysisPlan
) -> dict[str, Any]:
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
            return {"note": f"The model could not be fitted: {str(error) or type(error).__name__}."}
    stalled = any("converge" in str(item.message).lower() for item in raised) or not getattr(fit, "converged", True)
    if stalled or not (np.isfinite(estimates).all() and np.isfinite(errors).all() and (errors > 0).all()):
        return {"note": "The model did not converge, so its numbers are not given."}
    z = stats.norm.ppf(1 - plan.alpha / 2)
    found = [
        term
        | {
            "estimate": float(b),
            "standard_error": float(s),
            "ci": [float(b - z * s), float(b + z * s)],
            "p_value": float(2 * stats.norm.sf(abs(b / s))),
        }
        for term, b, s in zip(terms, estimates, errors)
    ]
    note = f"Fewer than {FEW_CLUSTERS} patients: bias-reduced standard errors." if few else None
    return {"terms": found, "correlation": float(np.squeeze(model.cov_struct.dep_params)), "note": note}


def _design(rows: pd.DataFrame, methods: Sequence[str], *, with_truth: bool) -> tuple[Floats, list[dict[str, str]]]:
    """Intercept and treatment-coded columns; the first level of each factor is its reference."""
    columns: list[Floats] = [np.ones(len(rows))]
    terms = [{"factor": "intercept", "level": "", "reference": ""}]
    factors = ["method", "period", "reader", "pathology"] + (["truth"] if with_truth else [])
    for factor in factors:
        values = rows[factor].astype(str)
        levels = natural_sort(values)
        if factor == "method":
            levels = [method for method in methods if method in levels]
        for level in levels[1:]:
            columns.append(np.asarray(values == level, dtype=float))
            terms.append({"factor": factor, "level": level, "reference": levels[0]})
    return np.column_stack(columns), terms
