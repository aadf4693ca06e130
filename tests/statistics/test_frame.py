"""The response frame: which rows count and how they are paired."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from readerstudy.statistics.frame import (
    COLUMNS,
    REQUIRED,
    analysed,
    complete,
    method_pairs,
    natural_sort,
    normalise,
    pair,
)
from readerstudy.statistics.plan import AnalysisError
from tests.statistics.frames import crossover


def test_practice_excluded_superseded_and_unscored_rows_do_not_count() -> None:
    frame = crossover(readers=1, examples=4)
    for row, (column, value) in enumerate(
        [("practice", True), ("excluded", True), ("is_current", False), ("score", None)]
    ):
        frame[column] = frame[column].astype(object)
        frame.loc[row, column] = value
    kept = analysed(normalise(frame))
    assert len(kept) == len(frame) - 4
    assert set(kept["example"]) == {1, 2, 3, 4} - {1}  # the four rows are all answers to example 1


def test_flags_may_be_words_as_in_a_csv() -> None:
    frame = crossover(readers=1, examples=4).astype({"practice": object, "is_current": object})
    frame["practice"], frame["is_current"] = "false", "True"
    frame.loc[0, "practice"] = "yes"
    assert len(analysed(normalise(frame))) == len(frame) - 1
    with pytest.raises(AnalysisError, match="column practice must hold true or false, not 'perhaps'"):
        normalise(frame.assign(practice="perhaps"))


def test_only_the_required_columns_are_needed() -> None:
    data = normalise(crossover()[list(REQUIRED)])
    assert set(COLUMNS) <= set(data.columns)
    assert data["is_current"].all()
    assert data["patient"].nunique() == 24  # no patient is known: each example counts as one
    with pytest.raises(AnalysisError, match="lack the column"):
        normalise(crossover().drop(columns=["truth", "method"]))


def test_periods_count_from_one_whatever_the_reads_are_called() -> None:
    data = normalise(crossover().assign(read=lambda frame: frame["read"] * 5 + 3))
    assert sorted(data["period"].unique()) == [1, 2]


def test_practice_rows_change_nothing() -> None:
    frame = crossover()
    practice = frame[frame["example"] <= 3].assign(practice=True, read=-1, example="P1", case="x")
    alone, beside = analysed(normalise(frame)), analysed(normalise(pd.concat([practice, frame])))
    pd.testing.assert_frame_equal(alone, beside)
    assert alone["example"].tolist()[:5] == [1, 1, 1, 1, 1]


def test_an_unknown_truth_is_neither_true_nor_false() -> None:
    frame = crossover()
    frame.loc[frame["example"] == 5, "truth"] = ""
    assert set(analysed(normalise(frame))["example"]) == set(range(1, 25)) - {5}


def test_times_and_flags_may_come_from_the_database_or_from_a_csv_file(tmp_path: Path) -> None:
    frame = crossover(readers=1, examples=4).assign(is_current=1, practice=0)
    frame.to_csv(tmp_path / "long.csv", index=False)
    from_database = frame.assign(opened_at=pd.to_datetime(frame["opened_at"]).astype(object))
    one, other = normalise(from_database), normalise(pd.read_csv(tmp_path / "long.csv"))
    unused = ["sequence", "protocol_version"]
    pd.testing.assert_frame_equal(one.drop(columns=unused), other.drop(columns=unused), check_dtype=False)


def test_two_current_answers_to_one_thing_stop_the_analysis() -> None:
    frame = crossover()
    twice = pd.concat([frame, frame.iloc[[5]]])
    with pytest.raises(AnalysisError, match=r"R1 has more than one current answer to 'feature' for example 2"):
        analysed(normalise(twice))


def test_incomplete_pairs_stay_visible_and_are_never_filled_in() -> None:
    frame = crossover(readers=1, examples=4)
    gone = (frame["example"] == 2) & (frame["method"] == "B") & (frame["question"] == "feature")
    pairs = pair(analysed(normalise(frame[~gone])), "A", "B")
    assert (len(pairs), len(complete(pairs))) == (8, 7)
    lone = pairs[pairs["difference"].isna()].iloc[0]
    assert (lone["example"], lone["question"], lone["order"]) == (2, "feature", "")
    assert pd.isna(lone["score_b"])


def test_the_difference_is_b_minus_a_of_the_same_reader_and_example() -> None:
    rows = [("R1", 1, "A", 0, 2), ("R1", 1, "B", 1, 5), ("R2", 1, "A", 1, 4), ("R2", 1, "B", 0, 3)]
    frame = pd.DataFrame(rows, columns=["reader", "example", "method", "read", "score"])
    frame = frame.assign(pathology="Mass", truth="TP", question="confidence")
    pairs = pair(analysed(normalise(frame)), "A", "B")
    assert pairs["difference"].tolist() == [3, -1]
    assert pairs["order"].tolist() == ["A first", "B first"]


def test_three_methods_make_three_pairs_in_order() -> None:
    assert method_pairs(["A", "B", "C"]) == [("A", "B"), ("A", "C"), ("B", "C")]


def test_reader_ten_comes_after_reader_two() -> None:
    assert natural_sort(["R10", "R2", "R1", "R2"]) == ["R1", "R2", "R10"]
