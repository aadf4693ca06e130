"""Measures of explanations beside the answers: rank correlations, orders of methods, and the wrong reason, by hand."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from readerstudy.statistics.measures import NOTHING, Measured, measures_part, sits_on_confounder
from readerstudy.statistics.plan import AnalysisPlan
from readerstudy.statistics.ranks import spearman, spearman_interval, weighted_spearman
from readerstudy.statistics.report.measures import measure_tables, measures_text
from readerstudy.statistics.report.tables import csv_tables
from readerstudy.statistics.results import analyse
from readerstudy.statistics.rows.measures import Measure
from readerstudy.statistics.stored import from_json, to_json
from tests.statistics.frames import crossover

PLAN = AnalysisPlan(bootstrap_replicates=400)
OVERLAP = Measure("overlap", "Overlap", "higher", "a paper")
MISSED = Measure("missed", "Missed", "lower", "a paper")
TUBE = Measure("tube", "Share on the tube", "lower", "ours", of_confounder=True)


def table(*rows: tuple) -> pd.DataFrame:
    columns = ["example", "method", "kind", "metric", "value", "chance"]
    return pd.DataFrame([(*row, np.nan)[:6] for row in rows], columns=columns)


def responses(scores: dict[str, list[float]], truth: str = "FP", question: str = "confidence") -> pd.DataFrame:
    """One reader; a patient for each example."""
    rows = [
        {"question": question, "method": method, "example": place, "truth": truth, "patient": f"p{place}", "score": one}
        for method, own in scores.items()
        for place, one in enumerate(own, start=1)
    ]
    return pd.DataFrame(rows)


def test_a_weighted_rank_correlation_is_that_of_the_repeated_units():
    rng = np.random.default_rng(4)
    x, y = rng.integers(0, 5, 14).astype(float), rng.integers(0, 4, 14).astype(float)
    weights = rng.integers(0, 4, (6, 14)).astype(float)
    expected = [stats.spearmanr(np.repeat(x, w.astype(int)), np.repeat(y, w.astype(int))).statistic for w in weights]
    assert weighted_spearman(x, y, weights) == pytest.approx(expected, abs=1e-12)
    assert spearman(x, np.ones(14)) is None


def test_the_interval_of_a_correlation_resamples_patients_whole():
    rng = np.random.default_rng(5)
    x = rng.normal(size=40)
    y = x + rng.normal(size=40)
    alone = spearman_interval(x, y, np.arange(40), PLAN)
    twice = spearman_interval(np.repeat(x, 2), np.repeat(y, 2), np.repeat(np.arange(40), 2), PLAN)
    taken_for_patients = spearman_interval(np.repeat(x, 2), np.repeat(y, 2), np.arange(80), PLAN)
    assert twice == pytest.approx(alone, abs=0.03)  # a patient's copy adds nothing
    assert taken_for_patients[1] - taken_for_patients[0] < 0.85 * (alone[1] - alone[0])


def test_methods_are_ordered_by_a_measure_and_by_the_answers():
    answers = responses({"A": [3, 3, 3, 3], "B": [4, 4, 5, 3]})
    values = [(str(e), method, method.lower(), name, value)
              for e in range(1, 5) for method, name, value in
              (("A", "overlap", 0.2), ("B", "overlap", 0.5), ("A", "missed", 0.1), ("B", "missed", 0.3))]  # fmt: skip
    found = measures_part(answers, Measured(table(*values), [OVERLAP, MISSED]), PLAN)
    overlap, missed = found.orders
    assert (overlap.by_metric, overlap.by_answers, overlap.same) == ("B > A", "B > A", True)
    assert (missed.by_metric, missed.by_answers, missed.same) == ("A > B", "B > A", False)
    assert overlap.metric_means == pytest.approx({"A": 0.2, "B": 0.5}) and overlap.answer_means == {"A": 3.0, "B": 4.0}
    assert overlap.alike is None and "4 patients" in overlap.note and "order:" not in overlap.note
    third = measures_part(
        responses({"A": [3] * 4, "B": [4] * 4, "C": [5] * 4}), Measured(table(*values), [OVERLAP]), PLAN
    )
    assert third.orders[0].note.startswith("Without this measure, so not in the order: C. ")
    assert third.orders[0].by_answers == "B > A"


def test_the_share_of_samples_in_which_both_orders_are_the_same():
    """Twelve patients; B has the better measure in all of them, and higher answers in half, lower in the others."""
    answers = responses({"A": [3] * 12, "B": [4] * 6 + [2] * 6})
    values = [
        (str(e), method, "k", "overlap", value) for e in range(1, 13) for method, value in (("A", 0.1), ("B", 0.2))
    ]
    (row,) = measures_part(answers, Measured(table(*values), [OVERLAP]), PLAN).orders
    # B's mean is above A's where more than 6 of 12 drawn are of the first half: (1 - C(12, 6) / 2^12) / 2 = 0.387
    assert row.alike == pytest.approx(0.387, abs=0.07)


def test_false_positives_are_split_by_whether_the_map_sits_on_the_confounder():
    """An even map would put 0.02 there; from 0.2 on the map sits on it. Of a large one, half of the map is enough."""
    answers = responses({"A": [2, 2, 3, 4, 4, 5]})
    values = [
        (str(e), "A", "k", "tube", value, 0.02) for e, value in enumerate([0.2, 0.5, 0.3, 0.19, 0.1, 0.0], start=1)
    ]
    (row,) = measures_part(answers, Measured(table(*values), [TUBE]), PLAN).wrong_reason
    assert (row.n_on, row.n_off) == (3, 3)
    assert (row.mean_on, row.mean_off) == pytest.approx((7 / 3, 13 / 3)) and row.difference == pytest.approx(-2)
    assert row.ci_patient is None and "3 patients" in row.note
    assert sits_on_confounder(pd.Series([0.49, 0.5]), pd.Series([0.3, 0.3])).tolist() == [False, True]
    true = measures_part(responses({"A": [2] * 6}, truth="TP"), Measured(table(*values), [TUBE]), PLAN)
    assert true.wrong_reason == [] and true.means[0].mean == pytest.approx(1.29 / 6)


def test_an_example_that_is_not_analysed_counts_nowhere_and_a_shared_kind_once():
    answers = responses({"A": [1, 2], "B": [3, 4]}, truth="TP")
    values = [
        (e, method, "k", "overlap", value) for e, value in (("1", 0.2), ("2", 0.6), ("99", 9.0)) for method in "AB"
    ]
    found = measures_part(answers, Measured(table(*values), [OVERLAP, MISSED], outdated=2), PLAN)
    (row,) = found.means
    assert row.sd == pytest.approx(0.08**0.5)  # of 0.2 and 0.6, n - 1
    assert (
        measures_part(answers[answers["example"] == 1], Measured(table(*values), [OVERLAP]), PLAN).means[0].sd is None
    )
    assert (row.n, row.n_patients, row.mean) == (2, 2, pytest.approx(0.4)) and [m.name for m in found.metrics] == [
        "overlap"
    ]
    assert all(row.rho is None and "too few" in row.note for row in found.correlations) and found.outdated == 2


def measured() -> Measured:
    """Values that rise with the answers to method B of 24 examples, for two kinds."""
    frame = crossover()
    own = frame[(frame["method"] == "B") & (frame["question"] == "confidence")].groupby("example")["score"].mean()
    kinds = (("A", "first", 0.0), ("B", "second", 0.1))
    rows = [
        (str(e), method, kind, "overlap", value / 5 + shift)
        for e, value in own.items()
        for method, kind, shift in kinds
    ]
    rows += [(str(e), "B", "second", "tube", 0.3 if e % 4 == 1 else 0.1, 0.02) for e in own.index if e % 2]
    return Measured(table(*rows), [OVERLAP, TUBE], failed=3)


def test_the_report_shows_them_and_they_are_stored_and_read_again():
    results = analyse(crossover(), PLAN, measured=measured())
    again = from_json(json.loads(json.dumps(to_json(results))))
    assert again.measures == results.measures
    perfect = next(
        row for row in results.measures.correlations
        if (row.method, row.question, row.truth, row.metric) == ("B", "confidence", "TP", "overlap")
    )  # fmt: skip
    assert perfect.rho == pytest.approx(1) and (perfect.n, perfect.n_patients) == (12, 12)
    tables = measure_tables(results)
    means, correlations = tables["measures"], tables["measure-correlations"]
    assert means.headings[3:] == ["first", "second"] and means.rows[0].cells[0] == "Overlap (↑)"
    assert any("+1.00" in str(cell) for row in correlations.rows for cell in row.cells)
    assert "B > A" in str(tables["measure-orders"].rows[0].cells) and tables["wrong-reason"].rows
    assert "3 values could not be measured" in measures_text(results) and "can stand in for readers" in measures_text(
        results
    )
    written = csv_tables(results)
    assert {"measures", "measure-correlations", "measure-orders", "wrong-reason"} <= set(written)
    assert all(not isinstance(value, list | dict) for row in written["measure-orders"] for value in row.values())


def test_without_any_it_says_so():
    assert measures_part(responses({"A": [1, 2]}), None, PLAN).note == NOTHING
