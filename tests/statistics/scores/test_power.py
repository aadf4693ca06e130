"""Power of mean scores against simulation, and margins against their interval."""

import numpy as np
import pytest

from readerstudy.statistics.plan import AnalysisError
from readerstudy.statistics.scores import crossed_reml, margin_test, of_differences, readers_and_patients, run
from readerstudy.statistics.scores.power import (
    ScoreVariance,
    patients_needed,
    power,
    power_table,
)
from readerstudy.statistics.scores.simulate import Population, draw


def normal_studies(seed, v, readers, patients, cases, effect, studies):
    rng = np.random.default_rng(seed)
    shape = (studies, readers, patients * cases)
    d = effect + np.sqrt(v.reader) * rng.standard_normal((studies, readers, 1))
    d = d + np.sqrt(v.patient) * np.repeat(rng.standard_normal((studies, 1, patients)), cases, axis=2)
    d = d + np.sqrt(v.case) * rng.standard_normal((studies, 1, patients * cases))
    for values in d + np.sqrt(v.error) * rng.standard_normal(shape):
        yield of_differences(values, np.repeat(np.arange(patients), cases))


@pytest.mark.parametrize(
    ("readers", "patients", "cases", "effect", "mode"),
    [
        (6, 40, 1, 0.3, "readers_and_patients"),
        (10, 25, 2, 0.22, "readers_and_patients"),
        (3, 60, 1, 0.25, "fixed_readers"),
    ],
)
def test_power_is_what_simulated_studies_reach(readers, patients, cases, effect, mode):
    v = ScoreVariance(0.03 if mode != "fixed_readers" else 0.0, 0.15, 0.1, 0.8)
    studies = 1200
    found = [run(d, mode) for d in normal_studies(7, v, readers, patients, cases, effect, studies)]
    reached = np.mean([result.p_value < 0.05 for result in found])
    expected = power(v, readers, patients, effect, cases=cases, mode=mode)
    assert 0.3 < expected < 0.95
    assert reached == pytest.approx(expected, abs=0.045)  # 3.5 standard errors of the simulation
    if mode != "fixed_readers":
        shown = np.mean([margin_test(result, "non_inferiority", 0.1).shown for result in found])
        promised = power(v, readers, patients, effect, cases=cases, aim="non_inferiority", margin=0.1)
        assert shown == pytest.approx(promised, abs=0.045)


def test_equivalence_power_is_what_simulated_studies_reach():
    v = ScoreVariance(0.01, 0.1, 0.0, 0.6)
    found = [readers_and_patients(d) for d in normal_studies(8, v, 8, 60, 1, 0.02, 1500)]
    shown = np.mean([margin_test(result, "equivalence", 0.25).shown for result in found])
    assert shown == pytest.approx(power(v, 8, 60, 0.02, aim="equivalence", margin=0.25), abs=0.045)


def test_numbers_needed_are_the_fewest_that_reach_the_target():
    v = ScoreVariance.from_sds(reader=0.17, patient=0.4, error=0.9)
    n = patients_needed(v, 8, 0.3)
    assert power(v, 8, n, 0.3) >= 0.8 > power(v, 8, n - 1, 0.3)
    assert patients_needed(v, 3, 0.1) is None  # the readers' variance does not shrink with patients
    rows = power_table(v, 0.3, readers=(5, 10), patients=(60, 240))
    assert rows[1].power[240] > rows[0].power[240] > rows[0].power[60]
    assert rows[0].patients_needed > rows[1].patients_needed


def test_a_pilot_gives_back_the_variance_it_was_drawn_with():
    v = ScoreVariance(0.3, 0.2, 0.3, 0.8)
    pilot = next(normal_studies(9, v, 60, 150, 3, 0.0, 1))
    found = crossed_reml(pilot).components
    for name in ("reader", "patient", "case", "error"):
        assert getattr(found, name) == pytest.approx(getattr(v, name), rel=0.3)


def test_margins_are_judged_by_the_interval():
    scores = draw(np.random.default_rng(2), Population(effect=0.4, by_reader=0.1, by_case=0.4))[0]
    result = readers_and_patients(of_differences(scores[1] - scores[0]))
    low, high = result.ci
    assert 0 < low < high
    for aim, bound in (("non_inferiority", -0.1), ("superiority", 0.1), ("superiority", low + 0.01)):
        test = margin_test(result, aim, abs(bound))
        assert test.shown == (low > bound) == (test.p_value < 0.025)
    for margin in (high + 0.01, high - 0.01):
        test = margin_test(result, "equivalence", margin)
        assert test.shown == (high < margin) == (test.p_value < 0.025)
    wider = result.at(0.01)
    assert wider.ci[0] < low < high < wider.ci[1]


def test_senseless_plans_are_refused():
    v = ScoreVariance(0.1, 0.1, 0.0, 1.0)
    result = readers_and_patients(of_differences(np.random.default_rng(0).normal(size=(5, 30))))
    for wrong in (
        lambda: ScoreVariance(-0.1, 0, 0, 1),
        lambda: power(v, 1, 40, 0.3),
        lambda: power(v, 5, 40, 0.3, aim="non_inferiority"),
        lambda: power(v, 5, 40, 0.3, mode="fixed"),
        lambda: margin_test(result, "equivalence", 0.0),
        lambda: margin_test(result, "equality", 0.3),
        lambda: margin_test(result, "superiority", float("nan")),
    ):
        with pytest.raises(AnalysisError):
            wrong()
