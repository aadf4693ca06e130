"""One call from the long export to everything the report says: `analyse`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TypedDict

import pandas as pd

from readerstudy.statistics import descriptives, effects
from readerstudy.statistics.agreement import agreement_rows
from readerstudy.statistics.decided import calibration_parts, decision_parts, planned_parts, repeat_parts
from readerstudy.statistics.frame import (
    SAME,
    analysed,
    complete,
    method_pairs,
    natural_sort,
    normalise,
    of_truth,
    pair,
    repeated,
)
from readerstudy.statistics.measures import Measured, measures_part
from readerstudy.statistics.missing import missing_part
from readerstudy.statistics.mrmc.rows import QuestionResult
from readerstudy.statistics.multiplicity import adjust
from readerstudy.statistics.paired import paired_rows, signed_rank
from readerstudy.statistics.plan import TRUTHS, ZERO_RULES, AnalysisPlan
from readerstudy.statistics.report.mrmc import mrmc_part
from readerstudy.statistics.rows import (
    About,
    ContrastRow,
    CrossoverRow,
    FactSection,
    Measures,
    MissingRow,
    ModelRow,
    OrdinalRow,
    PairedRow,
    PeriodRow,
    PlannedComparisons,
    Question,
    QuestionCalibration,
    QuestionDecisions,
    QuestionRepeats,
    ReadingTime,
    Results,
    ScoreRow,
    SubgroupResult,
)
from readerstudy.statistics.scores.comparing import margin_of, new_of, odds_ratios, tests_beside
from readerstudy.statistics.subgroups import subgroup_parts
from readerstudy.statistics.timed import reading_time_part
from readerstudy.statistics.words import cautions, sentences

# what the tests, models and means of scores look at: groups are cut from them hundreds of times
OF_SCORES = [*SAME, "case", "patient", "pathology", "truth", "score", "period"]


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
    measured: Measured | None = None,
    about: About | None = None,
) -> Results:
    """Analyse a study's responses by its plan. The same input gives the same results.

    frame         one row per response with the long export's columns (`frame.COLUMNS`; at least `frame.REQUIRED`).
    localisation  example, method, iou and perhaps kind: one row per map that has a mask.
    measured      what metrics say of the explanations; about: what the frame cannot tell.

    Raises AnalysisError, with a sentence, when the frame breaks its contract. Data that are too few, or do not vary,
    raise nothing: the number is None and a `note` beside it says why.
    """
    about, data = about or About(), normalise(frame)
    responses = analysed(data)
    answers = responses[OF_SCORES]
    asked = _asked(about, responses)
    pairs = {(a, b): asked.of_both(pair(answers, a, b), a, b) for a, b in method_pairs(asked.methods)}
    compared = [Compared(q, a, b, rows) for (a, b), rows in pairs.items() for q in asked.questions_of(a, b)]
    results = Results(
        study=about.study or next(iter(data["study"].dropna().astype(str)), ""),
        simulated=bool(data["simulated"].any()),
        plan=plan,
        plan_fixed_at=about.plan_fixed_at,
        design=about.design,
        data_sha256=about.data_sha256,
        methods={key: about.methods.get(key) or _label(key) for key in asked.methods},
        kinds={key: about.kinds.get(key, []) for key in asked.methods},
        kind_titles=about.kind_titles,
        questions={key: about.questions.get(key) or _question(key, responses) for key in asked.questions},
        not_asked=sorted(asked.left_out),
        flow=descriptives.flow(data, responses, pairs, about.complete_study, len(asked.left_out)),
        paired=adjust(_paired(compared, plan), plan),
        score_tests=_score_tests(compared, plan),
        ordinal=_ordinal(answers, asked, plan),
        agreement=agreement_rows(answers, plan, methods=asked.methods, questions=asked.questions),
        contrasts=_contrasts(compared, plan),
        crossover=_crossover(compared, plan),
        periods=_periods(compared, answers, plan),
        models=_models(answers, asked, plan),
        mrmc=_mrmc(answers, asked, plan),
        scores=descriptives.score_counts(answers),
        means=descriptives.mean_rows(answers, plan),
        timing=descriptives.timing(responses),
        localisation=descriptives.localisation_part(responses, localisation, plan),
        sensitivity=_zero_rules(pairs, plan),
        exclusions=about.exclusions,
        looks=about.looks,
        reopenings=about.reopenings,
        versions=about.versions,
    )
    results = replace(results, **_decided(data, responses, asked, results, about, measured))
    return _worded(results, data, pairs, plan, about)


def _asked(about: About, responses: pd.DataFrame) -> Asked:
    """In the study's order, then what only the answers have."""
    methods = _in_order(about.methods, responses["method"])
    return Asked(methods, _in_order(about.questions, responses["question"]), frozenset(about.not_asked))


