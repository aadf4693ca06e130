"""The crossed random model by REML: closed form against the maximised likelihood, against lmer, with gaps."""

import numpy as np
import pytest

from readerstudy.statistics.plan import AnalysisError
from readerstudy.statistics.scores import crossed_reml, of_differences
from readerstudy.statistics.scores.crossed import fitted
from readerstudy.statistics.scores.effects import random_effects
from readerstudy.statistics.scores.linear import fit_linear
from readerstudy.statistics.scores.simulate import Population, draw
from tests.statistics.scores.oracles import EXPECTED, NAMES, crossover, design


def simulated(seed, **population):
    p = Population(**population)
    scores = draw(np.random.default_rng(seed), p)[0]
    return of_differences(scores[1] - scores[0], p.patients)


@pytest.mark.parametrize("cases_per_patient", [1, 4])
@pytest.mark.parametrize(("by_reader", "by_case"), [(0.3, 0.8), (0.0, 0.0), (0.0, 0.5), (0.05, 0.1)])
@pytest.mark.parametrize("seed", [1, 2])
def test_the_closed_form_is_the_maximum_also_on_the_boundary(cases_per_patient, by_reader, by_case, seed):
    d = simulated(seed, readers=4, cases=48, cases_per_patient=cases_per_patient, by_reader=by_reader, by_case=by_case)
    result = crossed_reml(d)
    estimate, variance, df, parts = fitted(d)
    assert (result.estimate, result.se**2) == pytest.approx((estimate, variance), rel=1e-7)
    assert result.df == pytest.approx(df, rel=1e-5)
    for name in ("reader", "patient", "error") + (("case",) if cases_per_patient > 1 else ()):
        assert getattr(result.components, name) == pytest.approx(getattr(parts, name), rel=1e-5, abs=1e-7)


def test_interior_components_are_those_of_the_analysis_of_variance():
    d = simulated(3, readers=6, cases=60, by_reader=0.5, by_case=0.9)
    values, r, c = d.values, 6, 60
    ms_r = c * values.mean(axis=1).var(ddof=1)
    ms_c = r * values.mean(axis=0).var(ddof=1)
    left = values - values.mean(axis=1)[:, None] - values.mean(axis=0) + values.mean()
    ms_e = (left**2).sum() / ((r - 1) * (c - 1))
    result = crossed_reml(d)
    assert result.components.reader == pytest.approx((ms_r - ms_e) / c)
    assert result.components.patient == pytest.approx((ms_c - ms_e) / r)
    assert result.se**2 == pytest.approx((ms_r + ms_c - ms_e) / (r * c))
    spread = ms_r**2 / (r - 1) + ms_c**2 / (c - 1) + ms_e**2 / ((r - 1) * (c - 1))
    assert result.df == pytest.approx((ms_r + ms_c - ms_e) ** 2 / spread)


def test_gaps_and_patients_of_unequal_size_are_fitted():
    d = simulated(4, readers=6, cases=60, cases_per_patient=4, by_reader=0.4, by_case=0.8)
    values = d.values.copy()
    values[np.random.default_rng(0).random(values.shape) < 0.1] = np.nan
    gaps, whole = crossed_reml(of_differences(values, d.patients)), crossed_reml(d)
    assert gaps.se == pytest.approx(whole.se, rel=0.2)
    assert abs(gaps.estimate - whole.estimate) < whole.se
    assert gaps.size.pairs == np.isfinite(values).sum()


def test_no_variance_between_readers_is_said():
    result = crossed_reml(simulated(5, readers=4, cases=40))
    assert result.components.reader == 0
    assert any("estimated as zero" in warning for warning in result.warnings)


# lmer's optimiser stops short of the last digits (its criterion is never below ours): hence the tolerances.
FITS = {
    "score_REML": ("score", ("reader", "example", "pair"), True),
    "score_two_random_REML": ("score", ("reader", "example"), True),
    "score_ML": ("score", ("reader", "example", "pair"), False),
    "logtime_REML": ("log_time", ("reader", "example"), True),
    "logtime_ML": ("log_time", ("reader", "example"), False),
    "logtime_three_random_REML": ("log_time", ("reader", "example", "reader_method"), True),
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("fit", FITS)
def test_linear_mixed_models_agree_with_lmer(name, fit):
    rows, expected = crossover(name), EXPECTED[name]["lmer"][fit]
    rows["log_time"], rows["pair"] = np.log(rows["time_s"]), rows["reader"] + rows["example"]
    rows["reader_method"] = rows["reader"] + rows["method"]
    outcome, factors, reml = FITS[fit]
    x = np.column_stack([np.ones(len(rows)), design(rows)])
    effects = random_effects({factor: rows[factor].to_numpy() for factor in factors})

    found = fit_linear(rows[outcome].to_numpy(float), x, ("(Intercept)", "methodB", "period2"), effects, reml=reml)

    assert found.criterion <= expected["criterion"] + 1e-7
    assert found.criterion == pytest.approx(expected["criterion"], abs=1e-6)
    for term, reference in zip(found.terms, expected["fixed_satterthwaite"], strict=True):
        assert term.estimate == pytest.approx(reference["Estimate"], abs=1e-10)
        assert term.se == pytest.approx(reference["Std. Error"], rel=1e-4)
        assert term.df == pytest.approx(reference["df"], rel=3e-4)
    names = {"reader": "reader", "case": "example", "reader:case": "pair", "reader:method": "reader_method"}
    for part in expected["random"]:
        if part["group"] == "Residual":
            assert found.residual == pytest.approx(part["var"], rel=5e-5)
        else:
            assert found.variances[names[part["group"]]] == pytest.approx(part["var"], rel=1e-3, abs=1e-9)
    if fit in ("score_REML", "score_two_random_REML", "logtime_REML"):  # balanced, none on the boundary
        for term, reference in zip(found.terms, expected["fixed_kenward_roger"], strict=True):
            assert term.df == pytest.approx(reference["df"], rel=1e-4)


def test_what_has_no_solution_is_refused():
    rows = crossover("g_crossover_1")
    effects = random_effects({"reader": rows["reader"].to_numpy(), "case": rows["example"].to_numpy()})
    x = design(rows)
    with pytest.raises(AnalysisError, match="cannot be told apart"):
        fit_linear(rows["score"].to_numpy(float), np.column_stack([x, x[:, 0]]), ("a", "b", "c"), effects)
    with pytest.raises(AnalysisError, match="do not vary"):
        fit_linear(np.full(len(rows), 3.0), np.ones((len(rows), 1)), ("mean",), effects)
