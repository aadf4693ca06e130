"""The published study (Cohen et al., MIDL 2021): our numbers against reference figures, kept here as bare numbers.

The reads themselves may not be committed. Their folder is named by PUBLISHED_READS (CONTRIBUTING.md); without it these
tests are reported as not run, and test_synthetic.py checks the same functions on a crossover that is committed.
"""

from __future__ import annotations

import pandas as pd
import pytest

from readerstudy.statistics.agreement import agreement_rows
from readerstudy.statistics.frame import analysed, normalise, pair
from readerstudy.statistics.multiplicity import adjust
from readerstudy.statistics.paired import paired_rows
from readerstudy.statistics.plan import AnalysisPlan, Family
from readerstudy.statistics.rows import PairedRow
from tests.statistics.frames import QUESTIONS, published, published_figures

pytestmark = pytest.mark.shared
PLAN = AnalysisPlan()
SAME = (
    "n_pairs", "n_zero", "n_positive", "n_negative", "mean_a", "mean_b", "mean_difference", "sd_difference", "w",
    "p_value", "rank_biserial",
)  # fmt: skip


@pytest.fixture(scope="module")
def responses() -> pd.DataFrame:
    return analysed(normalise(published()))


@pytest.fixture(scope="module")
def rows(responses: pd.DataFrame) -> list[PairedRow]:
    pairs = pair(responses, "A", "B")
    return [row for q in QUESTIONS for row in paired_rows(pairs, PLAN, question=q, method_a="A", method_b="B")]


def by_group(rows: list[PairedRow]) -> dict[tuple[str, str, str], PairedRow]:
    return {(row.question, row.truth, row.group): row for row in rows}


def test_all_54_rows_agree(rows: list[PairedRow]) -> None:
    ours, figures = by_group(rows), published_figures("paired")
    assert len(figures) == 54
    for expected in figures:
        key = (str(expected["question"]), str(expected["truth"]), str(expected["group"]))
        for name in SAME:
            assert getattr(ours[key], name) == pytest.approx(expected[name], rel=1e-9, abs=1e-12), (key, name)


def test_the_interval_of_the_primary_difference(rows: list[PairedRow]) -> None:
    first = rows[0]
    assert first.ci_example == pytest.approx([0.033, 0.267], abs=0.012)
    assert (first.n_examples, first.n_patients) == (120, 116)
    false_positives = by_group(rows)["confidence", "FP", "overall"]
    assert false_positives.ci_example == pytest.approx([-0.096, 0.183], abs=0.02)  # steps of 1/120


def test_the_clustered_signed_rank_test_agrees(rows: list[PairedRow]) -> None:
    tests = rows[0].clustered
    assert tests is not None
    assert [tests.example.p_value, tests.case.p_value, tests.patient.p_value] == pytest.approx(
        [0.00946, 0.01068, 0.01204], abs=5e-6
    )


@pytest.mark.parametrize(
    ("families", "holm", "bh"),
    [
        (PLAN.families[:2], "p_holm", "p_bh"),
        ((Family("four", per_question=False), Family("24", "pathology", per_question=False)), "p_holm_all", "p_bh_all"),
    ],
)
def test_adjusted_p_values_agree(rows: list[PairedRow], families: tuple[Family, ...], holm: str, bh: str) -> None:
    ours = by_group(adjust(rows, AnalysisPlan(families=families)))
    checked = 0
    for expected in published_figures("paired"):
        row = ours[str(expected["question"]), str(expected["truth"]), str(expected["group"])]
        for found, name in ((row.p_holm, holm), (row.p_bh, bh)):
            if not pd.isna(expected[name]):
                assert found == pytest.approx(expected[name], rel=1e-9)
                checked += 1
    assert checked == {"p_holm": 26, "p_holm_all": 56}[holm]


def test_agreement_between_the_two_readers(responses: pd.DataFrame) -> None:
    found = agreement_rows(responses, PLAN, methods=["A", "B"], questions=QUESTIONS)
    ours = {(row.question, row.method, row.truth): row for row in found}
    figures = published_figures("agreement")
    assert len(found) == len(figures) == 18
    for expected in figures:
        row = ours[str(expected["question"]), str(expected["method"]), str(expected["truth"])]
        for name in ("n_units", "kappa", "icc", "alpha", "exact_agreement", "within_one"):
            assert getattr(row, name) == pytest.approx(expected[name], abs=1e-6), (row, name)
        assert row.kappa_ci == pytest.approx([expected["kappa_low"], expected["kappa_high"]], abs=0.06)
