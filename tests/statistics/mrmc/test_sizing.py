"""Power from a pilot: crossed, split-plot and unpaired studies against iMRMC, crossed ones against RJafroc."""

from dataclasses import replace

import numpy as np
import pytest

from readerstudy.statistics.mrmc import Layout, MRMCError, Pilot, called, obuchowski_rockette, power, sized_power, ustat
from readerstudy.statistics.mrmc.power import cases_needed, standard_error
from tests.statistics.mrmc.oracles2 import figures, scores

PILOTS = [1, 2]


@pytest.mark.parametrize("number", PILOTS)
def test_every_layout_has_imrmcs_variance_and_the_textbook_power(number):
    pilot = ustat(scores(f"a_full2_{number}")).moments
    rows = figures(f"f_sizing_from_a_full2_{number}")["iMRMC_java_sizing"]["rows"]
    assert len(rows) == 22
    for row in rows:
        design = row["design"]
        layout = Layout(
            design["readers"],
            (design["diseased"], design["normals"]),
            design["groups"],
            bool(design["paired_readers"]),
            bool(design["paired_normals"]),
        )
        kind = {"Ustat": "unbiased", "MLE": "mle"}[row["UstatOrMLE"]]
        found = sized_power(pilot, layout, design["effect"], alpha=design["alpha"], variance=kind)
        assert found.variance == pytest.approx(row["totalVar"], rel=1e-6)
        assert found.df == pytest.approx(row["dfBDG"], rel=1e-6)
        assert found.power == pytest.approx(row["power_noncentral_F_df_real"], abs=1e-6)


@pytest.mark.parametrize("number", PILOTS)
def test_crossed_studies_agree_with_rjafroc(number):
    result = obuchowski_rockette(scores(f"a_full2_{number}"))
    pilot = Pilot.from_components(result.components, 80)
    modes = {"RRRC": "random_readers", "FRRC": "fixed_readers", "RRFC": "fixed_cases"}
    oracle = figures(f"f_sizing_from_a_full2_{number}")
    for row in oracle["RJafroc_power"]["rows"]:
        found = power(pilot, row["J"], row["K"], row["effect"], mode=modes[row["option"]])
        assert found == pytest.approx(row["power"], abs=1e-6)
    for row in oracle["RJafroc_cases_for_power_80"]["rows"][:4]:
        if row["K"] is not None:
            assert cases_needed(pilot, row["J"], row["effect"], mode=modes[row["option"]]) == row["K"]


@pytest.mark.parametrize("number", PILOTS)
def test_split_plots_by_components(number):
    """2/r {max(Var(TR), 0) + K*/(K/G) [error - Cov1 + (r/G - 1) max(Cov2 - Cov3, 0)]}"""
    pilot = Pilot.from_components(obuchowski_rockette(scores(f"a_full2_{number}")).components, 80)
    theirs = figures(f"f_sizing_from_a_full2_{number}")["own_OR_form"]
    for key, (readers, cases, groups) in {
        "fully_crossed_6_60": (6, 60, 1),
        "split_6_180_3": (6, 180, 3),
        "split_18_60_3": (18, 60, 3),
        "split_12_360_3": (12, 360, 3),
    }.items():
        se, _ = standard_error(pilot, readers, cases, groups=groups)
        assert se**2 == pytest.approx(theirs[key], rel=1e-6)


def test_at_the_pilots_own_size_the_variance_is_the_pilots():
    found = ustat(scores("a_full2_1"))
    sized = sized_power(found.moments, Layout(5, (40, 40)), 0.05)
    assert sized.variance == pytest.approx(found.differences["A", "B"].variance, rel=1e-9)
    assert sized.df == pytest.approx(found.differences["A", "B"].bdg.df, rel=1e-9)


def test_nested_readers_by_components_are_the_nested_analysis():
    result = obuchowski_rockette(scores("c1_readers_in_method_2"))
    pilot = Pilot.from_components(result.components, 60)
    for mode in ("random_readers", "fixed_readers", "fixed_cases"):
        se, df = standard_error(pilot, 6, 60, mode, paired_readers=False)
        theirs = getattr(result, mode).differences["A", "B"]
        assert (se, df) == pytest.approx((theirs.se, theirs.df), rel=1e-9)
    with pytest.raises(MRMCError, match="readers nested in methods"):
        standard_error(pilot, 6, 60)


@pytest.mark.parametrize("endpoint", ["sensitivity", "specificity", "accuracy"])
def test_shares_are_sized_from_a_pilot_too(endpoint):
    calls = called(scores("a_full2_1"), 3)
    found = ustat(calls, endpoint=endpoint)
    own = (40,) if endpoint != "accuracy" else (80,)
    sized = sized_power(found.moments, Layout(5, own), 0.05)
    assert sized.variance == pytest.approx(found.differences["A", "B"].variance, rel=1e-9)
    assert sized.power < sized_power(found.moments, Layout(10, (2 * own[0],)), 0.05).power
    parts = obuchowski_rockette(calls, endpoint=endpoint)
    pilot = Pilot.from_components(parts.components, own[0])
    assert Pilot.of(calls, parts.components, endpoint) == pilot
    theirs = parts.at_var_tr_zero or parts.random_readers  # a negative Var(TR) plans as zero
    assert standard_error(pilot, 5, own[0])[0] == pytest.approx(theirs.differences["A", "B"].se)


def test_a_pilot_of_shares_counts_the_cases_of_the_class_that_were_read():
    calls = called(scores("a_full2_1"), 3)
    parts = obuchowski_rockette(calls, endpoint="sensitivity").components
    read = calls.scores.copy()
    positives, negatives = np.flatnonzero(calls.truth == 1), np.flatnonzero(calls.truth == 0)
    read[:, 0, positives[:10]] = read[:, :, negatives[:20]] = np.nan
    gaps = Pilot.of(replace(calls, scores=read), parts, "sensitivity")
    assert gaps.n_cases == round(40 - 10 / len(calls.readers))
    read[0, :, positives[:20]] = read[1, :, positives[20:]] = np.nan
    with pytest.raises(MRMCError, match="cases of their own"):
        Pilot.of(replace(calls, scores=read), parts, "sensitivity")


def test_layouts_that_cannot_be_are_refused():
    pilot = ustat(scores("a_full2_1")).moments
    for layout, match in (
        (Layout(5, (60, 60), groups=3), "cannot be dealt out evenly to 3 block"),
        (Layout(5, (60, 60), paired_readers=False), "cannot be dealt out evenly"),
        (Layout(6, (60,)), r"must be \(positives, negatives\)"),
        (Layout(1, (60, 60)), "at least two readers"),
    ):
        with pytest.raises(MRMCError, match=match):
            sized_power(pilot, layout, 0.05)
    assert Layout(6, (90, 90), groups=3).reads == 720
    assert np.isfinite(sized_power(pilot, Layout(12, (60, 60), paired_readers=False), 0.05).power)
