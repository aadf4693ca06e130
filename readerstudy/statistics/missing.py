"""How far the primary result depends on missing and excluded answers: beside the planned one, two others.

`excluded answers put back`: as if nothing had been excluded. `worst case`: every missing or excluded answer of a reader
and an example in the study gets the end of the scale that works against the difference found, the lowest score with the
method that scored higher and the highest with the other (for an AUC: the ends that separate worst). No other values of
those answers could turn the result further, so these are bounds (Manski 1990, American Economic Review 80, 319).
"""

from __future__ import annotations

import math

import pandas as pd

from readerstudy.statistics.frame import analysed, complete, of_truth, pair
from readerstudy.statistics.mrmc.data import MRMCError, scores_from_frame
from readerstudy.statistics.mrmc.obuchowski_rockette import obuchowski_rockette
from readerstudy.statistics.mrmc.sentences import primary_mode
from readerstudy.statistics.paired import compare, planned_p
from readerstudy.statistics.plan import MEAN_TESTS, AnalysisError, AnalysisPlan
from readerstudy.statistics.rows import MissingRow, Question
from readerstudy.statistics.scores.choice import run, score_test_for
from readerstudy.statistics.scores.data import differences, scores_from_rows

PLANNED, PUT_BACK, WORST = "planned", "excluded answers put back", "worst case"


def missing_part(
    data: pd.DataFrame, responses: pd.DataFrame, methods: tuple[str, str], scale: Question, plan: AnalysisPlan
) -> list[MissingRow]:
    """The three results; [] where no answer of the comparison is missing or excluded.

    data: the normalised frame; responses: what is analysed of it; methods: (new, reference) of the primary comparison.
    """
    planned = _of(responses, methods, plan)
    every = _put_back(data) if data["excluded"].any() else responses
    restored = None if every is None else _of(every, methods, plan)
    base = planned if every is None or restored is None else restored
    new, reference = methods
    grid = _grid(base)
    n_lacking = len(grid) - len(planned)
    if not n_lacking:
        return []
    first = _result(PLANNED, planned, 0, new, reference, plan)
    rows = [first]
    if restored is None:
        rows.append(MissingRow(PUT_BACK, 0, 0, note="Two current answers to one thing: they cannot be put back."))
    else:
        rows.append(_result(PUT_BACK, restored, len(restored) - len(planned), new, reference, plan))
    if first.difference is None:
        return rows
    worst = _worst(planned, grid, first.difference, methods, scale, plan)
    return [*rows, _result(WORST, worst, n_lacking, new, reference, plan)]


def _of(responses: pd.DataFrame, methods: tuple[str, str], plan: AnalysisPlan) -> pd.DataFrame:
    """The answers that the primary comparison could use."""
    endpoint = plan.primary_endpoint
    asked = responses[(responses["question"] == endpoint.question) & responses["method"].isin(methods)]
    return of_truth(asked, endpoint.truth)


def _put_back(data: pd.DataFrame) -> pd.DataFrame | None:
    try:
        return analysed(data.assign(excluded=False))
    except AnalysisError:
        return None


def _grid(answers: pd.DataFrame) -> pd.DataFrame:
    """Every example for every reader with each method that the reader used: what there would be without a gap.

    Where readers or methods have examples of their own (split plots, nested cases) only what was answered is known to
    have been asked.
    """
    about = ["question", "example", "case", "patient", "pathology", "truth"]
    examples = answers[about].drop_duplicates("example")
    used = answers[["reader", "method"]].drop_duplicates()
    layout = answers[["reader", "example", "method", "truth", "score"]]
    if answers.empty or scores_from_frame(layout, for_auc=False).cases_design not in ("all", "gaps"):
        return answers[["reader", "method", *about]]
    return used.merge(examples, how="cross")


def _worst(
    answers: pd.DataFrame,
    grid: pd.DataFrame,
    difference: float,
    methods: tuple[str, str],
    scale: Question,
    plan: AnalysisPlan,
) -> pd.DataFrame:
    key = ["reader", "example", "method"]
    filled = grid.merge(answers[[*key, "score", "period"]], on=key, how="left")
    better = methods[0] if difference > 0 else methods[1]
    low = filled["method"] == better
    if plan.primary_endpoint.test == "obuchowski_rockette":
        low = low == (filled["truth"] == "TP")  # the better method separates worst where true positives are lowest
    ends = low.map({True: scale.minimum, False: scale.maximum}).astype(float)
    return filled.assign(score=filled["score"].fillna(ends))


def _result(
    scenario: str, answers: pd.DataFrame, filled: int, new: str, reference: str, plan: AnalysisPlan
) -> MissingRow:
    test = plan.primary_endpoint.test
    pairs = complete(pair(answers, reference, new)) if len(answers) else pd.DataFrame()
    try:
        if test == "obuchowski_rockette":
            return _auc(scenario, answers, filled, len(pairs), (new, reference), plan)
        if test in MEAN_TESTS:
            of_pairs = differences(scores_from_rows(answers, [reference, new]), reference, new)
            one = run(of_pairs, score_test_for(test, of_pairs.n_readers), alpha=plan.alpha)
            return MissingRow(scenario, filled, len(pairs), one.estimate, list(one.ci), one.p_value)
    except (AnalysisError, MRMCError) as problem:
        return MissingRow(scenario, filled, len(pairs), note=str(problem))
    if not len(pairs):
        return MissingRow(scenario, filled, 0, note="No reader answered this for an example with both methods.")
    row = compare(pair(answers, reference, new), plan, reference, new)
    return MissingRow(scenario, filled, len(pairs), row.mean_difference, row.ci_patient, planned_p(row, plan), row.note)


def _auc(
    scenario: str, answers: pd.DataFrame, filled: int, n_pairs: int, methods: tuple[str, str], plan: AnalysisPlan
) -> MissingRow:
    frame = answers.drop(columns="patient_key", errors="ignore").rename(columns={"patient": "patient_key"})
    found = obuchowski_rockette(scores_from_frame(frame, methods), covariance=plan.covariance, alpha=plan.alpha)
    mode, _ = primary_mode(plan.inference_mode, found.fewest_readers)
    one = getattr(found, mode).differences[methods]
    p_value = one.p_value if math.isfinite(one.p_value) else None
    ci = [one.ci_low, one.ci_high] if math.isfinite(one.ci_low) else None
    return MissingRow(scenario, filled, n_pairs, one.value, ci, p_value)
