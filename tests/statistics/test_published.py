"""The published study: our numbers against those of REFERENCE section 2 (run when ../shared is there)."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from readerstudy.statistics.agreement import agreement_rows
from readerstudy.statistics.frame import analysed, normalise, pair
from readerstudy.statistics.multiplicity import adjust
from readerstudy.statistics.paired import paired_rows
from readerstudy.statistics.plan import AnalysisPlan, Family
from tests.statistics.frames import QUESTIONS, oracle, published

pytestmark = pytest.mark.shared
PLAN = AnalysisPlan()


@pytest.fixture(scope="module")
def responses() -> pd.DataFrame:
    return analysed(normalise(published()))


@pytest.fixture(scope="module")
def rows(responses: pd.DataFrame) -> list[dict[str, Any]]:
    pairs = pair(responses, "A", "B")
    found = [row for q in QUESTIONS for row in paired_rows(pairs, PLAN, question=q, method_a="A", method_b="B")]
    adjust(found, PLAN)
    return found


def test_all_54_rows_agree(rows: list[dict[str, Any]]) -> None:
    ours = {(row["question"], row["truth"], row["group"]): row for row in rows}
    same = {
        "n_pairs": "n_pairs",
        "n_zero": "n_zero",
        "n_positive": "n_pos",
        "n_negative": "n_neg",
        "mean_a": "mean_A",
        "mean_b": "mean_B",
        "mean_difference": "mean_diff",
        "sd_difference": "sd_ddof0",
        "w": "W",
        "p_value": "p",
        "rank_biserial": "rank_biserial",
    }
    checked = 0
    for key, groups in oracle("paper_reference.json")["table"].items():
        question, truth = key.split("/")
        for group, expected in groups.items():
            row = ours[question, truth, group.replace("reader", "R")]
            for name, theirs in same.items():
                assert row[name] == pytest.approx(expected[theirs], rel=1e-9, abs=1e-12), (key, group, name)
            checked += 1
    assert checked == 54


def test_the_interval_of_the_primary_difference(rows: list[dict[str, Any]]) -> None:
    first = rows[0]
    assert first["ci_example"] == pytest.approx([0.033, 0.267], abs=0.012)
    assert (first["n_examples"], first["n_patients"]) == (120, 116)
    false_positives = next(row for row in rows if row["truth"] == "FP" and row["group"] == "overall")
    assert false_positives["ci_example"] == pytest.approx([-0.096, 0.183], abs=0.02)  # steps of 1/120


def test_the_clustered_signed_rank_test_agrees(rows: list[dict[str, Any]]) -> None:
    p = {level: round(found["p_value"], 5) for level, found in rows[0]["clustered"].items()}
    assert p == {"example": 0.00946, "case": 0.01068, "patient": 0.01204}


def test_adjusted_p_values_agree(rows: list[dict[str, Any]]) -> None:
    expected = oracle("paper_agreement_multiplicity.json")["multiplicity"]

    def check(level: str, holm: Any, bh: Any, questions: tuple[str, ...] = QUESTIONS) -> None:
        chosen = [r for r in rows if r["level"] == level and r["truth"] != "all" and r["question"] in questions]
        for i, row in enumerate(chosen):
            key = f"{row['question']}/{row['truth']}/{row['group']}" if isinstance(holm, dict) else i
            assert row["p_holm"] == pytest.approx(holm[key], rel=1e-9)
            assert bh is None or row["p_bh"] == pytest.approx(bh[key], rel=1e-9)

    check("overall", expected["2 confidence holm"], None, ("confidence",))
    check("pathology", expected["12 conf pathology holm"], expected["12 conf pathology fdr_bh"], ("confidence",))
    adjust(
        rows, AnalysisPlan(families=(Family("four", per_question=False), Family("24", "pathology", per_question=False)))
    )
    check("overall", expected["4 primary holm"], expected["4 primary bh"])
    check("pathology", expected["24 pathology holm"], expected["24 pathology fdr_bh"])
    adjust(rows, PLAN)


def test_agreement_between_the_two_readers(responses: pd.DataFrame) -> None:
    expected = oracle("paper_agreement_multiplicity.json")["agreement"]
    found = agreement_rows(responses, PLAN, methods=["A", "B"], questions=QUESTIONS)
    assert len(found) == len(expected) == 18
    for row in found:
        method = "both" if row["method"] == "all" else row["method"]
        theirs = expected[f"{row['question']}/{method}/{row['truth']}"]
        assert row["n_units"] == theirs["n"]
        assert row["kappa"] == pytest.approx(theirs["qwk"], abs=1e-6)
        assert row["icc"] == pytest.approx(theirs["icc21"], abs=1e-6)
        assert row["alpha"] == pytest.approx(theirs["alpha_ordinal"], abs=1e-6)
        assert row["exact_agreement"] == pytest.approx(theirs["pct_exact"])
        assert row["within_one"] == pytest.approx(theirs["pct_within1"])
        assert row["kappa_ci"] == pytest.approx(theirs["qwk_ci"], abs=0.06)
