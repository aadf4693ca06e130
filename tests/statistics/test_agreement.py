"""Agreement statistics against independent programs (scikit-learn, pingouin, krippendorff)."""

from __future__ import annotations

import warnings

import krippendorff
import numpy as np
import pandas as pd
import pingouin
import pytest
from sklearn.metrics import cohen_kappa_score

from readerstudy.statistics.agreement import agreement, agreement_rows
from readerstudy.statistics.frame import analysed, normalise
from readerstudy.statistics.plan import AnalysisPlan
from readerstudy.statistics.rows import AgreementRow
from tests.statistics.frames import crossover

PLAN = AnalysisPlan(bootstrap_replicates=100)


def ratings(readers: int, seed: int, units: int = 40) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.clip(np.round(3 + rng.normal(size=(units, 1)) + rng.normal(0, 0.8, (units, readers))), 1, 5)


def found(ratings: np.ndarray) -> AgreementRow:
    """Agreement on ratings (units, readers), NaN where a reader did not answer."""
    unit, reader = np.nonzero(np.isfinite(ratings))
    rows = {
        "reader": [f"R{number}" for number in reader],
        "example": unit,
        "method": "A",
        "patient": unit,
        "score": ratings[unit, reader],
    }
    return agreement(pd.DataFrame(rows), PLAN)


def test_kappa_agrees_with_scikit_learn_and_averages_pairs_of_readers() -> None:
    x = ratings(3, 1)
    pairs = [
        cohen_kappa_score(x[:, i], x[:, j], weights="quadratic", labels=[1, 2, 3, 4, 5])
        for i, j in ((0, 1), (0, 2), (1, 2))
    ]
    assert found(x[:, :2]).kappa == pytest.approx(pairs[0], abs=1e-12)
    assert found(x).kappa == pytest.approx(np.mean(pairs), abs=1e-12)


def test_icc_agrees_with_pingouin() -> None:
    x = ratings(3, 2)
    long = pd.DataFrame(x).melt(ignore_index=False, var_name="reader", value_name="score").reset_index(names="unit")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table = pingouin.intraclass_corr(long, targets="unit", raters="reader", ratings="score")
    kinds = table["Type"].str.replace(r"[(),]", "", regex=True).str.upper()
    expected = table.loc[kinds.isin(["ICC2", "ICCA1"]), "ICC"].iloc[0]
    assert found(x).icc == pytest.approx(float(expected), abs=1e-9)


@pytest.mark.parametrize("readers", [2, 4])
def test_alpha_agrees_with_krippendorff_also_with_gaps(readers: int) -> None:
    x = ratings(readers, 3)
    x[np.random.default_rng(0).uniform(size=x.shape) < 0.2] = np.nan
    expected = krippendorff.alpha(x.T, level_of_measurement="ordinal", value_domain=[1, 2, 3, 4, 5])
    assert found(x).alpha == pytest.approx(expected, abs=1e-12)


def test_equal_answers_agree_fully() -> None:
    x = np.repeat(ratings(1, 4), 2, axis=1)
    row = found(x)
    assert (row.kappa, row.icc, row.alpha) == pytest.approx((1, 1, 1))


def test_rows_cover_methods_together_and_apart_with_intervals_around_the_value() -> None:
    responses = analysed(normalise(crossover(readers=3, examples=30)))
    rows = agreement_rows(responses, PLAN, methods=["A", "B"], questions=["confidence"])
    assert [(row.method, row.truth) for row in rows] == [(m, t) for m in ("A", "B", "all") for t in ("TP", "FP", "all")]
    assert rows[-1].n_units == 60
    for row in rows:
        for name in ("kappa", "icc", "alpha"):
            low, high = getattr(row, f"{name}_ci")
            assert low < getattr(row, name) < high


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda frame: frame[frame["reader"] == "R1"], "two readers or more"),
        (lambda frame: frame[frame["example"] < 4], "Only 3 example(s) answered by two readers"),
        (lambda frame: frame.assign(score=4), "Not defined for kappa, icc, alpha: the answers do not vary"),
    ],
)
def test_a_sentence_stands_where_agreement_is_not_defined(change, words: str) -> None:  # type: ignore[no-untyped-def]
    responses = analysed(normalise(change(crossover())))
    row = agreement(responses[(responses["question"] == "feature") & (responses["method"] == "A")], PLAN)
    assert words in row.note
    assert row.kappa is row.icc is row.alpha is None


def test_agreement_on_few_patients_is_given_without_an_interval() -> None:
    responses = analysed(normalise(crossover(examples=18)))
    row = agreement(responses[(responses["question"] == "feature") & (responses["method"] == "A")], PLAN)
    assert row.kappa is not None
    assert row.kappa_ci is row.icc_ci is row.alpha_ci is None
    assert row.note == "9 patients: too few for an interval (it takes 10)."
