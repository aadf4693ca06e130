"""Where the power page takes variances from: a closed study's own answers, or the published study's, as bare numbers.

All are by question and what is planned; a page shows them as values of its form. Nothing of a study that is not closed
is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from readerstudy.analysis.gathering import study_data
from readerstudy.statistics.frame import analysed, normalise
from readerstudy.statistics.mrmc.data import MRMCError, scores_from_frame
from readerstudy.statistics.mrmc.endpoints import called
from readerstudy.statistics.mrmc.obuchowski_rockette import obuchowski_rockette
from readerstudy.statistics.mrmc.power import Pilot
from readerstudy.statistics.plan import AnalysisError, AnalysisPlan
from readerstudy.statistics.rows import Results
from readerstudy.statistics.scores.results import Components
from readerstudy.statistics.stored import StoredResultsError, from_json
from readerstudy.studies.models import Study

Values = Mapping[str, float | None]
SCORES = ("scores_TP", "scores_FP")
SHARES = ("sensitivity", "specificity")
ENDPOINTS = (*SCORES, "auc", *SHARES)

# Cohen et al., MIDL 2021: two readers, 240 examples (120 true, 120 false positives) of 234 patients. Of scores:
# standard deviations in points (REML). The others: on the scale of the share or area, decisions from score 4 on. Two
# readers say next to nothing about readers: a variance below zero is one too small to see. Where Var(R) + Var(TR) would
# be 0 by that, it is unknown.
_SD = ("sd_reader", "sd_patient", "sd_case", "sd_error")
_OR = ("var_tr", "error", "cov1", "cov2", "cov3", "n_cases", "var_r_in_t")
PUBLISHED_THRESHOLD = 4.0
PUBLISHED: dict[str, dict[str, Values]] = {
    "confidence": {
        "scores_TP": dict(zip(_SD, (0.168, 0.091, 0.0, 0.945))),
        "scores_FP": dict(zip(_SD, (0.115, 0.0, 0.318, 1.012))),
        "auc": dict(zip(_OR, (-3.020e-4, 1.0923e-3, 7.487e-4, 5.764e-4, 5.419e-4, 240, None))),
        "sensitivity": dict(zip(_OR, (5.602e-4, 1.3393e-3, 7.884e-4, 4.348e-4, 4.698e-4, 120, 5.602e-4))),
        "specificity": dict(zip(_OR, (-2.101e-4, 2.0024e-3, 1.3250e-3, 1.0431e-3, 1.0099e-3, 120, None))),
    },
    "feature": {
        "scores_TP": dict(zip(_SD, (0.052, 0.0, 0.855, 1.015))),
        "scores_FP": dict(zip(_SD, (0.0, 0.799, 0.0, 0.994))),
        "auc": dict(zip(_OR, (-3.756e-4, 1.2835e-3, 5.765e-4, 7.996e-4, 5.494e-4, 240, None))),
        "sensitivity": dict(zip(_OR, (-6.303e-4, 1.9653e-3, 5.760e-4, 8.993e-4, 5.742e-4, 120, None))),
        "specificity": dict(zip(_OR, (-7.353e-4, 1.7800e-3, 3.901e-4, 6.796e-4, 4.590e-4, 120, None))),
    },
}


def trusted_from(plan: AnalysisPlan, question: str, asked: float | None) -> float:
    """The score from which an answer trusts: as asked for, else as the plan says, else as published."""
    planned = plan.threshold(question)
    return asked if asked is not None else planned if planned is not None else PUBLISHED_THRESHOLD


def study_pilots(study: Study, endpoint: str, plan: AnalysisPlan, threshold: float | None) -> dict[str, Values]:
    """Values by question of a closed study; {} while answers are awaited, or where its answers give none.

    threshold: of shares, see trusted_from.
    """
    if study.state != Study.State.CLOSED:
        return {}
    if endpoint in SHARES:
        return _of_decisions(study, endpoint, plan, threshold)
    results = _last_results(study)
    if results is None:
        return {}
    if endpoint == "auc":
        return {part.question: _or_values(part.power.pilot) for part in results.mrmc if part.power}
    truth = endpoint.removeprefix("scores_")
    return {
        row.question: _sd_values(test.components)
        for row in results.score_tests
        if row.truth == truth
        for test in row.tests
        if test.test == "crossed_reml"
    }


def _last_results(study: Study) -> Results | None:
    last = study.analyses.filter(status="done", results__isnull=False).first()
    try:
        return from_json(last.results or {}) if last else None
    except StoredResultsError:  # the results page offers to run it again
        return None


def _sd_values(parts: Components) -> Values:
    variances = (parts.reader, parts.patient, parts.case, parts.error)
    return {name: round(max(value or 0.0, 0.0) ** 0.5, 4) for name, value in zip(_SD, variances, strict=True)}


def _or_values(pilot: Pilot) -> Values:
    values = asdict(pilot)
    values["var_r_in_t"] = pilot.var_r_in_t or None  # 0 in results stored before, where it was too small to see
    return {name: values[name] for name in _OR}


def _of_decisions(study: Study, endpoint: str, plan: AnalysisPlan, threshold: float | None) -> dict[str, Values]:
    """From the study's answers as they are, of questions with a threshold on their scale."""
    try:
        rows = analysed(normalise(study_data(study).frame))
    except AnalysisError:
        return {}
    frame = rows.drop(columns="patient_key").rename(columns={"patient": "patient_key"})
    found: dict[str, Values] = {}
    for question in study.questions.order_by("position"):
        trusted = trusted_from(plan, question.key, threshold)
        if not question.minimum < trusted <= question.maximum:
            continue
        try:
            scores = scores_from_frame(frame[frame["question"] == question.key])
            decisions = called(scores, trusted)
            parts = obuchowski_rockette(decisions, endpoint=endpoint).components
            pilot = Pilot.of(decisions, parts, endpoint)
        except MRMCError:
            continue  # a question without both kinds of examples, or with one reader, has none to give
        if pilot.error > 0:  # else all decided alike: that is not to say that all always would
            found[question.key] = _or_values(pilot)
    return found
