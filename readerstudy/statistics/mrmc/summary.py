"""Everything MRMC about one question as JSON-able data, with the rules of honest reporting built in.

A number that does not exist is None and a sentence in "warnings" says why; no NaN and no infinity comes out.
Differences are first method - second method throughout.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, is_dataclass
from typing import Any

import numpy as np
import pandas as pd

from readerstudy.statistics.mrmc.auc import COVARIANCES, empirical_auc
from readerstudy.statistics.mrmc.data import MRMCError, ReaderScores, scores_from_frame
from readerstudy.statistics.mrmc.margins import margin_test, reversed_estimate
from readerstudy.statistics.mrmc.obuchowski_rockette import (
    Estimate,
    Inference,
    ObuchowskiRockette,
    estimate,
    obuchowski_rockette,
)
from readerstudy.statistics.mrmc.power import MODES, Pilot, power_table
from readerstudy.statistics.mrmc.roc import roc_curves
from readerstudy.statistics.mrmc.sentences import (
    FEW_READERS,
    at_var_tr_zero,
    missing_warning,
    primary_mode,
    primary_sentence,
    result_warnings,
    scope_of,
    ustat_sentence,
)
from readerstudy.statistics.mrmc.ustat import UStat, UStatEstimate, ustat
from readerstudy.statistics.words.wording import p_clause

INFERENCE_MODES = ("auto", *MODES)
PLANNING_EFFECTS = (0.03, 0.05, 0.1)
_EMPTY = (
    "auc", "auc_intervals", "components", *MODES, "per_reader", "ustat", "primary", "margin", "clustered", "roc",
    "power",
)  # fmt: skip


def mrmc_results(
    frame: pd.DataFrame,
    *,
    methods: Sequence[str] | None = None,
    readers: Sequence[str] | None = None,
    **options: Any,
) -> list[dict[str, Any]]:
    """One mrmc_summary per question of a long table (columns of scores_from_frame, and question); options go to it.

    A question whose data cannot be analysed gets None in place of numbers and the reason in "warnings".
    Raises MRMCError only for options that do not exist.
    """
    _check_options(**options)
    results = []
    for question in sorted(frame["question"].unique()):
        try:
            data = scores_from_frame(frame[frame["question"] == question], methods, readers)
            results.append(mrmc_summary(data, str(question), **options))
        except MRMCError as problem:
            results.append(
                {
                    "question": str(question),
                    "covariance": options.get("covariance", "jackknife"),
                    **dict.fromkeys(_EMPTY),
                    "warnings": [str(problem)],
                }
            )
    return results


def mrmc_summary(
    data: ReaderScores,
    question: str,
    *,
    covariance: str = "jackknife",
    alpha: float = 0.05,
    inference_mode: str = "auto",
    margin: float | None = None,
    planning_effects: Sequence[float] = PLANNING_EFFECTS,
) -> dict[str, Any]:
    """Analyse one question; the dictionary can be written as JSON as it is.

    inference_mode: the plan's ("auto", "random_readers", "fixed_readers", "fixed_cases"); below 5 readers fixed readers
    are primary whatever the plan says. margin: the plan's non-inferiority margin of AUC for the second method of a pair
    over the first. planning_effects: differences of AUC to tabulate power for. Raises MRMCError for unusable data.
    """
    _check_options(covariance=covariance, alpha=alpha, inference_mode=inference_mode, margin=margin)
    warnings: list[str] = []
    complete = data.complete_cases()
    if data.missing.any():
        warnings.append(missing_warning(data, complete))
    auc = empirical_auc(data.scores, data.truth)
    summary: dict[str, Any] = {
        "question": question,
        "covariance": covariance,
        "alpha": alpha,
        "methods": list(data.methods),
        "readers": list(data.readers),
        "n_positive": int(data.truth.sum()),
        "n_negative": int((1 - data.truth).sum()),
        **dict.fromkeys(_EMPTY),
        "auc": {
            m: dict(zip(data.readers, row, strict=True)) for m, row in zip(data.methods, auc.tolist(), strict=True)
        },
        "roc": roc_curves(data),
    }
    summary["ustat"] = _ustat_part(data, alpha, warnings)
    try:
        result = obuchowski_rockette(complete, covariance=covariance, alpha=alpha)
    except MRMCError as problem:
        warnings.append(f"Obuchowski-Rockette was not possible. {problem}")
        summary["primary"] = _ustat_primary(data, alpha, summary["ustat"], warnings)
    else:
        pairs = (summary["ustat"] or {}).get("differences", [])
        ustat_p = pairs[0]["p_value"] if len(pairs) == 1 else None
        summary.update(_obuchowski_rockette_part(result, inference_mode, margin, ustat_p, warnings))
        summary["clustered"] = _clustered_part(complete, result, summary["primary"]["mode"], warnings)
        summary["power"] = _power_part(result, planning_effects)
    summary["warnings"] = warnings
    return plain(summary)


def plain(value: Any) -> Any:
    """Data classes and NumPy values as JSON-able data; NaN and infinity become None."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