def _worded(
    results: Results, data: pd.DataFrame, pairs: dict[tuple[str, str], pd.DataFrame], plan: AnalysisPlan, about: About
) -> Results:
    """With its sentences, each of which may need those before."""
    results = replace(results, deviations=cautions.deviation_sentences(data, plan, about, results))
    results = replace(results, warnings=cautions.warning_sentences(results, data, pairs, plan))
    return replace(results, answer=sentences.answer(results, plan))


class _Decided(TypedDict):
    facts: list[FactSection]
    measures: Measures
    decisions: list[QuestionDecisions]
    calibration: list[QuestionCalibration]
    repeated: list[QuestionRepeats]
    planned: list[PlannedComparisons]
    reading_time: ReadingTime
    subgroups: list[SubgroupResult]
    missing: list[MissingRow]


def _decided(
    data: pd.DataFrame,
    responses: pd.DataFrame,
    asked: Asked,
    results: Results,
    about: About,
    measured: Measured | None,
) -> _Decided:
    """What is told beside the tests of scores and AUCs."""
    plan, answers = results.plan, responses[OF_SCORES]
    methods_of = {question: asked.methods_of(question) for question in asked.questions}
    decisions = decision_parts(answers, methods_of, plan)
    question = plan.primary_endpoint.question
    pair = _primary_pair(methods_of.get(question, []), plan)
    compared = pair is not None and question in results.questions
    return _Decided(
        facts=about.facts,
        measures=measures_part(responses, measured, plan),
        decisions=decisions,
        calibration=calibration_parts(answers, methods_of, results.questions, plan),
        repeated=repeat_parts(repeated(data), asked.questions, plan),
        planned=planned_parts(answers, methods_of, results.mrmc, decisions, plan),
        reading_time=reading_time_part(responses, asked.methods, plan.alpha),
        subgroups=subgroup_parts(answers, pair, plan, about.readers) if pair and compared else [],
        missing=missing_part(data, answers, pair, results.questions[question], plan) if pair and compared else [],
    )


def _primary_pair(methods: list[str], plan: AnalysisPlan) -> tuple[str, str] | None:
    """(new, reference) of the plan's primary comparison, else its first, else the first two methods."""
    if len(methods) < 2:
        return None
    named = [pair for pair in (plan.primary_pair, *plan.pairs(methods)) if pair and pair.new in methods]
    kept = [pair for pair in named if pair.reference in methods]
    return (kept[0].new, kept[0].reference) if kept else (methods[1], methods[0])


@dataclass(frozen=True)
class Compared:
    """Two methods with a question that is asked with both."""

    question: str
    method_a: str
    method_b: str
    pairs: pd.DataFrame  # as from frame.pair, of all such questions


def _contrasts(compared: list[Compared], plan: AnalysisPlan) -> list[ContrastRow]:
    return [
        effects.contrast_row(c.pairs, plan, question=c.question, method_a=c.method_a, method_b=c.method_b)
        for c in compared
    ]


def _crossover(compared: list[Compared], plan: AnalysisPlan) -> list[CrossoverRow]:
    return [
        effects.crossover_row(c.pairs, plan, question=c.question, truth=truth, method_a=c.method_a, method_b=c.method_b)
        for truth in TRUTHS
        for c in compared
    ]


