"""AUCs and their covariances against direct counting, the oracles and simulation."""

import numpy as np
import pytest

from readerstudy.statistics.mrmc import (
    MRMCError,
    RoeMetz,
    auc_covariance,
    empirical_auc,
    reader_scores,
    simulate_study,
)
from readerstudy.statistics.mrmc.data import ReaderScores
from tests.statistics.mrmc.oracles import EXPECTED, synthetic


def counted_auc(scores: np.ndarray, truth: np.ndarray) -> float:
    x, y = scores[truth == 1], scores[truth == 0]
    return float(np.nanmean(np.sign(x[:, None] - y[None, :]) / 2 + 0.5))


def test_auc_counts_ties_half_and_leaves_out_missing_scores():
    rng = np.random.default_rng(1)
    scores = rng.integers(1, 6, (2, 3, 40)).astype(float)
    scores[rng.random(scores.shape) < 0.1] = np.nan
    truth = np.arange(40) % 2
    found = empirical_auc(scores, truth)
    for m in range(2):
        for r in range(3):
            assert found[m, r] == pytest.approx(counted_auc(scores[m, r], truth), rel=1e-12)


def test_jackknife_is_what_leaving_out_each_case_gives():
    data = synthetic("full2")
    n = data.truth.size
    left_out = np.array(
        [empirical_auc(np.delete(data.scores, k, axis=2), np.delete(data.truth, k)).ravel() for k in range(n)]
    )
    expected = np.cov(left_out.T, ddof=1) * (n - 1) ** 2 / n
    np.testing.assert_allclose(auc_covariance(data, "jackknife").reshape(4, 4), expected, rtol=1e-9)


def test_unbiased_covariance_of_one_reader_is_imrmcs():
    data = synthetic("full5")
    covariance = auc_covariance(data, "unbiased")
    for row in EXPECTED["syn_full5"]["iMRMC_java_4_0_3"]["per_reader"]:
        if row["modalityB"] == "NO_MOD":
            m, r = data.methods.index(row["modalityA"]), data.readers.index(row["readerID"])
            assert covariance[m, r, m, r] == pytest.approx(float(row["varAUCA"]), rel=1e-5)  # printed to 6 digits


def test_unbiased_covariance_does_not_depend_on_block_size(monkeypatch):
    data = synthetic("full2")
    whole = auc_covariance(data, "unbiased")
    monkeypatch.setattr("readerstudy.statistics.mrmc.auc.BLOCK", 1)
    np.testing.assert_allclose(auc_covariance(data, "unbiased"), whole, rtol=1e-12)


def test_clustered_covariance_of_single_cases_is_delongs():
    data = synthetic("full2")
    alone = ReaderScores(data.scores, data.truth, data.methods, data.readers, np.arange(data.truth.size))
    np.testing.assert_allclose(auc_covariance(alone, "clustered"), auc_covariance(data, "delong"), rtol=1e-12)


def test_clustered_covariance_is_right_where_delong_is_too_small():
    """120 patients with one to three cases that share a large part of their score, some with both truths."""
    rng = np.random.default_rng(7)
    patients = np.repeat(np.arange(120), 1 + np.arange(120) % 3)
    positive_share = np.where(patients % 2 == 0, 0.9, 0.1)
    aucs, clustered, delong = [], [], []
    for _ in range(600):
        truth = (rng.random(patients.size) < positive_share).astype(int)
        of_patient = rng.standard_normal((1, 1, 120))[..., patients]
        scores = truth + of_patient + 0.5 * rng.standard_normal((2, 1, patients.size))
        data = reader_scores(scores, truth, cluster=patients)
        aucs.append(empirical_auc(scores, truth)[:, 0])
        clustered.append(auc_covariance(data, "clustered")[:, 0, :, 0])
        delong.append(auc_covariance(data, "delong")[:, 0, :, 0])
    true = np.cov(np.array(aucs).T)
    np.testing.assert_allclose(np.mean(clustered, axis=0), true, rtol=0.12)
    assert np.mean(delong, axis=0)[0, 0] < 0.75 * true[0, 0]


@pytest.mark.parametrize("kind", ["jackknife", "delong", "unbiased"])
def test_covariances_are_right_on_average(kind):
    rng = np.random.default_rng(3)
    model = RoeMetz(reader=0, method_reader=0)  # cases are the only sample
    studies = [
        simulate_study(rng, readers=1, positives=20, negatives=25, auc=(0.7, 0.8), model=model) for _ in range(500)
    ]
    true = np.cov(np.array([empirical_auc(s.scores, s.truth)[:, 0] for s in studies]).T)
    found = np.mean([auc_covariance(s, kind)[:, 0, :, 0] for s in studies], axis=0)
    np.testing.assert_allclose(found, true, rtol=0.2)


def test_it_refuses_unknown_kinds_missing_clusters_and_single_cases():
    data = synthetic("full2")
    with pytest.raises(MRMCError, match="no covariance method 'bootstrap'"):
        auc_covariance(data, "bootstrap")
    with pytest.raises(MRMCError, match="needs the patient of every case"):
        auc_covariance(data, "clustered")
    with pytest.raises(MRMCError, match="one positive case only"):
        auc_covariance(reader_scores([[[3, 1, 2]], [[3, 2, 2]]], [1, 0, 0]))
    scores = np.array([[[3, np.nan, 1, 2.0]], [[3, 4, 2, 2]], [[np.nan, 3, 2, 1]]])
    with pytest.raises(MRMCError, match="Reader R1 scored fewer than two positive cases with method A"):
        auc_covariance(reader_scores(scores, [1, 1, 0, 0]))
    with pytest.raises(MRMCError, match="belong to one cluster"):
        auc_covariance(reader_scores([[[3, 1, 2, 2]], [[3, 2, 2, 1]]], [1, 1, 0, 0], cluster=[0, 0, 1, 2]), "clustered")
