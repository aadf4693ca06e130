"""Tests of mean scores: against Obuchowski and Rockette's own form, by hand, with gaps, and what they refuse."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from readerstudy.statistics.mrmc.obuchowski_rockette import components
from readerstudy.statistics.plan import AnalysisError
from readerstudy.statistics.scores import (
    compare,
    compare_all,
    differences,
    fixed_cases,
    fixed_readers,
    of_differences,
    omnibus,
    primary_test,
    readers_and_patients,
    run,
    scores_from_rows,
    scores_of,
)
from readerstudy.statistics.scores.simulate import Population, draw
from tests.statistics.mrmc.oracles import published_reads
from tests.statistics.scores.oracles import crossover


def study(seed=0, methods=2, **population):
    p = Population(**({"readers": 4, "cases": 36, "by_reader": 0.4, "by_case": 0.8} | population))
    return scores_of(draw(np.random.default_rng(seed), p, 1, methods)[0], p.patients)


def jackknifed(scores, patients):
    """Components of the readers' mean scores by method, patients left out one by one, as for areas under the curve."""
    left = np.stack([scores[:, :, patients != p].mean(axis=2) for p in np.unique(patients)])
    centred = left - left.mean(axis=0)
    n = len(left)
    return components(scores.mean(axis=2), (n - 1) / n * np.einsum("pab,pcd->abcd", centred, centred))


@pytest.mark.parametrize("methods", [2, 3, 4])
@pytest.mark.parametrize("cases_per_patient", [1, 3])
def test_the_statistic_is_that_of_obuchowski_and_rockette_on_mean_scores(methods, cases_per_patient):
    data = study(seed=methods, methods=methods, cases_per_patient=cases_per_patient)
    parts = jackknifed(data.scores, data.patients)
    denominator = parts.ms_tr + 4 * max(parts.cov2 - parts.cov3, 0.0)

    test = omnibus(data)

    assert test.statistic == pytest.approx(parts.ms_t / denominator, rel=1e-10)
    assert (test.df1, test.n_blocks, test.n_incomplete) == (methods - 1, 4 * 36, 0)
    assert test.means == pytest.approx(data.scores.mean(axis=(1, 2)))
    if methods == 2:
        one = compare(data, "A", "B", "readers_and_patients")
        assert one.statistic**2 == pytest.approx(test.statistic, rel=1e-10)
        assert (one.df, one.p_value) == pytest.approx((test.df2, test.p_value), rel=1e-10)
        published = readers_and_patients(differences(data, "A", "B"), patients_in_df=False)
        assert published.df == pytest.approx(denominator**2 / (parts.ms_tr**2 / 3), rel=1e-10)
        assert published.df > one.df


def test_with_one_reader_fixed_readers_is_the_paired_t_test():
    d = study(readers=1)
    result = compare(d, "A", "B", "fixed_readers")
    expected = stats.ttest_rel(d.scores[1, 0], d.scores[0, 0])

    assert (result.statistic, result.p_value, result.df) == pytest.approx((expected.statistic, expected.pvalue, 35))
    assert result.ci == pytest.approx(tuple(expected.confidence_interval()))
    assert result.speaks_for == "these readers only, with patients like these"


def test_fixed_cases_is_the_t_test_over_readers_means():
    d = of_differences(study().scores[1] - study().scores[0])
    expected = stats.ttest_1samp(d.values.mean(axis=1), 0)
    result = fixed_cases(d)
    assert (result.statistic, result.p_value) == pytest.approx((expected.statistic, expected.pvalue))
    assert "these cases only" in result.speaks_for


def test_every_case_twice_as_a_patient_of_two_changes_nothing():
    values = study().scores[1] - study().scores[0]
    doubled = of_differences(np.repeat(values, 2, axis=1), np.repeat(np.arange(36), 2))
    for test in (readers_and_patients, fixed_readers):
        once, twice = test(of_differences(values)), test(doubled)
        assert (twice.estimate, twice.se, twice.df) == pytest.approx((once.estimate, once.se, once.df), rel=1e-10)


def test_patients_matter_when_their_cases_agree():
    data = study(seed=3, cases=120, cases_per_patient=4, same_patient=1.0, by_reader=0.0)
    d = differences(data, "A", "B")
    assert fixed_readers(d).se > 1.3 * fixed_readers(of_differences(d.values)).se


def test_gaps_are_counted_and_every_reader_counts_alike():
    scores = study().scores.copy()
    scores[1, 0, 4:] = np.nan  # this reader has four pairs left
    result = compare(scores_of(scores), "A", "B", "readers_and_patients")
    means = [np.nanmean(scores[1, r] - scores[0, r]) for r in range(4)]
    assert result.estimate == pytest.approx(np.mean(means))
    assert (result.size.pairs, result.size.unpaired) == (4 * 36 - 32, 32)
    assert any("32 of 144 pairs are missing" in warning for warning in result.warnings)


def test_the_jackknife_of_a_reader_with_gaps_is_over_the_patients_of_that_reader():
    scores = study(readers=1).scores.copy()
    scores[0, 0, 20:] = np.nan
    result = compare(scores_of(scores), "A", "B", "fixed_readers")
    assert result.se == pytest.approx(stats.sem(scores[1, 0, :20] - scores[0, 0, :20]))
    assert result.size.patients == 20


