"""Decisions to trust: shares against counting and the packages, over-trust, properties, what cannot be."""

import numpy as np
import pytest

from readerstudy.statistics.mrmc import MRMCError, called, decisions, obuchowski_rockette, reader_scores, ustat
from readerstudy.statistics.mrmc.data import ReaderScores
from tests.statistics.mrmc.oracles2 import figures, names, scores

CLOSE = {"rel": 1e-6, "abs": 1e-12}


@pytest.mark.parametrize("name", names("e_"))
def test_they_are_the_packages_figures(name):
    found = decisions(scores(name))
    for endpoint in ("sensitivity", "specificity"):
        theirs = figures(name)["MRMCaov"][endpoint]["jackknife"]
        ours = found.endpoint(endpoint)
        for key, mode in (("RRRC", ours.random_readers), ("FRRC", ours.fixed_readers), ("RRFC", ours.fixed_cases)):
            assert mode.p_value == pytest.approx(theirs[key]["test_equality"][0]["p-value"], **CLOSE)
            for row in mode.methods:
                assert row.share == pytest.approx(theirs[key]["test_means"][row.method]["Estimate"], **CLOSE)
    accuracy = figures(name)["iMRMC_R_uStat11"]["uStat11.jointD"]["percent_correct"]
    assert found.endpoint("accuracy").pooled == pytest.approx({m: accuracy["mean"][m] for m in "AB"}, **CLOSE)
    assert found.endpoint("accuracy").ustat[0].variance == pytest.approx(accuracy["var"]["AminusB"], **CLOSE)


@pytest.mark.parametrize("name", names("a_", "b_", "c", "d_"))
def test_scores_from_the_threshold_on_are_trust(name):
    data = scores(name)
    found = decisions(data, threshold=3)
    sensitivity = found.endpoint("sensitivity")
    for row in sensitivity.readers:
        own = data.scores[data.methods.index(row.method), data.readers.index(row.reader)][data.truth == 1]
        assert (row.right, row.n) == ((own >= 3).sum(), (~np.isnan(own)).sum())
        assert row.share == pytest.approx(row.right / row.n)
    assert sensitivity.primary.p_value == pytest.approx(
        getattr(obuchowski_rockette(called(data, 3), endpoint="sensitivity"), sensitivity.mode).p_value
    )


def test_over_trust_is_agreeing_with_wrong_predictions_and_compared_with_the_control():
    data = scores("b_full3_1")
    found = decisions(data, threshold=3, control="A")
    agreed = (data.scores[:, :, data.truth == 0] >= 3).mean(axis=(1, 2))
    assert [row.share for row in found.over_trust.methods] == pytest.approx(agreed.tolist())
    against = {row.new: row for row in found.over_trust.against_control}
    assert set(against) == {"B", "C"}
    assert against["C"].difference == pytest.approx(agreed[2] - agreed[0])
    assert against["C"].ci_low < against["C"].difference < against["C"].ci_high
    last = decisions(data, threshold=3, control="C").over_trust.against_control
    assert {row.new: row.difference for row in last}["A"] == pytest.approx(-against["C"].difference)
    assert decisions(data, threshold=3).over_trust.against_control == ()


def test_patients_with_several_cases_are_the_unit():
    data = scores("h_clustered_1")
    found = decisions(data, threshold=3)
    assert found.covariance == "patient_jackknife"
    theirs = figures("h_clustered_1")["MRMCaov"]["sensitivity"]["jackknife_by_patient"]["RRRC"]["test_equality"][0]
    assert found.endpoint("sensitivity").random_readers.p_value == pytest.approx(theirs["p-value"], **CLOSE)
    assert decisions(scores("a_full2_1"), threshold=3).covariance == "jackknife"


@pytest.mark.parametrize("name", ["a_full2_1", "c1_readers_in_method_2", "c2_split_plot_2", "d_missing_1"])
@pytest.mark.parametrize("endpoint", ["auc", "sensitivity", "accuracy"])
def test_methods_swapped_flip_the_sign_and_readers_renamed_change_nothing(name, endpoint):
    data = scores(name) if endpoint == "auc" else called(scores(name), 3)
    order = np.random.default_rng(0).permutation(len(data.readers))
    turned = ReaderScores(data.scores[::-1][:, order], data.truth, ("B", "A"), tuple(data.readers[i] for i in order))
    for analysis in (obuchowski_rockette, ustat):
        once, again = analysis(data, endpoint=endpoint), analysis(turned, endpoint=endpoint)
        parts = ["random_readers", "fixed_readers", "fixed_cases"] if analysis is obuchowski_rockette else [None]
        for part in parts:
            first = (getattr(once, part) if part else once).differences["A", "B"]
            second = (getattr(again, part) if part else again).differences["B", "A"]
            p = (first.p_value, second.p_value) if part else (first.bdg.p_value, second.bdg.p_value)
            assert second.value == pytest.approx(-first.value, rel=1e-9)
            assert p[1] == pytest.approx(p[0], rel=1e-9)


def test_a_missing_read_changes_only_its_readers_value_with_its_method():
    data = scores("a_full2_1")
    gap = data.scores.copy()
    gap[1, 2, 5] = np.nan
    before, after = obuchowski_rockette(data), obuchowski_rockette(ReaderScores(gap, *_rest(data)))
    changed = np.argwhere(~np.isclose(before.values, after.values, rtol=0, atol=1e-12))
    assert changed.tolist() in ([[1, 2]], [])
    moved = ~np.isclose(before.value_covariance, after.value_covariance, rtol=0, atol=1e-15)
    moved[1, 2], moved[:, :, 1, 2] = False, False
    assert not moved.any()


def _rest(data: ReaderScores) -> tuple:
    return data.truth, data.methods, data.readers


def test_what_cannot_be_decided_is_said():
    data = scores("a_full2_1")
    with pytest.raises(MRMCError, match="needs decisions"):
        obuchowski_rockette(data, endpoint="accuracy")
    with pytest.raises(MRMCError, match="no method Z"):
        decisions(data, threshold=3, control="Z")
    with pytest.raises(MRMCError, match="no endpoint 'luck'"):
        ustat(data, endpoint="luck")
    only_right = reader_scores(np.ones((2, 5, 20)), np.ones(20, dtype=int), for_auc=False)
    found = decisions(only_right)
    assert any("no negative (truth 0) case" in text for text in found.endpoint("specificity").warnings)
    assert found.over_trust is None
    assert found.endpoint("sensitivity").mode == "random_readers"
    assert np.isnan(found.endpoint("sensitivity").primary.p_value)  # everyone trusted everything: nothing varies
