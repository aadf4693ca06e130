"""Signed-rank rows: numbers worked by hand, sentences where there is no number."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from readerstudy.statistics.frame import analysed, normalise, pair
from readerstudy.statistics.paired import compare, paired_rows, rank_biserial, signed_rank
from readerstudy.statistics.plan import AnalysisPlan
from readerstudy.statistics.rows import ClusteredTest
from tests.statistics.frames import crossover

PLAN = AnalysisPlan(bootstrap_replicates=100)


def pairs_of(differences: list[float]) -> pd.DataFrame:
    n = len(differences)
    return pd.DataFrame(
        {
            "reader": "R1", "example": range(n), "patient": [f"p{i}" for i in range(n)], "case": range(n),
            "score_a": 3.0,
            "score_b": 3.0 + np.array(differences, dtype=float), "difference": np.array(differences, dtype=float),
        }
    )  # fmt: skip


def test_a_signed_rank_test_worked_by_hand() -> None:
    # |d| = 1 1 2 3: ranks 1.5 1.5 3 4; R+ = 1.5 + 3 + 4 = 8.5, R- = 1.5; mean 5, variance 4*5*9/24 - (2^3-2)/48 = 7.375
    result = signed_rank(np.array([1, -1, 2, 3, 0, 0.0]))
    assert result.w == 1.5
    assert result.rank_biserial == pytest.approx((8.5 - 1.5) / 10)
    assert result.p_value == pytest.approx(2 * stats.norm.sf(3.5 / np.sqrt(7.375)), rel=1e-12)


def test_the_zero_rule_decides_what_zeros_do() -> None:
    d = np.array([0, 0, 1, 2, -3, 4, 5.0])
    p = {rule: signed_rank(d, rule).p_value for rule in ("wilcox", "pratt", "zsplit")}
    assert len(set(p.values())) == 3
    # With zeros ranked (1.5 1.5), R+ = 3 + 4 + 6 + 7 = 20 and R- = 5; splitting zeros adds 3 to the denominator.
    assert rank_biserial(d, "pratt") == pytest.approx(15 / 25)
    assert rank_biserial(d, "zsplit") == pytest.approx(15 / 28)


@pytest.mark.parametrize("rule", ["wilcox", "pratt", "zsplit"])
def test_few_differences_get_the_exact_p_of_the_plans_ranks(rule: str) -> None:
    d = np.array([0, 0, 0, 1, 1, -1, 2, 2, 3, -2, 4.0])
    ranked = d[d != 0] if rule == "wilcox" else d
    ranks = stats.rankdata(np.abs(ranked))[ranked != 0]
    sums = [np.dot(signs, ranks) for signs in product((-1, 1), repeat=len(ranks))]
    expected = np.mean(np.abs(sums) >= abs(np.dot(np.sign(ranked[ranked != 0]), ranks)))
    assert signed_rank(d, rule).p_exact == pytest.approx(expected, rel=1e-12)


def test_the_exact_p_is_scipys_where_scipy_has_one() -> None:
    d = np.array([1.5, -0.4, 2.2, 0.9, -3.1, 4.0, 0.2, 5.3])
    assert signed_rank(d).p_exact == pytest.approx(stats.wilcoxon(d, method="exact").pvalue, rel=1e-12)
    assert signed_rank(np.r_[d, np.arange(1, 12) * 1.01]).p_exact is not None  # 19 differences
    assert signed_rank(np.r_[d, np.arange(1, 13) * 1.01]).p_exact is None  # 20: the approximation does


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-4, 4), min_size=6, max_size=40).filter(any))
def test_swapping_the_methods_only_turns_the_sign(differences: list[int]) -> None:
    d = np.array(differences, dtype=float)
    one, other = signed_rank(d), signed_rank(-d)
    assert one.p_value == pytest.approx(other.p_value, rel=1e-12)
    assert one.rank_biserial == pytest.approx(-other.rank_biserial, abs=1e-12)


def test_counts_means_and_population_sd() -> None:
    row = compare(pairs_of([1, 1, -1, 0, 2, 0]), PLAN, "A", "B")
    assert (row.n_pairs, row.n_zero, row.n_positive, row.n_negative) == (6, 2, 3, 1)
    assert row.mean_difference == pytest.approx(0.5)
    assert row.sd_difference == pytest.approx(np.sqrt(np.mean((np.array([1, 1, -1, 0, 2, 0]) - 0.5) ** 2)))


@pytest.mark.parametrize(
    ("differences", "words"),
    [
        ([], "No reader answered this for an example with both methods."),
        ([1.0], "Only 1 pair: too few to test (the plan asks for 5)."),
        ([1.0, 2, 0], "Only 3 pairs: too few"),
        ([0.0] * 12, "All 12 differences are zero: nothing to test."),
        (
            [0.0] * 12 + [1, 2],
            "Only 2 differences are not zero: the p value is a rough approximation, the exact one is 0.500.",
        ),
        ([0.0] * 12 + [1], "Only 1 difference is not zero: the p value is a rough approximation, the exact"),
    ],
)
def test_a_sentence_stands_where_a_number_cannot(differences: list[float], words: str) -> None:
    row = compare(pairs_of(differences), PLAN, "A", "B")
    assert words in row.note
    assert (row.p_value is None) == ("rough" not in words)


def test_one_patient_gives_a_test_but_no_interval() -> None:
    row = compare(pairs_of([1.0, 2, -1, 1, 1, 2, 1, 3, 2, 1, 1] * 2).assign(patient="p"), PLAN, "A", "B")
    assert row.ci_patient is None
    assert row.design_effect is None
    assert row.note == "1 patient: too few for an interval (it takes 10)."
    assert row.clustered.patient == ClusteredTest(n_clusters=1, z=None, p_value=None, p_exact=1.0)
    assert row.clustered.example.p_value < 0.01


@pytest.mark.parametrize("patients", [9, 10])
def test_an_interval_takes_ten_patients(patients: int) -> None:
    pairs = pairs_of([1.0, 2, -1, 1, 1, 2, 1, 3, 2, 1, 1, -2] * 4)
    row = compare(pairs.assign(patient=pairs["example"] % patients), PLAN, "A", "B")
    assert (row.ci_patient is None) == (row.design_effect is None) == (patients == 9)
    assert row.ci_example is not None
    assert row.note == ("9 patients: too few for an interval (it takes 10)." if patients == 9 else None)


def test_differences_that_do_not_vary_have_no_interval() -> None:
    row = compare(pairs_of([1.0] * 30), PLAN, "A", "B")
    assert (row.mean_difference, row.ci_patient) == (1.0, None)
    assert row.note == "No interval: the resampled values do not vary, or too few of them are defined."


def test_rows_cover_every_truth_and_group() -> None:
    pairs = pair(analysed(normalise(crossover())), "A", "B")
    rows = paired_rows(pairs, PLAN, question="feature", method_a="A", method_b="B")
    groups = ["overall", "Effusion", "Mass", "R1", "R2", "A first", "B first"]
    assert [(row.truth, row.group) for row in rows] == [(t, g) for t in ("TP", "FP", "all") for g in groups]
    by_name = {(row.truth, row.group): row.n_pairs for row in rows}
    assert by_name["all", "overall"] == by_name["TP", "overall"] + by_name["FP", "overall"] == 48