def test_names_and_order_of_readers_patients_and_rows_change_nothing():
    rows = crossover("g_crossover_1")
    there = compare(scores_from_rows(rows, ["A", "B"]), "A", "B", "readers_and_patients")
    shuffled = rows.sample(frac=1, random_state=1).assign(patient=lambda x: "x" + x["patient"].str[::-1])
    again = compare(scores_from_rows(shuffled, ["A", "B"]), "A", "B", "readers_and_patients")
    assert (again.estimate, again.se, again.df) == pytest.approx((there.estimate, there.se, there.df), rel=1e-12)
    assert (there.size.readers, there.size.patients, there.size.cases) == (8, 24, 48)
    back = compare(scores_from_rows(rows, ["A", "B"]), "B", "A", "readers_and_patients")
    assert (back.estimate, *back.ci) == pytest.approx((-there.estimate, -there.ci[1], -there.ci[0]))


def test_three_methods_give_three_pairs_and_fixed_readers_an_omnibus_of_their_own():
    data = study(methods=3)
    pairs = compare_all(data, "fixed_readers")
    assert list(pairs) == [("A", "B"), ("A", "C"), ("B", "C")]
    two = omnibus(scores_of(data.scores[:2]), readers_random=False)
    assert two.p_value == pytest.approx(pairs["A", "B"].p_value)
    three = omnibus(data, readers_random=False)
    mean = (data.scores - data.scores[0]).mean(axis=1)[1:]  # (2, cases): Hotelling's T^2 by hand
    square = 36 * mean.mean(axis=1) @ np.linalg.solve(np.cov(mean), mean.mean(axis=1))
    assert three.statistic == pytest.approx(square * 34 / (35 * 2))
    assert (three.df1, three.df2) == (2, 34)


def test_differences_that_do_not_vary_are_not_tested():
    for test in ("readers_and_patients", "fixed_readers", "fixed_cases", "crossed_reml"):
        result = run(of_differences(np.ones((5, 30))), test)
        assert (result.estimate, result.se, result.p_value, result.ci) == (1.0, 0.0, None, (1.0, 1.0))
        assert any("do not vary" in warning for warning in result.warnings)
    assert omnibus(scores_of(np.ones((3, 4, 20)))).p_value is None
    assert omnibus(scores_of(np.ones((3, 4, 20))), readers_random=False).p_value is None


def test_few_readers_and_few_patients_are_warned_of():
    assert any("4 readers" in warning for warning in readers_and_patients(of_differences(study().scores[1])).warnings)
    few = fixed_readers(of_differences(study(cases=12).scores[1]))
    assert any("12 patients" in warning for warning in few.warnings)
    assert [primary_test(n) for n in (2, 4, 5, 20)] == ["fixed_readers"] * 2 + ["readers_and_patients"] * 2


@pytest.mark.shared
def test_the_published_reads_speak_for_their_two_readers():
    rows = published_reads().assign(score=lambda reads: reads["confidence"], period=lambda reads: reads["read"] + 1)
    result = compare(scores_from_rows(rows[rows["truth"] == 1], ["A", "B"]), "A", "B", primary_test(2))
    assert result.estimate == pytest.approx(0.15)
    assert result.ci == pytest.approx((0.033, 0.267), abs=0.01)  # the case-cluster bootstrap's interval
    assert result.speaks_for.startswith("these readers only")


@pytest.mark.parametrize(
    ("values", "test", "words"),
    [
        (np.zeros((1, 9)), "readers_and_patients", "One reader"),
        (np.zeros((1, 9)), "fixed_cases", "One reader"),
        (np.zeros((1, 9)), "crossed_reml", "at least two readers"),
        ([[1, 2, 3], [1, np.nan, np.nan]], "fixed_readers", "R2 scored fewer than two patients"),
        (np.zeros((3, 9)), "wilcoxon", "no test of mean scores named 'wilcoxon'"),
        (np.full((2, 3), np.nan), "fixed_readers", "No reader scored a case with both"),
        ([[1, np.inf]], "fixed_readers", "finite"),
    ],
)
def test_what_cannot_be_tested_is_refused_in_words(values, test, words):
    with pytest.raises(AnalysisError, match=words):
        run(of_differences(values), test)


def test_rows_that_contradict_each_other_are_refused():
    rows = crossover("g_crossover_1")
    with pytest.raises(AnalysisError, match="two scores for example C001"):
        scores_from_rows(pd.concat([rows, rows.head(1)]), ["A", "B"])
    with pytest.raises(AnalysisError, match="more than one patient"):
        scores_from_rows(rows.assign(patient=rows["reader"]), ["A", "B"])
    with pytest.raises(AnalysisError, match="no answers with X or Y"):
        scores_from_rows(rows, ["X", "Y"])
    with pytest.raises(AnalysisError, match="no scores with 'C'"):
        compare(scores_from_rows(rows, ["A", "B"]), "A", "C", "fixed_readers")
