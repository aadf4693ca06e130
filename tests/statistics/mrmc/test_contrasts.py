"""What the plan names is tested, adjusted and turned the right way; what it does not name counts for nothing."""

import numpy as np
import pytest

from readerstudy.statistics.mrmc import (
    MRMCError,
    PlannedContrast,
    PlannedContrasts,
    contrasts,
    obuchowski_rockette,
    simulate_study,
    ustat,
)
from tests.statistics.mrmc.oracles2 import scores


def test_every_method_against_a_control_with_a_primary_one():
    mode = obuchowski_rockette(scores("b_full3_1")).random_readers
    planned = PlannedContrasts.against("B", ["A", "B", "C"], primary="C")
    found = contrasts(mode.differences, planned, omnibus=mode)
    assert [(row.new, row.reference, row.primary) for row in found.rows] == [("A", "B", False), ("C", "B", True)]
    assert found.primary.gain == pytest.approx(-mode.differences["B", "C"].value)
    assert found.primary.ci_low == pytest.approx(-mode.differences["B", "C"].ci_high)
    assert found.primary.p_adjusted == found.primary.p_value
    assert found.rows[0].p_adjusted == found.rows[0].p_value  # alone among the others
    assert (found.omnibus.df1, found.omnibus.p_value) == (2, mode.p_value)


def test_holm_is_over_what_is_named_beside_the_primary():
    data = simulate_study(np.random.default_rng(3), readers=6, positives=40, negatives=40, auc=(0.7, 0.75, 0.8, 0.85))
    differences = {pair: found.estimate for pair, found in ustat(data).differences.items()}
    planned = PlannedContrasts(
        (PlannedContrast("D", "A", primary=True), PlannedContrast("B", "A"), PlannedContrast("C", "A"))
    )
    primary, *others = contrasts(differences, planned).rows
    assert (primary.p_adjusted, primary.family_size) == (primary.p_value, 1)
    small, large = sorted(others, key=lambda row: row.p_value)
    assert small.p_adjusted == pytest.approx(min(1, 2 * small.p_value))
    assert large.p_adjusted == pytest.approx(max(large.p_value, small.p_adjusted))
    assert {row.family_size for row in others} == {2}
    without = PlannedContrasts(tuple(PlannedContrast(one.new, one.reference) for one in planned.named))
    assert {row.family_size for row in contrasts(differences, without).rows} == {3}


@pytest.mark.parametrize(
    ("named", "match"),
    [
        ([], "names no comparison"),
        ([PlannedContrast("A", "A")], "with itself"),
        ([PlannedContrast("A", "B"), PlannedContrast("B", "A")], "twice"),
        ([PlannedContrast("A", "B", True), PlannedContrast("C", "B", True)], "more than one comparison primary"),
    ],
)
def test_a_plan_that_contradicts_itself_is_refused(named, match):
    with pytest.raises(MRMCError, match=match):
        PlannedContrasts(tuple(named))


def test_methods_that_were_not_analysed_are_named():
    with pytest.raises(MRMCError, match="names the method Z; there are A, B"):
        PlannedContrasts.against("Z", ["A", "B"])
    with pytest.raises(MRMCError, match="control cannot be compared with itself"):
        PlannedContrasts.against("A", ["A", "B"], primary="A")
    mode = obuchowski_rockette(scores("a_full2_1")).random_readers
    with pytest.raises(MRMCError, match="compares C with A, but the methods analysed are A, B"):
        contrasts(mode.differences, PlannedContrasts((PlannedContrast("C", "A"),)))