def _check_options(
    *,
    covariance: str = "jackknife",
    alpha: float = 0.05,
    inference_mode: str = "auto",
    margin: float | None = None,
    planning_effects: Sequence[float] = PLANNING_EFFECTS,
) -> None:
    for value, name, allowed in (
        (covariance, "covariance", COVARIANCES),
        (inference_mode, "inference mode", INFERENCE_MODES),
    ):
        if value not in allowed:
            raise MRMCError(f"The {name} must be one of {', '.join(allowed)}, not {value!r}.")
    if not 0 < alpha < 1:
        raise MRMCError(f"alpha must lie between 0 and 1; it is {alpha}.")
    if margin is not None and margin <= 0:
        raise MRMCError(f"The margin must be above 0 or left out; it is {margin}.")
    if any(effect <= 0 for effect in planning_effects):
        raise MRMCError("Planning effects must be above 0.")


def _difference_rows(differences: dict[tuple[str, str], Estimate]) -> list[dict[str, Any]]:
    return [
        {"method_a": a, "method_b": b, "contrast": f"{a} - {b}", "difference": found.value, **_uncertainty(found)}
        for (a, b), found in differences.items()
    ]


def _uncertainty(found: Estimate) -> dict[str, Any]:
    return {
        "se": found.se,
        "distribution": "normal" if np.isinf(found.df) else "t",
        "df": found.df,
        "p_value": found.p_value,
        "ci_low": found.ci_low,
        "ci_high": found.ci_high,
    }


def _mode_part(inference: Inference | None) -> dict[str, Any] | None:
    """df and df2 are None where the distribution named beside them (chi-square, normal) has none."""
    if inference is None:
        return None
    return {
        "test": "chi-square" if np.isinf(inference.df2) else "F",
        "statistic": inference.statistic,
        "df1": inference.df1,
        "df2": inference.df2,
        "p_value": inference.p_value,
        "differences": _difference_rows(inference.differences),
        "methods": [
            {"method": name, "auc": found.value, **_uncertainty(found)} for name, found in inference.methods.items()
        ],
    }


def _obuchowski_rockette_part(
    result: ObuchowskiRockette, planned: str, margin: float | None, ustat_p: float | None, warnings: list[str]
) -> dict[str, Any]:
    modes = {name: getattr(result, name) for name in MODES}
    mode, reasons = primary_mode(planned, len(result.readers))
    chosen = modes[mode]
    warnings += reasons + result_warnings(result, modes, ustat_p)
    return {
        "auc_intervals": _auc_intervals(result),
        "components": asdict(result.components),
        **{name: _mode_part(inference) for name, inference in modes.items()},
        "per_reader": {reader: _difference_rows(found) for reader, found in result.per_reader.items()},
        "primary": {
            "mode": mode,
            "scope": scope_of(mode, len(result.readers)),
            "auc": dict(zip(result.methods, result.auc_mean.tolist(), strict=True)),
            "p_value": chosen.p_value,
            "differences": _difference_rows(chosen.differences),
            "at_var_tr_zero": _mode_part(at_var_tr_zero(result, mode)),
            "sentence": primary_sentence(result, mode, chosen),
        },
        "margin": _margin_part(result, mode, margin),
    }


def _auc_intervals(result: ObuchowskiRockette) -> list[dict[str, Any]]:
    """Each reader's AUC with each method, the cases being the random sample; not clipped to [0, 1]."""
    rows = []
    for m, method in enumerate(result.methods):
        for r, reader in enumerate(result.readers):
            variance = float(result.auc_covariance[m, r, m, r])
            found = estimate(result.auc[m, r], variance, np.inf, result.alpha, null=0.5)
            rows.append({"method": method, "reader": reader, "auc": found.value, **_uncertainty(found)})
    return rows