def _paired(compared: list[Compared], plan: AnalysisPlan) -> list[PairedRow]:
    return [
        row
        for c in compared
        for row in paired_rows(c.pairs, plan, question=c.question, method_a=c.method_a, method_b=c.method_b)
    ]


def _score_tests(compared: list[Compared], plan: AnalysisPlan) -> list[ScoreRow]:
    """One for each question, truth and pair of methods that has enough pairs."""
    rows = []
    primary = (plan.primary_endpoint.question, plan.primary_endpoint.truth)
    for c in compared:
        for truth in TRUTHS:
            members = of_truth(c.pairs[c.pairs["question"] == c.question], truth)
            if len(complete(members)) < plan.minimum_pairs:
                continue
            counts, tests, note = tests_beside(members, plan, c.method_a, c.method_b)
            test = next((test for test in tests if test.test == counts), None)
            margin = margin_of(test, plan) if test and (c.question, truth) == primary else None
            rows.append(ScoreRow(c.question, truth, c.method_a, c.method_b, counts, tests, margin, note))
    return rows


def _ordinal(responses: pd.DataFrame, asked: Asked, plan: AnalysisPlan) -> list[OrdinalRow]:
    return [
        OrdinalRow(question, truth, *odds_ratios(of_truth(rows, truth), shown, plan))
        for question in asked.questions
        if len(shown := asked.methods_of(question)) > 1
        for rows in [responses[responses["question"] == question]]
        for truth in ("TP", "FP")
    ]


def _periods(compared: list[Compared], responses: pd.DataFrame, plan: AnalysisPlan) -> list[PeriodRow]:
    return [
        row
        for c in compared
        for row in effects.period_rows(responses, plan, question=c.question, method_a=c.method_a, method_b=c.method_b)
    ]


def _models(responses: pd.DataFrame, asked: Asked, plan: AnalysisPlan) -> list[ModelRow]:
    return [
        effects.model_row(responses, plan, question=question, truth=truth, methods=shown)
        for question in asked.questions
        for truth in TRUTHS
        if len(shown := asked.methods_of(question)) > 1 or not asked.left_out
    ]


def _mrmc(responses: pd.DataFrame, asked: Asked, plan: AnalysisPlan) -> list[QuestionResult]:
    return mrmc_part(
        responses[responses["truth"].isin(["TP", "FP"])],
        asked.methods,
        natural_sort(responses["reader"]),
        asked.questions,
        covariance=plan.covariance,
        alpha=plan.alpha,
        inference_mode=plan.inference_mode,
        margin=plan.margin,
        named=[(new := new_of(plan, a, b), a if new == b else b) for a, b in combinations(asked.methods, 2)],
    )


def _zero_rules(pairs: dict[tuple[str, str], pd.DataFrame], plan: AnalysisPlan) -> dict[str, float | None]:
    """The primary endpoint's p value under each zero rule: how much the planned rule decides."""
    found: dict[str, float | None] = dict.fromkeys(ZERO_RULES)
    for members in list(pairs.values())[:1]:
        asked = complete(members[members["question"] == plan.primary_endpoint.question])
        d = of_truth(asked, plan.primary_endpoint.truth)["difference"].to_numpy(dtype=float)
        if len(d) >= plan.minimum_pairs and d.any():
            found = {rule: signed_rank(d, rule).p_value for rule in ZERO_RULES}
    return found


def _in_order(named: Iterable[str], found: pd.Series) -> list[str]:
    present = natural_sort(found)
    first = [key for key in named if key in present]
    return first + [key for key in present if key not in first]


def _label(method: str) -> str:
    return f"Method {method}" if len(method) <= 2 else method


def _question(key: str, responses: pd.DataFrame) -> Question:
    """A question that the study says nothing of: its scale is 1 to 5, or what the scores span."""
    scores = responses.loc[responses["question"] == key, "score"]
    likert = scores.between(1, 5).all() and (scores == scores.round()).all()
    return Question(key, 1, 5) if likert or not len(scores) else Question(key, float(scores.min()), float(scores.max()))
