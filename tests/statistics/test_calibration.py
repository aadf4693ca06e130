"""Calibration of stated confidence by hand, in simulation and in properties; agreement of readers with themselves."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import cohen_kappa_score

from readerstudy.statistics.calibration import calibration
from readerstudy.statistics.plan import AnalysisError
from readerstudy.statistics.repeated import repeated_agreement
from tests.statistics.mrmc.oracles2 import reads

FEW = {"replicates": 400}


def answers(scores: list[float], right: list[int], **columns: object) -> pd.DataFrame:
    n = len(scores)
    base = {"reader": "R1", "example": range(n), "method": "A", "patient": range(n)}
    return pd.DataFrame(base | {"score": scores, "right": right} | columns)


def crossover() -> pd.DataFrame:
    return reads("g_crossover_1").rename(columns={"truth": "right", "patient_key": "patient"})


def test_by_hand():
    """Scores 5, 5, 1, 3 state 1, 1, 0 and 1/2."""
    row = calibration(answers([5, 5, 1, 3], [1, 0, 0, 1]), **FEW).of("A")
    assert row.brier == pytest.approx((0 + 1 + 0 + 0.25) / 4)
    assert row.expected_error == pytest.approx((2 * 0.5 + 0 + 0.5) / 4)
    assert row.overconfidence == pytest.approx((2.5 - 2) / 4)
    assert [(level.low, level.n, level.stated, level.right) for level in row.levels] == [
        (1, 1, 0, 0), (3, 1, 0.5, 1), (5, 2, 1, 0.5),
    ]  # fmt: skip
    assert row.expected_error_ci is None  # four patients


def test_it_is_what_counting_gives_and_readers_make_up_the_whole():
    data = crossover()
    found = calibration(data, **FEW)
    own = data[data["method"] == "B"]
    stated = (own["score"] - 1) / 4
    assert found.of("B").brier == pytest.approx(((stated - own["right"]) ** 2).mean())
    gaps = (
        own.assign(stated=stated).groupby("score").agg(n=("right", "size"), y=("right", "mean"), p=("stated", "mean"))
    )
    assert found.of("B").expected_error == pytest.approx((gaps["n"] * (gaps["y"] - gaps["p"]).abs()).sum() / len(own))
    each = [row for row in found.rows if row.method == "B" and row.reader != "all"]
    assert sum(row.n for row in each) == found.of("B").n == len(own)
    assert np.average([row.brier for row in each], weights=[row.n for row in each]) == pytest.approx(
        found.of("B").brier
    )
    low, high = found.of("B").brier_ci
    assert low < found.of("B").brier < high


def test_methods_swapped_flip_the_difference_and_patients_renamed_change_nothing():
    data = crossover()
    (first,) = calibration(data, methods=["A", "B"], **FEW).differences
    (second,) = calibration(data, methods=["B", "A"], **FEW).differences
    assert second.brier == pytest.approx(-first.brier)
    assert second.brier_ci == pytest.approx((-first.brier_ci[1], -first.brier_ci[0]))
    renamed = data.assign(patient=data["patient"].map(lambda name: f"x{name}"))
    assert calibration(renamed, **FEW) == calibration(data, **FEW)


def test_fine_scales_are_cut_into_ten_levels():
    rng = np.random.default_rng(0)
    stated = rng.uniform(0, 100, 2000)
    right = (rng.uniform(0, 100, 2000) < stated).astype(int)
    row = calibration(answers(stated, right), minimum=0, maximum=100, **FEW).of("A")
    assert [level.low for level in row.levels] == list(range(0, 100, 10))
    assert row.expected_error < 0.05
    assert row.overconfidence_ci[0] < 0 < row.overconfidence_ci[1]
    sure = calibration(answers(np.where(stated > 50, 100, 0), right), minimum=0, maximum=100, **FEW).of("A")
    assert sure.expected_error > 0.2


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda f: f.drop(columns="patient"), "lack the column"),
        (lambda f: f.assign(score=7), "score 7, which is not on the scale from 1 to 5"),
        (lambda f: f.assign(right=2), "must be 1 where the prediction is right"),
        (lambda f: f.assign(score=np.nan), "no answers"),
    ],
)
def test_bad_tables_are_named(change, match):
    with pytest.raises(AnalysisError, match=match):
        calibration(change(answers([5, 1], [1, 0])))


def test_agreement_of_readers_with_themselves():
    first = answers([1, 2, 3, 4, 5] * 4, [1] * 20, reader=["R1"] * 10 + ["R2"] * 10, occasion=1)
    second = first.assign(occasion=2, score=[1, 2, 3, 5, 4] * 2 + [1, 2, 3, 4, 5] * 2)
    everyone, r1, r2 = repeated_agreement(pd.concat([second, first]), **FEW)
    assert (everyone.reader, everyone.n_pairs, r1.n_pairs) == ("all", 20, 10)
    theirs = cohen_kappa_score(first["score"][:10], second["score"][:10], weights="quadratic")
    assert r1.kappa == pytest.approx(theirs)
    assert (r2.kappa, r2.exact, r2.within_one, r1.exact) == (1, 1, 1, 0.6)
    assert r1.kappa_ci[0] <= r1.kappa <= r1.kappa_ci[1]
    assert repeated_agreement(first) == ()
    with pytest.raises(AnalysisError, match="two answers to example 0"):
        repeated_agreement(pd.concat([first, first]))
