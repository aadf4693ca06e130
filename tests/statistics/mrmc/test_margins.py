"""Non-inferiority and superiority against a margin."""

import pytest

from readerstudy.statistics.mrmc import MRMCError, margin_test
from readerstudy.statistics.mrmc.margins import reversed_estimate
from readerstudy.statistics.mrmc.obuchowski_rockette import estimate


def test_the_aim_is_met_exactly_when_the_lower_limit_clears_the_bound():
    gain = estimate(-0.01, 0.0004, 12, 0.05)  # lower limit -0.01 - 2.1788 x 0.02 = -0.05358
    assert gain.ci_low == pytest.approx(-0.0535763, abs=1e-6)
    met, missed = margin_test(gain, "non_inferiority", 0.054), margin_test(gain, "non_inferiority", 0.053)
    assert (met.shown, missed.shown) == (True, False)
    assert met.p_value < 0.025 < missed.p_value


def test_at_the_bound_the_one_sided_p_is_half():
    gain = estimate(-0.05, 0.0004, 12, 0.05)
    assert margin_test(gain, "non_inferiority", 0.05).p_value == pytest.approx(0.5)


def test_plain_superiority_is_half_of_the_two_sided_p():
    gain = estimate(0.05, 0.0004, 12, 0.05)
    assert margin_test(gain, "superiority", 0).p_value == pytest.approx(gain.p_value / 2)
    assert margin_test(gain, "superiority", 0.03).bound == 0.03


def test_turning_a_difference_round_turns_its_interval_round():
    difference = estimate(-0.04, 0.0004, 12, 0.05)
    turned = reversed_estimate(difference)
    assert (turned.value, turned.ci_low, turned.ci_high) == (0.04, -difference.ci_high, -difference.ci_low)


def test_it_refuses_other_aims_and_margins_without_meaning():
    gain = estimate(0.05, 0.0004, 12, 0.05)
    with pytest.raises(MRMCError, match="no aim 'equivalence'"):
        margin_test(gain, "equivalence", 0.05)
    with pytest.raises(MRMCError, match="margin for non-inferiority must be above 0"):
        margin_test(gain, "non_inferiority", 0)
    with pytest.raises(MRMCError, match="margin for superiority"):
        margin_test(gain, "superiority", -0.1)
