"""One call from the long export to everything the report says: `analyse`."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd

from readerstudy.common.version import software
from readerstudy.statistics import descriptives, effects
from readerstudy.statistics.agreement import agreement_rows
from readerstudy.statistics.frame import analysed, complete, method_pairs, natural_sort, normalise, of_truth, pair
from readerstudy.statistics.multiplicity import adjust
from readerstudy.statistics.paired import paired_rows, signed_rank
from readerstudy.statistics.plan import TRUTHS, ZERO_RULES, AnalysisPlan
from readerstudy.statistics.report.mrmc import mrmc_part
from readerstudy.statistics.words import cautions, sentences

PACKAGES = ("numpy", "scipy", "pandas", "statsmodels", "matplotlib")


@dataclass(frozen=True)
class Asked:
    """Which question is asked with which method; `left_out` has (method, question) of the others."""

    methods: list[str]
    questions: list[str]
    left_out: frozenset[tuple[str, str]]

    def methods_of(self, question: str) -> list[str]:
        return [method for method in self.methods if (method, question) not in self.left_out]

    def questions_of(self, method_a: str, method_b: str) -> list[str]:
        """The questions in which two methods can be compared."""
        return [q for q in self.questions if not {(method_a, q), (method_b, q)} & self.left_out]

    def of_both(self, pairs: pd.DataFrame, method_a: str, method_b: str) -> pd.DataFrame:
        """Pairs of what is asked with both: the others are not incomplete, they are none."""
        return pairs[pairs["question"].isin(self.questions_of(method_a, method_b))] if self.left_out else pairs


def analyse(
    frame: pd.DataFrame,
    plan: AnalysisPlan,
    *,
    localisation: pd.DataFrame | None = None,
    meta: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Analyse a study's responses by its plan. Returns JSON-able data without NaN; the same input gives the same.

    frame         one row per response with the long export's columns (`frame.COLUMNS`; at least `frame.REQUIRED`).
    localisation  example, method, iou and perhaps kind: one row per map that has a mask.
    meta          what the frame cannot tell, all optional:
                  study       title of the study
                  methods     {key: label}, in the order in which A and B are to be taken (default: sorted keys)
                  kinds       {key: [title of each explanation kind]}, what the methods showed
                  questions   {key: {"text", "minimum", "maximum", "minimum_label", "maximum_label"}}, in order
                  design      [(what, how)]: how the reads were laid out
                  data_sha256  hash of the long export
                  not_asked   [(key of the method, key of the question)] of what is not asked, so not missing either
                  complete_study  answers that were asked for (at least: every combination of what the frame has)
                  plan_fixed_at  ISO time when the plan was fixed; deviations, exclusions, looks: lists of sentences

    Raises AnalysisError, with a sentence, when the frame breaks its contract. Data that are too few, or do not vary,
    raise nothing: the number is None and a `note` beside it says why.
    """
    meta = dict(meta or {})
    data = normalise(frame)
    responses = analysed(data)
    methods = _in_order(meta.get("methods"), responses["method"])
    questions = _in_order(meta.get("questions"), responses["question"])
    asked = Asked(methods, questions, frozenset(tuple(entry) for entry in meta.get("not_asked", [])))
    pairs = {(a, b): asked.of_both(pair(responses, a, b), a, b) for a, b in method_pairs(methods)}
    results: dict[str, Any] = {
        "study": str(meta.get("study") or next(iter(data["study"].dropna().astype(str)), "")),
        "simulated": bool(data["simulated"].any()),
        "plan": plan.to_dict(),
        "plan_fixed_at": meta.get("plan_fixed_at"),
        "design": [list(entry) for entry in meta.get("design", [])],
        "data_sha256": meta.get("data_sha256"),
        "methods": {key: str((meta.get("methods") or {}).get(key) or _label(key)) for key in methods},
        "kinds": {key: [str(kind) for kind in (meta.get("kinds") or {}).get(key) or []] for key in methods},
        "questions": {key: _question(key, meta, responses) for key in questions},
        "not_asked": [list(entry) for entry in sorted(asked.left_out)],
        "flow": descriptives.flow(data, responses, pairs, int(meta.get("complete_study") or 0), len(asked.left_out)),
        "paired": _paired(pairs, asked, plan),
        "agreement": agreement_rows(responses, plan, methods=methods, questions=questions),
        "contrasts": _each(effects.contrast_row, pairs, asked, plan),
        "crossover": [row for truth in TRUTHS for row in _each(effects.crossover_row, pairs, asked, plan, truth=truth)],
        "periods": [
            row
            for a, b in pairs
            for question in asked.questions_of(a, b)
            for row in effects.period_rows(responses, plan, question=question, method_a=a, method_b=b)
        ],
        "models": [
            effects.model_row(responses, plan, question=question, truth=truth, methods=shown)
            for question in questions
            for truth in TRUTHS
            if len(shown := asked.methods_of(question)) > 1 or not asked.left_out
        ],
        "mrmc": _mrmc(responses, methods, questions, plan),
        "scores": descriptives.score_counts(responses),
        "means": descriptives.mean_rows(responses, plan),
        "timing": descriptives.timing(responses),
        "localisation": descriptives.localisation_part(responses, localisation, plan),
        "sensitivity": _zero_rules(pairs, plan),
        "exclusions": [str(item) for item in meta.get("exclusions", [])],
        "looks": [str(item) for item in meta.get("looks", [])],
        "versions": {**software(), "python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
    }
    results["deviations"] = cautions.deviation_sentences(data, plan, meta, results)
    results["warnings"] = cautions.warning_sentences(results, data, pairs, plan)
    results["answer"] = sentences.answer(results, plan)
    return jsonable(results)


def jsonable(value: Any) -> Any:
    """Plain JSON data: NumPy scalars become Python's, and no NaN or infinity remains (they become None)."""
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


def _paired(pairs: dict[tuple[str, str], pd.DataFrame], asked: Asked, plan: AnalysisPlan) -> list[dict[str, Any]]:
    rows = [
        row
        for (a, b), members in pairs.items()
        for question in asked.questions_of(a, b)
        for row in paired_rows(members, plan, question=question, method_a=a, method_b=b)
    ]
    adjust(rows, plan)
    return rows


def _mrmc(
    responses: pd.DataFrame, methods: list[str], questions: list[str], plan: AnalysisPlan
) -> list[dict[str, Any]]:
    return mrmc_part(
        responses[responses["truth"].isin(["TP", "FP"])],
        methods,
        natural_sort(responses["reader"]),
        questions,
        covariance=plan.covariance,
        alpha=plan.alpha,
        inference_mode=plan.inference_mode,
        margin=plan.margin,
    )


def _each(
    function: Any, pairs: dict[tuple[str, str], pd.DataFrame], asked: Asked, plan: AnalysisPlan, **more: Any
) -> list:
    return [
        function(members, plan, question=question, method_a=a, method_b=b, **more)
        for (a, b), members in pairs.items()
        for question in asked.questions_of(a, b)
    ]


def _zero_rules(pairs: dict[tuple[str, str], pd.DataFrame], plan: AnalysisPlan) -> dict[str, float | None]:
    """The primary endpoint's p value under each zero rule: how much the planned rule decides."""
    found: dict[str, float | None] = dict.fromkeys(ZERO_RULES)
    for members in list(pairs.values())[:1]:
        asked = complete(members[members["question"] == plan.primary_endpoint.question])
        d = of_truth(asked, plan.primary_endpoint.truth)["difference"].to_numpy(dtype=float)
        if len(d) >= plan.minimum_pairs and d.any():
            found = {rule: signed_rank(d, rule).p_value for rule in ZERO_RULES}
    return found


def _in_order(named: Mapping[str, Any] | None, found: pd.Series) -> list[str]:
    present = natural_sort(found)
    first = [str(key) for key in named or {} if str(key) in present]
    return first + [key for key in present if key not in first]


def _label(method: str) -> str:
    return f"Method {method}" if len(method) <= 2 else method


def _question(key: str, meta: Mapping[str, Any], responses: pd.DataFrame) -> dict[str, Any]:
    given = dict((meta.get("questions") or {}).get(key) or {})
    scores = responses.loc[responses["question"] == key, "score"]
    likert = scores.between(1, 5).all() and (scores == scores.round()).all()
    low, high = (1, 5) if likert or not len(scores) else (float(scores.min()), float(scores.max()))
    return {"text": key, "minimum": low, "maximum": high, "minimum_label": "", "maximum_label": ""} | given
