"""The primary result with excluded answers put back and under the worst case, worked by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from readerstudy.statistics.frame import analysed, normalise
from readerstudy.statistics.missing import missing_part
from readerstudy.statistics.plan import AnalysisPlan, PrimaryEndpoint
from readerstudy.statistics.rows import MissingRow, Question
from tests.statistics.frames import crossover

SCALE = Question("confidence", 1, 5)
PLAN = AnalysisPlan(bootstrap_replicates=100)


def reads() -> pd.DataFrame:
    """20 true positives of one reader: B one point above A everywhere, 3 and 4."""
    frame = crossover(readers=1, examples=40)
    chosen = frame[(frame["question"] == "confidence") & (frame["truth"] == "TP")].copy()
    chosen["score"] = chosen["method"].map({"A": 3, "B": 4})
    return chosen


def scenarios(frame: pd.DataFrame, plan: AnalysisPlan = PLAN) -> list[MissingRow]:
    data = normalise(frame)
    return missing_part(data, analysed(data), ("B", "A"), SCALE, plan)


def test_nothing_is_told_where_nothing_is_missing() -> None:
    assert scenarios(reads()) == []


def test_excluded_and_lacking_answers_are_put_back_and_put_worst() -> None:
    """B of example 2 is excluded and was 5: put back, (19 x 1 + 2) / 20. A of example 4 lacks: pairs 18 and 19.

    Worst case: B of example 2 gets 1 (1 - 3 = -2), A of example 4 gets 5 (4 - 5 = -1): (18 - 2 - 1) / 20.
    """
    frame = reads()
    b2 = (frame["example"] == 2) & (frame["method"] == "B")
    frame.loc[b2, "score"], frame.loc[b2, "excluded"] = 5, True
    frame = frame[~((frame["example"] == 4) & (frame["method"] == "A"))]
    planned, back, worst = scenarios(frame)
    assert [row.scenario for row in (planned, back, worst)] == ["planned", "excluded answers put back", "worst case"]
    assert (planned.n_pairs, planned.difference) == (18, 1)
    assert (back.n_pairs, back.filled, back.difference) == (19, 1, pytest.approx((18 + 2) / 19))
    assert (worst.n_pairs, worst.filled, worst.difference) == (20, 2, pytest.approx(15 / 20))


def test_the_worst_case_works_against_whichever_method_is_ahead() -> None:
    frame = reads()
    frame["score"] = frame["method"].map({"A": 4, "B": 3})
    frame = frame[~((frame["example"] == 2) & (frame["method"] == "B"))]
    planned, _, worst = scenarios(frame)
    assert (planned.difference, worst.difference) == (-1, pytest.approx((-19 + 1) / 20))


def test_a_planned_auc_is_repeated_with_the_ends_that_separate_worst() -> None:
    frame = crossover(readers=2, examples=24)
    frame = frame[frame["question"] == "confidence"]
    plan = AnalysisPlan(primary_endpoint=PrimaryEndpoint("confidence", "all", "obuchowski_rockette"))
    gone = (frame["reader"] == "R1") & frame["example"].isin([2, 3]) & (frame["method"] == "B")
    planned, _, worst = scenarios(frame[~gone], plan)
    assert planned.difference is not None and worst.difference is not None
    assert worst.difference * planned.difference < planned.difference**2
