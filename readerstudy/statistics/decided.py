"""Decisions, stated confidence, repeated answers and planned comparisons, as rows of results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd

from readerstudy.statistics.calibration import calibration
from readerstudy.statistics.mrmc.contrasts import Omnibus, PlannedContrast, PlannedContrasts, contrasts
from readerstudy.statistics.mrmc.data import MRMCError, scores_from_frame
from readerstudy.statistics.mrmc.decisions import DecisionEndpoint, SharesInMode, decisions
from readerstudy.statistics.mrmc.estimates import Estimate
from readerstudy.statistics.mrmc.rows import DifferenceRow, ModeResult, QuestionResult, UStatDifference
from readerstudy.statistics.plan import AnalysisError, AnalysisPlan
from readerstudy.statistics.repeated import repeated_agreement
from readerstudy.statistics.rows import PlannedComparisons, Question, QuestionCalibration, QuestionDecisions
from readerstudy.statistics.rows import QuestionRepeats as Repeats
from readerstudy.statistics.scores.choice import compare, primary_test
from readerstudy.statistics.scores.data import scores_from_rows
from readerstudy.statistics.scores.means import omnibus as omnibus_of_scores

Differences = Sequence[DifferenceRow] | Sequence[UStatDifference]


def decision_parts(
    responses: pd.DataFrame, methods_of: Mapping[str, list[str]], plan: AnalysisPlan
) -> list[QuestionDecisions]:
    """Decisions of every question with a threshold in the plan. methods_of: those that a question is asked with."""
    return [
        _decisions(responses[responses["question"] == one.question], one.question, one.at_least, methods, plan)
        for one in plan.trust_thresholds
        if (methods := methods_of.get(one.question))
    ]


def _decisions(
    answers: pd.DataFrame, question: str, threshold: float, methods: list[str], plan: AnalysisPlan
) -> QuestionDecisions:
    frame = answers.drop(columns="patient_key", errors="ignore").rename(columns={"patient": "patient_key"})
    control = plan.control if plan.control in methods else None
    options = {"alpha": plan.alpha, "inference_mode": plan.inference_mode, "control": control}
    try:
        data = scores_from_frame(frame, methods, for_auc=False)
        return QuestionDecisions(question, threshold, decisions(data, threshold=threshold, **options))  # type: ignore[arg-type]
    except MRMCError as problem:
        return QuestionDecisions(question, threshold, None, str(problem))


def calibration_parts(
    responses: pd.DataFrame, methods_of: Mapping[str, list[str]], questions: Mapping[str, Question], plan: AnalysisPlan
) -> list[QuestionCalibration]:
    """Calibration of the primary question and of those with a threshold of trust, which state a belief."""
    asked = dict.fromkeys([plan.primary_endpoint.question, *(one.question for one in plan.trust_thresholds)])
    found = []
    for question in (name for name in asked if name in questions and methods_of.get(name)):
        answers = responses[responses["question"] == question]
        scale = questions[question]
        try:
            result = calibration(
                answers.assign(right=(answers["truth"] == "TP").astype(int)),
                minimum=scale.minimum,
                maximum=scale.maximum,
                methods=[name for name in methods_of[question] if (answers["method"] == name).any()],
                alpha=plan.alpha,
                replicates=plan.bootstrap_replicates,
                seed=plan.bootstrap_seed,
            )
            found.append(QuestionCalibration(question, result))
        except AnalysisError as problem:
            found.append(QuestionCalibration(question, None, str(problem)))
    return found


def repeat_parts(repeated: pd.DataFrame, questions: Iterable[str], plan: AnalysisPlan) -> list[Repeats]:
    """Agreement of readers with themselves, from `frame.repeated`; [] where nothing was answered twice."""
    found = []
    for question in questions:
        answers = repeated[repeated["question"] == question]
        if len(answers):
            options = {"replicates": plan.bootstrap_replicates, "seed": plan.bootstrap_seed}
            rows = repeated_agreement(answers.assign(occasion=answers["period"]), alpha=plan.alpha, **options)
            found.append(Repeats(question, list(rows)))
    return found


def planned_parts(
    responses: pd.DataFrame,
    methods_of: Mapping[str, list[str]],
    mrmc: Sequence[QuestionResult],
    decided: Sequence[QuestionDecisions],
    plan: AnalysisPlan,
) -> list[PlannedComparisons]:
    """Of questions asked with three methods or more: the test of all, and what the plan compares (else every pair)."""
    found = []
    for question, methods in methods_of.items():
        if len(methods) < 3:
            continue
        if question == plan.primary_endpoint.question:
            answers = responses[responses["question"] == question]
            found += [_of_scores(answers[answers["truth"] == truth], truth, methods, plan) for truth in ("TP", "FP")]
        found += [_of_auc(part, methods, plan) for part in mrmc if part.question == question and part.primary]
        found += [
            _of_shares(question, endpoint, methods, plan)
            for part in decided
            if part.question == question and part.found
            for endpoint in part.found.endpoints
        ]
    return found


def planned_contrasts(methods: Sequence[str], plan: AnalysisPlan) -> PlannedContrasts:
    """What the plan compares among these methods; every pair where it names none."""
    named = [pair for pair in plan.pairs(methods) if pair.new in methods and pair.reference in methods]
    pairs = [PlannedContrast(pair.new, pair.reference, pair.primary) for pair in named]
    return PlannedContrasts(tuple(pairs or (PlannedContrast(b, a) for a, b in combinations(methods, 2))))


def _of_scores(answers: pd.DataFrame, truth: str, methods: list[str], plan: AnalysisPlan) -> PlannedComparisons:
    """By the test of mean scores that so many readers allow: readers and patients random, or these readers."""
    question, endpoint = plan.primary_endpoint.question, f"score {truth}"
    planned = planned_contrasts(methods, plan)
    try:
        data = scores_from_rows(answers, methods)
        test = primary_test(len(data.readers))
        estimates = {}
        for pair in planned.named:
            one = compare(data, pair.reference, pair.new, test, alpha=plan.alpha)
            p_value = np.nan if one.p_value is None else one.p_value
            estimates[pair.new, pair.reference] = Estimate(one.estimate, one.se, one.df, p_value, *one.ci)
        every = omnibus_of_scores(data, readers_random=test == "readers_and_patients")
    except AnalysisError as problem:
        return PlannedComparisons(question, endpoint, None, None, note=str(problem))
    rows = list(contrasts(estimates, planned).rows)
    overall = None
    if every.statistic is not None and every.p_value is not None:
        overall = Omnibus(every.statistic, every.df1, every.df2, every.p_value)
    return PlannedComparisons(question, endpoint, every.speaks_for, overall, rows)


def _of_auc(part: QuestionResult, methods: list[str], plan: AnalysisPlan) -> PlannedComparisons:
    primary = part.primary
    assert primary is not None
    mode = None if primary.mode == "ustat" else getattr(part, primary.mode)
    return _planned(part.question, "auc", primary.scope, mode, primary.differences, methods, plan)


def _of_shares(question: str, endpoint: DecisionEndpoint, methods: list[str], plan: AnalysisPlan) -> PlannedComparisons:
    differences = endpoint.primary.differences if endpoint.primary else endpoint.ustat
    return _planned(question, endpoint.endpoint, endpoint.scope, endpoint.primary, differences, methods, plan)


def _planned(
    question: str,
    endpoint: str,
    scope: str | None,
    mode: ModeResult | SharesInMode | None,
    differences: Differences,
    methods: list[str],
    plan: AnalysisPlan,
) -> PlannedComparisons:
    overall = Omnibus(mode.statistic, mode.df1, mode.df2, mode.p_value) if mode else None
    found = PlannedComparisons(question, endpoint, scope, overall)
    try:
        estimates = {(row.method_a, row.method_b): _estimate(row) for row in differences}
        return replace(found, rows=list(contrasts(estimates, planned_contrasts(methods, plan)).rows))
    except MRMCError as problem:
        return replace(found, note=str(problem))


def _estimate(row: DifferenceRow | UStatDifference) -> Estimate:
    if isinstance(row, UStatDifference):
        se, df = float(np.sqrt(row.variance)), row.df_bdg
    else:
        se, df = row.se, row.df
    return Estimate(row.difference, se, df, row.p_value, row.ci_low, row.ci_high)
