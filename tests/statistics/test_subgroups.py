"""Interactions worked by hand, and their type I error where readers and patients react differently."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from readerstudy.statistics.plan import AnalysisError
from readerstudy.statistics.scores.data import of_differences
from readerstudy.statistics.subgroups import of_example_groups, of_reader_groups


def test_two_groups_of_examples_are_a_t_test_over_readers_where_patients_add_nothing() -> None:
    """Readers' own shifts only: the covariance between readers is nil, so t on readers - 1, worked with SciPy."""
    shift = np.array([0.1, 0.4, -0.2, 0.3, 0.0, 0.6])
    values = np.hstack([np.zeros((6, 8)), np.repeat(shift[:, None], 8, axis=1)])
    found = of_example_groups(of_differences(values), np.repeat([0, 1], 8), 2)
    theirs = stats.ttest_1samp(shift, 0)
    assert found.estimate == pytest.approx(shift.mean())
    assert found.p_value == pytest.approx(theirs.pvalue)
    assert found.ci == pytest.approx(theirs.confidence_interval(0.95))
    assert found.speaks_for == "readers and patients like these"


def test_two_groups_of_few_readers_are_a_t_test_over_patients() -> None:
    """One example a patient and the same readers: Welch's variance of two independent groups, with patients - 1."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(2, 20))
    found = of_example_groups(of_differences(values), np.repeat([0, 1], [8, 12]), 2)
    means = values.mean(axis=0)
    variance = means[:8].var(ddof=1) / 8 + means[8:].var(ddof=1) / 12
    estimate = means[8:].mean() - means[:8].mean()
    assert found.estimate == pytest.approx(estimate)
    assert found.statistic == pytest.approx(estimate**2 / variance, rel=1e-9)
    assert (found.df1, found.df2, found.speaks_for[:13]) == (1, 19, "these readers")


def test_two_groups_of_readers_are_a_two_sample_t_test_where_patients_add_nothing() -> None:
    shift = np.array([0.1, 0.4, -0.2, 0.3, 0.9, 0.6])
    values = np.repeat(shift[:, None], 10, axis=1)
    found = of_reader_groups(of_differences(values), np.array([0, 0, 0, 1, 1, 1]), 2)
    theirs = stats.ttest_ind(shift[3:], shift[:3])
    assert found.estimate == pytest.approx(0.5)
    assert found.p_value == pytest.approx(theirs.pvalue)
    assert found.df2 == pytest.approx(4)


def test_three_groups_of_readers_are_an_analysis_of_variance_where_patients_add_nothing() -> None:
    shift = np.array([0.1, 0.4, -0.2, 0.3, 0.9, 0.6])
    found = of_reader_groups(of_differences(np.repeat(shift[:, None], 10, axis=1)), np.array([0, 0, 1, 1, 2, 2]), 3)
    theirs = stats.f_oneway(shift[:2], shift[2:4], shift[4:])
    assert (found.statistic, found.p_value) == pytest.approx((theirs.statistic, theirs.pvalue))
    assert found.estimate is None


@pytest.mark.parametrize("of_readers", [False, True])
def test_the_interaction_is_found_as_often_as_it_should_be_where_there_is_none(of_readers: bool) -> None:
    """8 readers, 60 patients, both reacting differently to the methods: 5 % within simulation error of 500 runs."""
    rng = np.random.default_rng(4)
    found = []
    for _ in range(500):
        values = rng.normal(0, 0.3, (8, 1)) + rng.normal(0, 0.5, (1, 60)) + rng.normal(0, 1, (8, 60))
        d = of_differences(values)
        one = of_reader_groups(d, np.arange(8) % 2, 2) if of_readers else of_example_groups(d, np.arange(60) % 2, 2)
        found.append(one.p_value < 0.05)
    assert 0.02 <= np.mean(found) <= 0.08


def test_a_group_without_a_reader_is_said() -> None:
    with pytest.raises(AnalysisError, match="a group has no reader"):
        of_reader_groups(of_differences(np.ones((3, 4))), np.array([0, 0, 0]), 2)
