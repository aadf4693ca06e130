"""Holm and Benjamini-Hochberg, and which rows are adjusted together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from readerstudy.statistics.adjusted import benjamini_hochberg, holm
from readerstudy.statistics.multiplicity import adjust
from readerstudy.statistics.plan import AnalysisPlan, Family, PrimaryEndpoint
from readerstudy.statistics.rows import ClusteredTest, ClusteredTests, PairedRow


def test_adjusted_p_are_those_worked_by_hand() -> None:
    """In rank order Holm multiplies by 5 to 1, never falling; Benjamini and Hochberg by 5 / rank, never rising."""
    p = [0.03, 0.001, 0.02, 0.9, 0.02]
    assert holm(p) == pytest.approx([0.08, 0.005, 0.08, 0.9, 0.08], rel=1e-12)
    assert benjamini_hochberg(p) == pytest.approx([0.0375, 0.005, 0.1 / 3, 0.9, 0.1 / 3], rel=1e-12)


def test_adjusted_p_stay_in_the_order_given_and_never_pass_one() -> None:
    p = np.random.default_rng(0).uniform(size=17)
    for adjusted in (holm(p), benjamini_hochberg(p)):
        assert (adjusted >= p).all() and (adjusted <= 1).all()
        assert (np.diff(adjusted[np.argsort(p)]) >= 0).all()


def row(question: str, truth: str, level: str, p: float | None, clustered: ClusteredTest | None = None) -> PairedRow:
    tests = ClusteredTests(clustered, clustered, clustered) if clustered else None
    counts = {"n_pairs": 9, "n_incomplete": 0, "n_zero": 0, "n_positive": 5, "n_negative": 4}
    units = {"n_examples": 9, "n_patients": 9, "n_readers": 1}
    return PairedRow(question, truth, level, level, "A", "B", **counts, **units, p_value=p, clustered=tests)


def test_a_family_is_one_question_unless_the_plan_says_otherwise() -> None:
    rows = [
        row(q, t, "overall", p)
        for (q, t), p in zip([("c", "TP"), ("c", "FP"), ("f", "TP"), ("f", "FP")], [0.01, 0.2, 0.03, 0.04])
    ]
    rows = adjust(rows, AnalysisPlan())
    assert [item.p_holm for item in rows] == pytest.approx([0.02, 0.2, 0.06, 0.06])
    rows = adjust(rows, AnalysisPlan(families=(Family("all four", per_question=False),)))
    assert [item.p_holm for item in rows] == pytest.approx([0.04, 0.2, 0.09, 0.09])
    assert {item.family_size for item in rows} == {4}


def test_the_plans_test_is_adjusted() -> None:
    rows = [
        row("c", "TP", "overall", 0.9, ClusteredTest(9, 2.6, 0.01, 0.02)),
        row("c", "FP", "overall", 0.9, ClusteredTest(9, None, None, 0.3)),
    ]
    rows = adjust(rows, AnalysisPlan(primary_endpoint=PrimaryEndpoint(test="clustered_signed_rank")))
    assert [item.p_holm for item in rows] == pytest.approx([0.02, 0.3])


def test_rows_without_a_p_value_or_a_family_are_left_alone() -> None:
    rows = [row("c", "TP", "overall", 0.03), row("c", "FP", "overall", None), row("c", "all", "overall", 0.01)]
    rows = adjust(rows, AnalysisPlan())
    assert [item.p_holm for item in rows] == [0.03, None, None]
    assert [item.exploratory for item in rows] == [False, False, True]
    assert rows[2].family is None


def of_three(p_values: dict[str, float]) -> list[PairedRow]:
    return [replace(row("c", "TP", "overall", p), method_a=pair[0], method_b=pair[1]) for pair, p in p_values.items()]


def test_only_comparisons_that_the_plan_names_are_adjusted_for_each_other() -> None:
    """By hand: two comparisons with the control A are named, so Holm doubles the smaller p; C with B has none."""
    rows = of_three({"AB": 0.02, "AC": 0.04, "BC": 0.001})
    ab, ac, bc = adjust(rows, AnalysisPlan(control="A"))
    assert [ab.p_holm, ac.p_holm] == pytest.approx([0.04, 0.04])
    assert (bc.family, bc.p_holm, bc.exploratory) == (None, None, True)
    assert ab.family_size == 2
    assert [one.family_size for one in adjust(rows, AnalysisPlan())] == 3 * [3]
