"""Period, order and adjusted effects: planted effects are found, confounding is said."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from statsmodels.genmod.cov_struct import Exchangeable

from readerstudy.statistics.effects import contrast_row, crossover_row, model_row, period_rows
from readerstudy.statistics.frame import analysed, normalise, pair
from readerstudy.statistics.plan import AnalysisPlan
from tests.statistics.frames import crossover

PLAN = AnalysisPlan(bootstrap_replicates=200)
BOTH = {"question": "confidence", "method_a": "A", "method_b": "B"}


def responses_of(frame: pd.DataFrame) -> pd.DataFrame:
    return analysed(normalise(frame))


def test_the_crossover_separates_method_from_period() -> None:
    made = crossover(examples=40).drop(columns="score")
    made["score"] = made["read"] + 2 * (made["method"] == "B")  # one point for the later read, two for B
    pairs = pair(responses_of(made), "A", "B")
    row = crossover_row(pairs, PLAN, truth="all", **BOTH)
    assert (row.method_effect, row.period_effect) == pytest.approx((2, 1))
    assert row.n_a_first == row.n_b_first == 40
    assert row.method_effect_ci is None  # every difference is the same, which does not make the effect certain
    assert "do not vary" in row.note


def test_one_order_only_is_said_to_be_confounded() -> None:
    frame = crossover()
    frame["read"] = (frame["method"] == "B").astype(int)
    row = crossover_row(pair(responses_of(frame), "A", "B"), PLAN, truth="TP", **BOTH)
    assert row.period_effect is None
    assert "24 pairs had A first and 0 had B first" in row.note
    model = model_row(responses_of(frame), PLAN, question="confidence", truth="TP", methods=["A", "B"])
    assert "confounded" in model.note
    assert model.terms == []


def test_within_a_period_methods_are_compared_between_examples() -> None:
    frame = crossover(examples=40)
    rows = period_rows(responses_of(frame), PLAN, **BOTH)
    first = next(row for row in rows if row.period == 1 and row.truth == "all")
    chosen = frame[(frame["question"] == "confidence") & (frame["read"] == 0)].groupby("method")["score"].mean()
    assert first.difference == pytest.approx(chosen["B"] - chosen["A"])
    assert first.ci_patient[0] < first.difference < first.ci_patient[1]


def test_the_contrast_is_the_effect_on_true_minus_that_on_false_positives() -> None:
    made = crossover(examples=40)
    made["score"] = 2 + (made["method"] == "B") * np.where(made["truth"] == "TP", 2, 1)
    row = contrast_row(pair(responses_of(made), "A", "B"), PLAN, **BOTH)
    assert row.contrast == pytest.approx(1)
    lone = contrast_row(pair(responses_of(made[made["truth"] == "TP"]), "A", "B"), PLAN, **BOTH)
    assert "Too few pairs" in lone.note


def test_a_mean_of_few_patients_denies_the_interval_of_the_contrast() -> None:
    made = crossover(examples=60)
    made = made[(made["truth"] == "TP") | (made["example"] < 12)]
    row = contrast_row(pair(responses_of(made), "A", "B"), PLAN, **BOTH)
    assert row.contrast is not None
    assert row.ci_patient is None
    assert row.note == "6 patients: too few for an interval (it takes 10)."


def test_the_model_is_the_gee_that_statsmodels_fits_from_a_formula() -> None:
    responses = responses_of(crossover(readers=3, examples=100))
    row = model_row(responses, PLAN, question="feature", truth="all", methods=["A", "B"])
    data = responses[responses["question"] == "feature"].sort_values("patient")
    formula = "score ~ C(method) + C(period) + C(reader) + C(pathology) + C(truth)"
    fit = smf.gee(formula, groups="patient", data=data, cov_struct=Exchangeable()).fit()
    assert row.note is None
    assert [term.estimate for term in row.terms] == pytest.approx(list(fit.params), rel=1e-6)
    assert [term.standard_error for term in row.terms] == pytest.approx(list(fit.bse), rel=1e-6)
    method = row.terms[1]
    assert (method.factor, method.level, method.reference) == ("method", "B", "A")
    assert method.ci[0] > 0.2  # 0.6 was planted, before rounding to the scale


def test_few_patients_get_corrected_standard_errors_and_a_sentence() -> None:
    row = model_row(responses_of(crossover(examples=30)), PLAN, question="feature", truth="all", methods=["A", "B"])
    assert row.n_clusters == 15
    assert "bias-reduced" in row.note


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda frame: frame[frame["method"] == "A"], "Only one method"),
        (lambda frame: frame[frame["example"] <= 18], "36 answers on 9 patients are too few for this model"),
        (lambda frame: frame.assign(score=2), "All answers are equal"),
        (lambda frame: frame.iloc[:0], "Only one method"),
    ],
)
def test_a_model_that_cannot_be_fitted_says_so(change, words: str) -> None:  # type: ignore[no-untyped-def]
    row = model_row(responses_of(change(crossover())), PLAN, question="feature", truth="TP", methods=["A", "B"])
    assert words in row.note


def test_a_fit_that_does_not_converge_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    import statsmodels.api as sm

    fit = sm.GEE.fit
    monkeypatch.setattr(sm.GEE, "fit", lambda self, **options: fit(self, **(options | {"maxiter": 1, "ctol": 1e-300})))
    row = model_row(responses_of(crossover(examples=60)), PLAN, question="feature", truth="all", methods=["A", "B"])
    assert row.note == "The model did not converge, so its numbers are not given."
    assert row.terms == []
