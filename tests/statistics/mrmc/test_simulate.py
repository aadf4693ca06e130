"""Simulated studies have the AUCs asked for and the tests' error rate that the theory gives."""

import numpy as np
import pytest

from readerstudy.statistics.mrmc import RoeMetz, empirical_auc, obuchowski_rockette, simulate_study


def test_the_expected_auc_is_the_one_asked_for():
    rng = np.random.default_rng(0)
    studies = [simulate_study(rng, readers=2, positives=60, negatives=60, auc=(0.7, 0.85)) for _ in range(150)]
    found = np.mean([empirical_auc(study.scores, study.truth) for study in studies], axis=(0, 2))
    assert found == pytest.approx([0.7, 0.85], abs=0.012)


def test_ordinal_answers_are_ratings_each_used():
    study = simulate_study(np.random.default_rng(0), readers=3, positives=50, negatives=50, levels=5)
    values, counts = np.unique(study.scores, return_counts=True)
    assert values.tolist() == [1, 2, 3, 4, 5]
    assert counts.min() >= 119  # 600 scores


def test_fixed_readers_hold_five_percent_where_readers_do_not_react_to_the_method():
    rng = np.random.default_rng(5)
    model = RoeMetz(method_reader=0)
    studies = (simulate_study(rng, readers=3, positives=40, negatives=40, model=model) for _ in range(300))
    rejected = sum(obuchowski_rockette(study).fixed_readers.p_value < 0.05 for study in studies)
    assert 5 <= rejected <= 27  # 15 expected; 99.8 % of binomial(300, 0.05)
