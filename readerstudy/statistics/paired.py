"""Paired comparison of two methods: Wilcoxon's signed-rank test per question, truth and group, with cluster intervals.

d = score with B - score with A, paired by reader x example. Sources: Wilcoxon, Biometrics Bulletin 1945; Pratt, JASA
1959 (zeros); Kerby, Comprehensive Psychology 2014 (rank-biserial correlation).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from readerstudy.statistics.bootstrap import (
    FEWEST_CLUSTERS,
    Bounds,
    Floats,
    design_effect,
    mean_interval,
    why_no_interval,
)
from readerstudy.statistics.frame import cluster_codes, complete, natural_sort
from readerstudy.statistics.mrmc import clustered_signed_rank, exact_p
from readerstudy.statistics.plan import MEAN_TESTS, TRUTHS, AnalysisPlan
from readerstudy.statistics.rows import ClusteredTest, ClusteredTests, Comparison, PairedRow
from readerstudy.statistics.scores.comparing import mean_test
from readerstudy.statistics.wording import p_text

TRUTH_NAMES = {"TP": "true positives", "FP": "false positives", "all": "all examples"}

_Clusters = dict[str, NDArray[np.intp]]  # of each pair, by example, case and patient


@dataclass(frozen=True)
class SignedRank:
    """w: the smaller rank sum; rank_biserial: (R+ - R-) / (R+ + R-), in [-1, 1], above 0 when B is higher.

    p_exact: of the same ranks, from all assignments of signs; None where there are many (mrmc.exact_p).
    """

    w: float
    p_value: float
    rank_biserial: float
    p_exact: float | None


def rank_biserial(differences: Floats, zero_rule: str = "wilcox") -> float:
    """Matched-pairs rank-biserial correlation of `differences` (n,), of which at least one is not zero."""
    d = np.asarray(differences, dtype=float)
    if zero_rule == "wilcox":
        d = d[d != 0]
    ranks = stats.rankdata(np.abs(d))
    plus, minus = float(ranks[d > 0].sum()), float(ranks[d < 0].sum())
    zeros = float(ranks[d == 0].sum()) if zero_rule == "zsplit" else 0.0
    return (plus - minus) / (plus + minus + zeros)


def signed_rank(differences: Floats, zero_rule: str = "wilcox") -> SignedRank:
    """Two-sided signed-rank test of `differences` (n,), normal approximation, ties corrected, no continuity correction.

    zero_rule is SciPy's zero_method. At least one difference must not be zero.
    """
    test = stats.wilcoxon(
        differences, zero_method=zero_rule, correction=False, alternative="two-sided", method="asymptotic"
    )
    d = np.asarray(differences, dtype=float)
    ranked = d[d != 0] if zero_rule == "wilcox" else d
    signed = np.sign(ranked) * stats.rankdata(np.abs(ranked))  # half of each split zero on either side cancels out
    exact = exact_p(signed[signed != 0])
    return SignedRank(float(test.statistic), float(test.pvalue), rank_biserial(d, zero_rule), exact)


def groups(pairs: pd.DataFrame) -> Iterator[tuple[str, str, NDArray[np.bool_]]]:
    """(level, group, its rows): everything, each pathology, each reader, and by which method came first."""
    yield "overall", "overall", np.ones(len(pairs), dtype=bool)
    for level, column in (("pathology", "pathology"), ("reader", "reader"), ("order", "order")):
        for name in natural_sort(pairs[column]):
            if name:
                yield level, name, (pairs[column] == name).to_numpy()


def paired_rows(
    pairs: pd.DataFrame, plan: AnalysisPlan, *, question: str, method_a: str, method_b: str
) -> list[PairedRow]:
    """One row per truth x group for one question and pair of methods; `pairs` as from `frame.pair`."""
    asked = pairs[pairs["question"] == question]
    found = list(groups(asked))
    numbered = _numbered(asked)
    return [
        PairedRow(
            question,
            truth,
            level,
            group,
            method_a,
            method_b,
            **vars(compare(numbered[members & of_truth], plan, method_a, method_b)),
        )
        for truth in TRUTHS
        for of_truth in [(asked["truth"] == truth).to_numpy() | (truth == "all")]
        for level, group, members in found
    ]


def _numbered(pairs: pd.DataFrame) -> pd.DataFrame:
    """What `compare` needs, with numbers in the order of the names: comparing texts would take most of its time."""
    names = {name: pd.factorize(pairs[name], sort=True)[0] for name in ("reader", "example", "case", "patient")}
    return pd.DataFrame(names | {name: pairs[name].to_numpy() for name in ("score_a", "score_b", "difference")})


def compare(members: pd.DataFrame, plan: AnalysisPlan, method_a: str, method_b: str) -> Comparison:
    """Counts, means, test and intervals of one group of pairs; what cannot be computed is None and `note` says why."""
    pairs = complete(members)
    d = pairs["difference"].to_numpy(dtype=float)
    n, nonzero = len(d), int(np.count_nonzero(d))
    clusters = {name: cluster_codes(pairs[name]) for name in ("example", "case", "patient")}
    row = Comparison(
        n_pairs=n,
        n_incomplete=len(members) - n,
        n_zero=n - nonzero,
        n_positive=int((d > 0).sum()),
        n_negative=int((d < 0).sum()),
        n_examples=int(pairs["example"].nunique()),
        n_patients=int(pairs["patient"].nunique()),
        n_readers=int(pairs["reader"].nunique()),
        note=_note(n, nonzero, plan.minimum_pairs),
    )
    if n:
        row = replace(
            row,
            mean_a=float(pairs["score_a"].mean()),
            mean_b=float(pairs["score_b"].mean()),
            mean_difference=float(d.mean()),
            sd_difference=float(d.std(ddof=0)),
        )
    if n >= plan.minimum_pairs:
        row = _with_intervals(row, d, clusters, plan)
        if nonzero:
            row = _with_tests(row, d, clusters, plan)
            row = replace(row, mean_test=mean_test(members, plan, method_a, method_b))
    return row


def _with_intervals(row: Comparison, d: Floats, clusters: _Clusters, plan: AnalysisPlan) -> Comparison:
    def cluster_interval(name: str) -> Bounds:
        return mean_interval(
            d, clusters[name], alpha=plan.alpha, replicates=plan.bootstrap_replicates, seed=plan.bootstrap_seed
        )

    by_patient = cluster_interval("patient")
    return replace(
        row,
        ci_example=cluster_interval("example").ci,
        ci_patient=by_patient.ci,
        ci_patient_error=by_patient.error,
        design_effect=design_effect(d, clusters["patient"]),
    )


def _with_tests(row: Comparison, d: Floats, clusters: _Clusters, plan: AnalysisPlan) -> Comparison:
    test = signed_rank(d, plan.zero_rule)
    sentences = [_rough(row.n_pairs - row.n_zero, test.p_exact), why_no_interval(row.ci_patient, row.n_patients)]
    return replace(
        row,
        w=test.w,
        p_value=test.p_value,
        p_exact=test.p_exact,
        rank_biserial=test.rank_biserial,
        clustered=ClusteredTests(**{name: _clustered(d, codes) for name, codes in clusters.items()}),
        note=" ".join(filter(None, sentences)) or None,
    )


def clustered_p(row: Comparison) -> float | None:
    """The clustered test's p, patients as clusters: the exact one where no other is given."""
    if row.clustered is None:
        return None
    found = row.clustered.patient
    return found.p_exact if found.p_value is None else found.p_value


