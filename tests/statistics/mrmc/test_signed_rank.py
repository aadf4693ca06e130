"""The clustered signed-rank test on the published reads and on cases small enough to check by hand."""

import numpy as np
import pytest
from scipy import stats

from readerstudy.statistics.mrmc import MRMCError, clustered_signed_rank
from tests.statistics.mrmc.oracles import published_reads


@pytest.mark.shared
@pytest.mark.parametrize(
    ("cluster", "n_clusters", "p"),
    [("example", 120, 0.00946), ("image", 117, 0.01068), ("patient", 116, 0.01204)],
)
def test_published_confidence_of_true_positives(cluster, n_clusters, p):
    reads = published_reads()
    pairs = reads[reads["truth"] == 1].pivot_table(
        index=["reader", "example", "image", "patient"], columns="method", values="confidence"
    )
    ids = pairs.index.get_level_values(cluster)
    assert ids.nunique() == n_clusters
    found = clustered_signed_rank(pairs["B"] - pairs["A"], ids)
    assert found.p_value == pytest.approx(p, abs=5e-6)
    if cluster == "example":
        assert found.z == pytest.approx(2.595146853976203, rel=1e-12)
        assert found.p_value == pytest.approx(0.009455051092947586, rel=1e-12)


def test_without_clusters_it_is_the_signed_rank_test():
    d = np.random.default_rng(0).normal(0.3, 1, 50)
    plain = stats.wilcoxon(d, zero_method="wilcox", correction=False, method="asymptotic")
    assert clustered_signed_rank(d, np.arange(50)).p_value == pytest.approx(plain.pvalue, rel=1e-9)


def test_by_hand_with_a_tie_and_a_zero():
    # |d| 1 1 2 3 -> ranks 1.5 1.5 3 4; cluster sums: a 1.5 + 4, b -1.5 + 3
    found = clustered_signed_rank([1, -1, 2, 3, 0], ["a", "b", "b", "a", "c"])
    assert (found.statistic, found.n_nonzero, found.n_clusters) == (7.0, 4, 2)
    assert found.z == pytest.approx(7 / np.sqrt(5.5**2 + 1.5**2))
    assert found.p_exact == 0.5  # 5.5 + 1.5 or its opposite, of four: two clusters can never show more


def test_the_exact_p_turns_whole_clusters_and_so_holds_its_level_with_few():
    rng = np.random.default_rng(1)
    clusters, studies = 6, 2000
    rejected = 0
    for _ in range(studies):
        d = np.round(rng.normal(0, 1, (clusters, 1)) + rng.normal(0, 0.5, (clusters, 5))).ravel()
        p_exact = clustered_signed_rank(d, np.repeat(np.arange(clusters), 5)).p_exact
        rejected += p_exact is not None and p_exact < 0.05
    assert 0 < rejected / studies < 0.05 + 3 * np.sqrt(0.05 * 0.95 / studies)
    assert clustered_signed_rank(np.ones(20), np.arange(20)).p_exact is None


def test_nothing_but_zeros_gives_no_p_value():
    assert clustered_signed_rank([0, 0], [1, 2]).p_value is None
    assert clustered_signed_rank([], []).p_value is None


def test_it_refuses_missing_differences_and_unequal_lengths():
    with pytest.raises(MRMCError, match="1 of 2 differences are missing"):
        clustered_signed_rank([1, np.nan], [1, 2])
    with pytest.raises(MRMCError, match="same length"):
        clustered_signed_rank([1, 2], [1])
