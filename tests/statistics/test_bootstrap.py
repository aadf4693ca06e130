"""The cluster bootstrap: right width, seeded, blind to the names of clusters."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from readerstudy.statistics.bootstrap import (
    FEWEST_CLUSTERS,
    Bounds,
    _drawn,
    bootstrap,
    coverage,
    design_effect,
    interval,
    mean_interval,
    monte_carlo_error,
    ratio_of_sums,
)
from readerstudy.statistics.frame import cluster_codes


def test_a_sample_of_clusters_keeps_their_units_together() -> None:
    columns = np.column_stack([[1.0, 1, 10, 10], np.ones(4)])
    means = bootstrap(columns, np.array([0, 0, 1, 1]), ratio_of_sums, 500, seed=1)
    assert set(np.round(means, 9)) == {1.0, 5.5, 10.0}


def test_the_standard_error_matches_theory_and_grows_with_clustering() -> None:
    rng = np.random.default_rng(0)
    values = np.repeat(rng.normal(size=150), 2)  # two equal answers per cluster
    columns = np.column_stack([values, np.ones(300)])
    clustered = bootstrap(columns, np.repeat(np.arange(150), 2), ratio_of_sums, 4000, seed=1).std()
    independent = bootstrap(columns, np.arange(300), ratio_of_sums, 4000, seed=1).std()
    assert clustered == pytest.approx(values.std() / np.sqrt(150), rel=0.05)
    assert independent == pytest.approx(values.std() / np.sqrt(300), rel=0.05)


def test_the_design_effect_is_exact() -> None:
    """Twice the same answer of each patient halves the information, to the last digit; alone it is one."""
    values = np.repeat(np.random.default_rng(0).normal(size=50), 2)
    assert design_effect(values, np.repeat(np.arange(50), 2)) == pytest.approx(2)
    assert design_effect(values, np.arange(100)) == pytest.approx(1)
    assert design_effect(values, np.arange(100) % 9) is None
    assert design_effect(np.ones(100), np.arange(100)) is None


def test_the_monte_carlo_error_is_how_far_an_end_moves_with_the_seed() -> None:
    values, clusters = np.random.default_rng(4).normal(size=60), np.arange(60)
    columns = np.column_stack([values, np.ones(60)])
    drawn = [bootstrap(columns, clusters, ratio_of_sums, 1000, seed) for seed in range(200)]
    ends = np.array([interval(samples, 0.05) for samples in drawn])
    said = np.array([monte_carlo_error(samples, 0.05) for samples in drawn])
    assert ends.std(axis=0) == pytest.approx(said.mean(axis=0), rel=0.2)


def test_the_same_seed_gives_the_same_interval_whatever_the_patients_are_called() -> None:
    values = np.random.default_rng(0).normal(size=40)
    names = pd.Series([f"p{i // 2}" for i in range(40)])
    renamed = names.map(lambda name: f"{hash(name) % 9973}-{name}")
    one = mean_interval(values, cluster_codes(names), alpha=0.1, replicates=300, seed=5)
    assert one == mean_interval(values, cluster_codes(renamed), alpha=0.1, replicates=300, seed=5)
    assert one != mean_interval(values, cluster_codes(names), alpha=0.1, replicates=300, seed=6)


def test_chunks_do_not_change_the_distribution(monkeypatch: pytest.MonkeyPatch) -> None:
    columns = np.column_stack([np.arange(50.0), np.ones(50)])
    whole = bootstrap(columns, np.arange(50), ratio_of_sums, 400, seed=2)
    monkeypatch.setattr("readerstudy.statistics.bootstrap.CHUNK", 1000)
    assert len(list(_drawn(50, 400, 2))) == 20
    monkeypatch.setattr("readerstudy.statistics.bootstrap.KEPT", 0)  # nothing kept from the one before
    assert np.array_equal(bootstrap(columns, np.arange(50), ratio_of_sums, 400, seed=2), whole)


def test_ten_clusters_are_the_fewest_with_which_an_interval_misses_at_most_twice_as_often_as_it_says() -> None:
    assert min(k for k in range(2, 50) if 1 - coverage(k, 0.05) <= 2 * 0.05) == FEWEST_CLUSTERS


@pytest.mark.parametrize("clusters", [5, 10, 20])
def test_intervals_of_answers_on_a_scale_cover_as_often_as_said(clusters: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("readerstudy.statistics.bootstrap.FEWEST_CLUSTERS", 2)
    rng = np.random.default_rng(clusters)
    studies = 1500
    truth = np.mean(np.round(rng.normal(0.3, 1, 10**6)))
    held = 0
    for study in range(studies):
        d = np.round(rng.normal(0.3, 0.7, (clusters, 1)) + rng.normal(0, np.sqrt(0.51), (clusters, 4))).ravel()
        ci = mean_interval(d, np.repeat(np.arange(clusters), 4), alpha=0.05, replicates=400, seed=study).ci
        held += ci is not None and ci[0] <= truth <= ci[1]
    assert held / studies == pytest.approx(coverage(clusters, 0.05), abs=0.025)  # three standard errors


def test_an_interval_needs_most_samples_to_be_defined() -> None:
    values = np.r_[np.linspace(0, 1, 95), np.full(5, np.nan)]
    assert interval(values, 0.1) == pytest.approx([0.05, 0.95])
    assert interval(np.r_[values, np.full(20, np.nan)], 0.1) is None
    assert interval(np.ones(100), 0.1) is None
    assert mean_interval(np.ones(3), np.zeros(3, int), alpha=0.05, replicates=100, seed=0) == Bounds()
