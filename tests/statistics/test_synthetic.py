"""The functions behind the published table on a crossover that is committed, with zeros and ties, for everyone.

data/crossover.csv: `python -m tests.statistics.test_synthetic` writes it again. Figures are compared with SciPy and
statsmodels, and with bare numbers that they gave once.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.multitest import multipletests

from readerstudy.statistics.agreement import agreement_rows
from readerstudy.statistics.frame import analysed, normalise, pair
from readerstudy.statistics.multiplicity import adjust
from readerstudy.statistics.paired import paired_rows
from readerstudy.statistics.plan import AnalysisPlan
from readerstudy.statistics.rows import PairedRow
from tests.statistics.frames import DATA, PATHOLOGIES, QUESTIONS, crossover

FILE = DATA / "crossover.csv"
COLUMNS = ["reader", "read", "example", "case", "patient_key", "pathology", "truth", "method", "question", "score"]
PLAN = AnalysisPlan(bootstrap_replicates=100)
# n_pairs, n_zero, W, p: what SciPy's wilcoxon gave.
BARE: dict[tuple[str, str], tuple[float, ...]] = {
    ("confidence", "TP"): (40, 17, 40.0, 0.0013690712816232017),
    ("confidence", "FP"): (40, 13, 50.0, 0.00025492416426560395),
    ("feature", "TP"): (40, 17, 41.5, 0.002383361092532816),
    ("feature", "FP"): (40, 14, 73.5, 0.006064809949278375),
}


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return pd.read_csv(FILE)


@pytest.fixture(scope="module")
def rows(frame: pd.DataFrame) -> list[PairedRow]:
    pairs = pair(analysed(normalise(frame)), "A", "B")
    found = [row for q in QUESTIONS for row in paired_rows(pairs, PLAN, question=q, method_a="A", method_b="B")]
    return adjust(found, PLAN)


def sides(frame: pd.DataFrame, question: str, truth: str) -> pd.DataFrame:
    chosen = frame[(frame["question"] == question) & (frame["truth"] == truth)]
    return chosen.pivot_table(index=["reader", "example", "pathology"], columns="method", values="score")


@pytest.mark.parametrize(("question", "truth"), list(BARE))
def test_a_row_is_what_scipy_says_and_what_it_said(
    frame: pd.DataFrame, rows: list[PairedRow], question: str, truth: str
) -> None:
    for group in ("overall", *PATHOLOGIES, "R1", "R2"):
        row = next(r for r in rows if (r.question, r.truth, r.group) == (question, truth, group))
        both = sides(frame, question, truth).reset_index()
        both = both[(group == "overall") | (both["pathology"] == group) | (both["reader"] == group)]
        d = (both["B"] - both["A"]).to_numpy()
        test = stats.wilcoxon(d, zero_method="wilcox", correction=False, method="asymptotic")
        assert (row.n_pairs, row.n_zero) == (len(d), int((d == 0).sum()))
        assert (row.w, row.p_value) == pytest.approx((test.statistic, test.pvalue), rel=1e-12)
        assert (row.mean_difference, row.sd_difference) == pytest.approx((d.mean(), d.std()), rel=1e-12)
        ranks, nonzero = stats.rankdata(np.abs(d[d != 0])), d[d != 0]
        assert row.rank_biserial == pytest.approx(np.sum(np.sign(nonzero) * ranks) / ranks.sum(), abs=1e-12)
        if group == "overall":
            assert row.n_zero > 0 and len(set(ranks)) < len(ranks)  # zeros and ties are there
            assert (row.n_pairs, row.n_zero, row.w, row.p_value) == pytest.approx(BARE[question, truth], rel=1e-9)


def test_families_are_adjusted_as_statsmodels_does(rows: list[PairedRow]) -> None:
    for question in QUESTIONS:
        for level in ("overall", "pathology", "reader"):
            family = [r for r in rows if (r.question, r.level) == (question, level) and r.truth != "all"]
            p = [row.p_value for row in family]
            assert [row.p_holm for row in family] == pytest.approx(multipletests(p, method="holm")[1])
            assert [row.p_bh for row in family] == pytest.approx(multipletests(p, method="fdr_bh")[1])


def test_agreement_is_scikit_learns_kappa(frame: pd.DataFrame) -> None:
    found = agreement_rows(analysed(normalise(frame)), PLAN, methods=["A", "B"], questions=QUESTIONS)
    for row in (row for row in found if row.method != "all" and row.truth != "all"):
        chosen = frame[
            (frame["question"] == row.question) & (frame["method"] == row.method) & (frame["truth"] == row.truth)
        ]
        x, y = chosen.pivot_table(index="example", columns="reader", values="score").to_numpy().T
        assert row.kappa == pytest.approx(cohen_kappa_score(x, y, weights="quadratic", labels=[1, 2, 3, 4, 5]))
        assert row.exact_agreement == pytest.approx(np.mean(x == y))


if __name__ == "__main__":
    crossover(examples=40, seed=11)[COLUMNS].to_csv(FILE, index=False)