def _margin_part(result: ObuchowskiRockette, mode: str, margin: float | None) -> list[dict[str, Any]]:
    """Second method over the first, in the primary mode: non-inferiority when the plan has a margin, and superiority.

    scope says for whom a claim would hold. Where Var(TR) is estimated below zero it is set to zero.
    """
    corrected = at_var_tr_zero(result, mode)
    inference: Inference = corrected or getattr(result, mode)
    scope = scope_of(mode, len(result.readers))
    aims = [("superiority", 0.0)] if margin is None else [("non_inferiority", margin), ("superiority", 0.0)]
    return [
        {"new": b, "reference": a, "scope": scope, "var_tr_set_to_zero": corrected is not None}
        | asdict(margin_test(reversed_estimate(found), aim, bound, result.alpha))
        for (a, b), found in inference.differences.items()
        for aim, bound in aims
    ]


def _ustat_part(data: ReaderScores, alpha: float, warnings: list[str]) -> dict[str, Any] | None:
    try:
        result: UStat = ustat(data, alpha=alpha)
    except MRMCError as problem:
        warnings.append(f"The U-statistic was not possible. {problem}")
        return None
    differences = [
        {"method_a": a, "method_b": b, "contrast": f"{a} - {b}", "difference": found.value, **_intervals(found)}
        for (a, b), found in result.differences.items()
    ]
    if any(found.variance <= 0 for found in result.differences.values()):
        warnings.append("The U-statistic's unbiased variance of a difference is zero or less: it gives no test there.")
    methods = [{"method": name, "auc": found.value, **_intervals(found)} for name, found in result.methods.items()]
    return {"variance": result.variance, "differences": differences, "methods": methods}


def _ustat_primary(
    data: ReaderScores, alpha: float, part: dict[str, Any] | None, warnings: list[str]
) -> dict[str, Any] | None:
    """The U-statistic in the place of Obuchowski-Rockette, where too few cases were scored by every reader."""
    if part is None or not part["differences"]:
        return None
    if len(data.readers) < FEW_READERS:
        warnings.append(
            f"The U-statistic takes readers as a sample, and {len(data.readers)} are few: its test rejects too often."
        )
    pairs = part["differences"]
    return {
        "mode": "ustat",
        "scope": scope_of("random_readers", len(data.readers)),
        "auc": {row["method"]: row["auc"] for row in part["methods"]},
        "p_value": pairs[0]["p_value"] if len(pairs) == 1 else None,
        "differences": pairs,
        "at_var_tr_zero": None,
        "sentence": ustat_sentence(ustat(data, alpha=alpha)),
    }


def _intervals(found: UStatEstimate) -> dict[str, Any]:
    """p_value and interval are those with BDG degrees of freedom."""
    return {
        "variance": found.variance,
        "df_bdg": found.bdg.df,
        "p_value": found.bdg.p_value,
        "ci_low": found.bdg.ci_low,
        "ci_high": found.bdg.ci_high,
        "p_normal": found.normal.p_value,
        "df_hillis": None if found.hillis is None else found.hillis.df,
        "p_hillis": None if found.hillis is None else found.hillis.p_value,
    }


def _clustered_part(
    data: ReaderScores, result: ObuchowskiRockette, mode: str, warnings: list[str]
) -> dict[str, Any] | None:
    """The primary mode once more with patients as clusters, where some have several cases and the plan ignores it."""
    if data.cluster is None or result.covariance == "clustered":
        return None
    n_clusters = np.unique(data.cluster).size
    if n_clusters == data.truth.size:
        return None
    try:
        again = obuchowski_rockette(data, covariance="clustered", alpha=result.alpha)
    except MRMCError as problem:
        warnings.append(f"The clustered covariance was not possible. {problem}")
        return None
    inference = getattr(again, mode)
    text = p_clause(inference.p_value) if np.isfinite(inference.p_value) else "no test"
    warnings.append(
        f"The {data.truth.size} cases come from {n_clusters} patients; the {result.covariance} covariance and the "
        "U-statistic count them as independent. With patients as clusters (Obuchowski 1997) the primary test gives "
        f"{text}."
    )
    return {"n_clusters": n_clusters, "components": asdict(again.components), **(_mode_part(inference) or {})}


def _power_part(result: ObuchowskiRockette, effects: Sequence[float]) -> dict[str, Any] | None:
    """Power of the next study, random readers and cases, from this study's components; None with one reader."""
    if result.components.var_tr is None:
        return None
    n_cases = sum(result.n_cases)
    pilot = Pilot.from_components(result.components, n_cases)
    sizes = sorted({60, 120, 240, 480, n_cases})
    return {
        "mode": "random_readers",
        "alpha": result.alpha,
        "target": 0.8,
        "cases": sizes,
        "pilot": asdict(pilot),
        "tables": [
            {"effect": effect, "rows": power_table(pilot, effect, cases=sizes, alpha=result.alpha)}
            for effect in effects
        ],
    }
