"""Ordinal, linear and GEE models against R's ordinal, lmerTest and geepack; for whom each speaks; what it refuses."""

import numpy as np
import pytest

from readerstudy.statistics.plan import AnalysisError
from readerstudy.statistics.scores import gee_model, linear_model, ordinal_model
from readerstudy.statistics.scores.effects import random_effects
from readerstudy.statistics.scores.ordinal import fit_ordinal
from tests.statistics.scores.oracles import EXPECTED, NAMES, crossover, design

TERMS = ("methodB", "period2")


def effects_of(rows, *factors):
    pair = (rows["reader"] + rows["example"]).to_numpy()
    known = {"reader": rows["reader"].to_numpy(), "case": rows["example"].to_numpy(), "reader:case": pair}
    return random_effects({name: known[name] for name in factors}) if factors else None


@pytest.mark.parametrize("name", NAMES)
def test_the_cumulative_logit_mixed_model_reaches_the_polished_figures(name):
    rows, expected = crossover(name), EXPECTED[name]["clmm_polished_by_us"]
    fit = fit_ordinal(
        rows["score"].to_numpy(float), design(rows), TERMS, effects_of(rows, "reader", "case", "reader:case")
    )

    assert fit.log_likelihood == pytest.approx(expected["logLik"], abs=1e-8)
    assert fit.thresholds == pytest.approx(expected["thresholds"], abs=1e-5)
    for term in fit.terms:
        assert term.estimate == pytest.approx(expected["beta"][term.name], abs=2e-6)
        assert term.odds_ratio()[0] == pytest.approx(np.exp(expected["beta"][term.name]), rel=1e-5)
        assert term.se == pytest.approx(expected["se_beta"][term.name], rel=2e-6)
    for factor, sd in expected["random_sd"].items():
        assert fit.random_sd[factor] == pytest.approx(sd, abs=2e-6)
    assert fit.converged


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("model", "factors"),
    [
        ("clmm_logit_two_random", ("reader", "case")),
        ("clmm_reader_only_laplace", ("reader",)),
        ("clm_logit", ()),
        ("clmm_logit_truth", ("reader", "case", "reader:case")),
    ],
)
def test_other_cumulative_logit_models_agree_with_r(name, model, factors):
    rows, expected = crossover(name), EXPECTED[name]["ordinal"][model]
    x, terms = design(rows), TERMS
    if model == "clmm_logit_truth":
        truth = rows["truth"].to_numpy(float)
        x = np.column_stack([truth, x, truth * x[:, 0]])
        terms = ("truth", *TERMS, "truth:methodB")
    fit = fit_ordinal(rows["score"].to_numpy(float), x, terms, effects_of(rows, *factors))

    assert fit.log_likelihood == pytest.approx(expected["logLik"], abs=1e-4)
    table = {row["term"]: row for row in expected["table"]}
    for term in fit.terms:  # clmm itself is good to 3e-5 in estimates and 6e-4 in standard errors
        assert term.estimate == pytest.approx(table[term.name]["Estimate"], abs=3e-5)
        assert term.se == pytest.approx(table[term.name]["Std. Error"], rel=6e-4)
    for factor, sd in expected["random_sd"].items():
        assert fit.random_sd[factor] == pytest.approx(sd, rel=1e-4)


def test_the_models_say_for_whom_they_speak():
    rows = crossover("g_crossover_1")
    plain = ordinal_model(rows, ["A", "B"])
    fixed = ordinal_model(rows, ["A", "B"], readers="fixed")
    vary = ordinal_model(rows, ["A", "B"], vary=True)

    assert plain.speaks_for == fixed.speaks_for == "these readers only, with patients like these"
    assert vary.speaks_for == "readers and patients like these"
    assert set(vary.random_sd) == {"reader", "case", "reader x method", "case x method"}
    assert vary.of_method("B").se >= plain.of_method("B").se
    middle, low, high = plain.of_method("B").odds_ratio
    expected = EXPECTED["g_crossover_1"]["ordinal"]["clmm_logit_two_random"]["table"]
    assert middle == pytest.approx(np.exp(next(r["Estimate"] for r in expected if r["term"] == "methodB")), abs=1e-3)
    assert low < middle < high
    assert [(e.factor, e.level, e.reference) for e in plain.effects] == [("method", "B", "A"), ("period", "2", "1")]
    assert sum(effect.factor == "reader" for effect in fixed.effects) == 7


def test_method_effects_that_vary_between_readers_widen_the_interval():
    rng = np.random.default_rng(5)
    rows = crossover("g_crossover_1")
    own = dict(zip(sorted(rows["reader"].unique()), rng.normal(0, 1.2, 8), strict=True))
    shift = rows["reader"].map(own) * np.where(rows["method"] == "B", 0.5, -0.5)
    rows["score"] = np.clip(np.rint(rows["score"] + shift), 1, 5)
    plain, vary = ordinal_model(rows, ["A", "B"]), ordinal_model(rows, ["A", "B"], vary=True)
    assert vary.random_sd["reader x method"] > 0.5
    assert vary.of_method("B").se > 2 * plain.of_method("B").se


@pytest.mark.parametrize("name", NAMES)
def test_the_linear_model_of_scores_is_lmers(name):
    found = linear_model(crossover(name), ["A", "B"]).of_method("B")
    expected = EXPECTED[name]["lmer"]["score_REML"]["fixed_satterthwaite"][1]
    assert (found.estimate, found.se) == pytest.approx((expected["Estimate"], expected["Std. Error"]), rel=1e-5)
    assert (found.df, found.odds_ratio) == (pytest.approx(expected["df"], rel=1e-4), None)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("cluster", ["reader", "case"])
@pytest.mark.parametrize("outcome", ["correct", "logtime"])
def test_gee_agrees_with_geeglm(name, cluster, outcome):
    rows = crossover(name)
    rows["score"] = rows["correct"] if outcome == "correct" else np.log(rows["time_s"])
    if cluster == "case":
        rows["patient"] = rows["example"]
    family = "binomial" if outcome == "correct" else "gaussian"
    fit = gee_model(rows, ["A", "B"], cluster="reader" if cluster == "reader" else "patient", family=family)

    table = {row["term"]: row for row in EXPECTED[name]["geeglm"][f"{outcome}_{cluster}_independence"]["table"]}
    found, expected = fit.of_method("B"), table["methodB"]
    assert (found.estimate, found.se) == pytest.approx((expected["Estimate"], expected["Std.err"]), rel=1e-6)
    assert ("these cases only" if cluster == "reader" else "these readers only") in fit.speaks_for


@pytest.mark.parametrize("model", [ordinal_model, linear_model, gee_model])
def test_what_cannot_be_modelled_is_refused_in_words(model):
    rows = crossover("g_crossover_1")
    with pytest.raises(AnalysisError, match="Only one method"):
        model(rows[rows["method"] == "A"], ["A", "B"])
    with pytest.raises(AnalysisError, match="cannot be told apart"):
        model(rows[(rows["method"] == "A") == (rows["period"] == 1)], ["A", "B"])


def test_equal_scores_are_refused():
    rows = crossover("g_crossover_1").assign(score=4)
    with pytest.raises(AnalysisError, match="All scores are equal"):
        ordinal_model(rows, ["A", "B"])
    with pytest.raises(AnalysisError, match="do not vary"):
        linear_model(rows, ["A", "B"])


def test_periods_are_left_out_where_there_is_one():
    rows = crossover("g_crossover_1").assign(period=1)
    assert [effect.factor for effect in ordinal_model(rows, ["A", "B"]).effects] == ["method"]
