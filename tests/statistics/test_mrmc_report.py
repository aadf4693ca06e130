"""MRMC in results.json, the CSV files and the report's tables."""

import numpy as np
import pandas as pd
import pytest

from readerstudy.statistics.mrmc import mrmc_summary, reader_scores
from readerstudy.statistics.mrmc.rows import QuestionResult
from readerstudy.statistics.report.mrmc import mrmc_csv, mrmc_part, mrmc_tables
from tests.statistics.mrmc.oracles import synthetic, synthetic_frame


def responses(name: str) -> pd.DataFrame:
    frame = synthetic_frame(name)
    truth = frame["truth"].map({1: "TP", 0: "FP"})
    frame = frame.assign(truth=truth, patient=frame["example"], patient_key="", question="confidence")
    return pd.concat([frame, frame.assign(question="feature", score=6 - frame["score"])])


@pytest.fixture(scope="module")
def parts() -> list[QuestionResult]:
    readers = [f"reader{i}" for i in range(1, 6)]
    return mrmc_part(responses("full5"), ["A", "B"], readers, ["feature", "confidence"], margin=0.05)


def test_the_part_is_a_summary_per_question_in_the_studys_order(parts):
    assert [part.question for part in parts] == ["feature", "confidence"]
    assert parts[1] == mrmc_summary(synthetic("full5"), "confidence", margin=0.05)


def test_one_method_gives_no_part():
    assert mrmc_part(responses("full2"), ["A"], ["reader1", "reader2"], ["confidence"]) == []


def test_csv_rows_are_flat(parts):
    tables = mrmc_csv(parts)
    assert {name: len(rows) for name, rows in tables.items()} == {
        "mrmc-auc": 20, "mrmc-differences": 8, "mrmc-components": 2, "mrmc-power": 36,
    }  # fmt: skip
    for rows in tables.values():
        assert not any(isinstance(value, dict | list) for row in rows for value in row.values())
    primary = [row for row in tables["mrmc-differences"] if row["primary"] and row["question"] == "confidence"]
    assert [(row["mode"], round(row["p_value"], 6)) for row in primary] == [("random_readers", 0.305287)]


def test_tables_have_as_many_cells_as_headings(parts):
    tables = mrmc_tables(parts, {"A": "Method A", "B": "Method B"})
    for table in tables.values():
        assert table.rows
        assert {len(row.cells) for row in table.rows} == {len(table.headings)}
    assert tables["mrmc-auc"].headings == ["Question", "Reader", "TP / FP", "Method A", "Method B"]
    average = [row.cells for row in tables["mrmc-auc"].rows if row.strong][1]
    assert average[:2] == ["confidence", "average"]
    assert average[3].startswith("0.779 (")


def test_a_margins_row_says_its_level_and_verdict_where_they_belong(parts):
    rows = [row.cells for row in mrmc_tables(parts, {})["mrmc-tests"].rows if row.cells[0] == "confidence"]
    assert [cells[1] for cells in rows[-2:]] == [
        "B non-inferiority to A: not shown\n(one-sided at 0.025, bound −0.050)",
        "B superiority to A: not shown\n(one-sided at 0.025, bound 0.000)",
    ]
    assert [cells[5] for cells in rows[-2:]] == [rows[0][5]] * 2  # the degrees of freedom of the primary mode


@pytest.mark.parametrize(
    ("readers", "shift", "words"),
    [
        (6, 1.0, "B superiority to A: not shown, with Var(TR) set to zero\n(one-sided"),
        (6, 3.0, "B superiority to A: shown for readers and cases like these, with Var(TR) set to zero\n(one-sided"),
        (3, 3.0, "B superiority to A: shown for these readers only\n(one-sided"),
    ],
)
def test_a_claim_says_for_whom_and_what_was_set_to_zero(readers, shift, words):
    rng = np.random.default_rng(0)
    truth = np.repeat([1, 0], 15)
    seen = rng.normal(truth * np.array([[0.4], [0.4 + shift]]), 1)
    part = mrmc_summary(
        reader_scores(np.round(seen[:, None, :] + rng.normal(0, 0.05, (2, readers, 30)), 1), truth), "confidence"
    )
    rows = [row.cells for row in mrmc_tables([part], {}, ("confidence", "B", "A"))["mrmc-tests"].rows]
    assert part.components.var_tr < 0
    assert rows[0][1] == "random readers and cases (Var(TR) < 0: too optimistic)"
    assert rows[-1][1].startswith(words)
    beside = mrmc_tables([part], {})["mrmc-tests"].rows[-1].cells[1]  # where the plan names another test
    assert beside == rows[-1][1].replace("shown for", "the data would suggest it, for")
    other = mrmc_tables([part], {}, ("confidence", "C", "A"))["mrmc-tests"].rows[-1].cells[1]  # or another comparison
    assert other == beside
    assert rows[-1][5] == "normal"


def test_what_could_not_be_analysed_is_a_row_with_the_reason():
    broken = responses("full2")
    broken.loc[(broken["reader"] == "reader2") & (broken["method"] == "B"), "score"] = 3
    parts = mrmc_part(broken, ["A", "B"], ["reader1", "reader2"], ["confidence"])
    tables = mrmc_tables(parts, {})
    (row,) = tables["mrmc-tests"].rows
    assert "Reader reader2 gave all 60 cases the same score with method B" in row.note
    assert tables["mrmc-auc"].rows == []
    assert mrmc_csv(parts)["mrmc-auc"] == []


def test_readers_of_some_methods_only_have_a_dash_for_the_others():
    readers = [f"reader{i}" for i in range(1, 7)]
    some = responses("missing6")
    some = some[(some["reader"] != "reader6") | (some["method"] == "A")]
    parts = mrmc_part(some, ["A", "B"], readers, ["confidence"])
    tables = mrmc_tables(parts, {})
    rows = {row.cells[1]: row.cells for row in tables["mrmc-auc"].rows}
    assert rows["reader6"][4] == "–"
    assert "Reader reader6 did not use every method" in tables["mrmc-tests"].rows[-1].note
    modes = [(row.cells[1], row.strong) for row in tables["mrmc-tests"].rows]
    assert ("U-statistic, random readers and cases", False) in modes
