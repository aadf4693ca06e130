"""Power against Van Dyke's published figure, against the U of its limits, and against simulation."""

import numpy as np
import pytest

from readerstudy.statistics.mrmc import MRMCError, Pilot, cases_needed, obuchowski_rockette, power, power_table
from readerstudy.statistics.mrmc.components import Components
from readerstudy.statistics.mrmc.power import MODES, standard_error
from readerstudy.statistics.mrmc.simulate import RoeMetz, simulate_study
from tests.statistics.mrmc.oracles import synthetic, van_dyke

PILOT = Pilot(var_tr=2.004e-4, error=8.0229e-4, cov1=3.4661e-4, cov2=3.4407e-4, cov3=2.3903e-4, n_cases=114)


@pytest.mark.shared
def test_van_dyke_planned_with_ten_readers_and_165_cases():
    found = obuchowski_rockette(van_dyke())
    pilot = Pilot.from_components(found.components, 114)
    effect = float(np.ptp(found.means))
    assert effect == pytest.approx(0.0438003, abs=5e-8)
    assert power(pilot, 10, 165, effect) == pytest.approx(0.8054199, abs=5.1e-8)


@pytest.mark.parametrize("mode", MODES)
def test_at_the_pilots_own_size_the_standard_error_is_the_pilots(mode):
    result = obuchowski_rockette(synthetic("full5"))
    inference = getattr(result, mode)
    se, df = standard_error(Pilot.from_components(result.components, sum(result.n_cases)), 5, 44, mode)
    assert se == pytest.approx(inference.differences["A", "B"].se, rel=1e-9)
    assert df == pytest.approx(inference.differences["A", "B"].df, rel=1e-9)


@pytest.mark.parametrize("mode", MODES)
def test_without_effect_power_is_alpha_and_it_grows_with_readers_and_cases(mode):
    assert power(PILOT, 8, 200, 0.0, mode=mode) == pytest.approx(0.05, rel=1e-6)
    assert power(PILOT, 8, 200, 0.05, mode=mode) < power(PILOT, 12, 200, 0.05, mode=mode)
    assert power(PILOT, 8, 200, 0.05, mode=mode) < power(PILOT, 8, 400, 0.05, mode=mode)


@pytest.mark.parametrize("mode", MODES)
def test_at_the_margin_a_margin_aim_succeeds_with_half_alpha(mode):
    assert power(PILOT, 8, 200, -0.05, mode=mode, aim="non_inferiority", margin=0.05) == pytest.approx(0.025, rel=1e-4)
    assert power(PILOT, 8, 200, 0.02, mode=mode, aim="superiority", margin=0.02) == pytest.approx(0.025, rel=1e-4)


def test_cases_needed_is_the_fewest_that_reach_the_target():
    fewest = cases_needed(PILOT, 10, 0.0438)
    assert power(PILOT, 10, fewest, 0.0438) >= 0.8 > power(PILOT, 10, fewest - 1, 0.0438)


def test_too_few_readers_can_never_reach_it():
    assert cases_needed(PILOT, 3, 0.0438) is None


def test_the_table_is_power_by_readers_and_cases():
    (row,) = power_table(PILOT, 0.05, readers=[10], cases=[100, 200])
    assert row.readers == 10
    assert row.power == {100: power(PILOT, 10, 100, 0.05), 200: power(PILOT, 10, 200, 0.05)}
    assert row.cases_needed == cases_needed(PILOT, 10, 0.05)


def test_power_from_a_large_pilot_is_what_simulated_studies_reach():
    rng = np.random.default_rng(11)
    model = RoeMetz(reader=0.03, method_reader=0.03)
    size = {"auc": (0.75, 0.84), "model": model}
    pilots = [
        obuchowski_rockette(simulate_study(rng, readers=8, positives=40, negatives=40, **size)) for _ in range(60)
    ]
    names = ("var_tr", "error", "cov1", "cov2", "cov3")
    average = [float(np.mean([getattr(pilot.components, name) for pilot in pilots])) for name in names]
    planned = power(Pilot(*average, n_cases=80), 6, 120, 0.09)
    studies = [simulate_study(rng, readers=6, positives=60, negatives=60, **size) for _ in range(200)]
    reached = np.mean([obuchowski_rockette(study).random_readers.p_value < 0.05 for study in studies])
    assert 0.3 < planned < 0.95
    assert reached == pytest.approx(planned, abs=0.1)


def test_it_refuses_what_cannot_be_planned():
    with pytest.raises(MRMCError, match="one reader"):
        Pilot.from_components(Components(0, None, None, None, None, 1e-3, 1e-4, 0, 0), 50)
    with pytest.raises(MRMCError, match="too few"):
        power(PILOT, 1, 100, 0.05)
    with pytest.raises(MRMCError, match="no aim 'hope'"):
        power(PILOT, 5, 100, 0.05, aim="hope")
    with pytest.raises(MRMCError, match="no inference mode 'fixed'"):
        power(PILOT, 5, 100, 0.05, mode="fixed")
    with pytest.raises(MRMCError, match="leave nothing to chance"):
        power(Pilot(0.0, 0.0, 0.0, 0.0, 0.0, 120), 5, 100, 0.05)
    with pytest.raises(MRMCError, match="margin must be 0 or more"):
        power(PILOT, 5, 100, 0.05, aim="superiority", margin=-0.1)


@pytest.mark.parametrize(("var_r", "var_tr", "between"), [(-2e-4, -3e-4, None), (0.0, 0.0, None), (-2e-4, 3e-4, 3e-4)])
def test_readers_whose_differences_were_too_small_to_see_are_not_said_to_be_alike(var_r, var_tr, between):
    parts = Components(0.0, 0.0, 0.0, var_r, var_tr, 1e-3, 5e-4, 5e-4, 4e-4)
    pilot = Pilot.from_components(parts, 120)
    assert pilot.var_r_in_t == between
    if between is None:
        with pytest.raises(MRMCError, match="nested"):
            standard_error(pilot, 5, 120, paired_readers=False)
        assert standard_error(pilot, 5, 120, "fixed_readers", paired_readers=False)[0] > 0  # which needs it not
    nested = Components(0.0, None, 0.0, None, None, 1e-3, 0.0, 5e-4, 4e-4, var_tr)
    assert Pilot.from_components(nested, 120).var_r_in_t == between