def planned_p(row: Comparison, plan: AnalysisPlan) -> float | None:
    """A row's p value by the plan's test; that of the pooled test where the plan's is of AUCs."""
    if plan.primary_endpoint.test in MEAN_TESTS:
        return row.mean_test.p_value if row.mean_test else None
    return clustered_p(row) if plan.primary_endpoint.test == "clustered_signed_rank" else row.p_value


def _clustered(d: Floats, clusters: NDArray[np.intp]) -> ClusteredTest:
    """z and its p need FEWEST_CLUSTERS with a difference; the exact p needs none and is given where they are few."""
    test = clustered_signed_rank(d, clusters)
    enough = test.n_clusters >= FEWEST_CLUSTERS
    z, p_value = (test.z, test.p_value) if enough else (None, None)
    return ClusteredTest(test.n_clusters, z, p_value, test.p_exact)


def _rough(nonzero: int, p_exact: float | None) -> str | None:
    if p_exact is None:
        return None
    are = "difference is" if nonzero == 1 else "differences are"
    return f"Only {nonzero} {are} not zero: the p value is a rough approximation, the exact one is {p_text(p_exact)}."


def _note(n: int, nonzero: int, minimum: int) -> str | None:
    if n == 0:
        return "No reader answered this for an example with both methods."
    if n < minimum:
        return f"Only {n} pair{'s' * (n > 1)}: too few to test (the plan asks for {minimum})."
    if nonzero == 0:
        return f"All {n} differences are zero: nothing to test."
    return None
