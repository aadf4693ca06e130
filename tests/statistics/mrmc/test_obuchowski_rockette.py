"""Obuchowski-Rockette against Van Dyke's published figures and MRMCaov's on the synthetic sets."""

import numpy as np
import pytest

from readerstudy.statistics.mrmc import MRMCError, obuchowski_rockette, reader_scores, simulate_study
from readerstudy.statistics.mrmc.obuchowski_rockette import ObuchowskiRockette
from tests.statistics.mrmc.oracles import EXPECTED, synthetic, van_dyke


def printed(value: float, digits: str) -> bool:
    """Whether value, rounded to as many places, is the printed digits."""
    places = len(digits.split(".")[1])
    return abs(value - float(digits)) <= 0.5 * 10**-places * (1 + 1e-9)


@pytest.fixture(scope="module")
def published() -> dict[str, ObuchowskiRockette]:
    data = van_dyke()
    return {kind: obuchowski_rockette(data, covariance=kind) for kind in ("jackknife", "delong", "unbiased")}


@pytest.mark.shared
def test_van_dyke_components(published):
    found = published["jackknife"]
    parts = found.components
    for value, text in (
        (found.means[0], "0.89703704"),
        (found.means[1], "0.94083736"),
        (parts.ms_t, "0.00479617"),
        (parts.ms_tr, "0.00055103"),
        (parts.var_r, "0.00153500"),
        (parts.var_tr, "0.00020040"),
        (parts.cov1, "0.00034661"),
        (parts.cov2, "0.00034407"),
        (parts.cov3, "0.00023903"),
        (parts.error, "0.00080229"),
    ):
        assert printed(value, text), (value, text)


@pytest.mark.shared
def test_van_dyke_inference(published):
    found = published["jackknife"]
    random, fixed, cases = found.random_readers, found.fixed_readers, found.fixed_cases
    difference = random.differences["1", "2"]
    for value, text in (
        (random.statistic, "4.456319"),
        (random.df2, "15.259675"),
        (random.p_value, "0.0516657"),
        (difference.p_value, "0.0516657"),
        (difference.ci_low, "-0.087959"),
        (difference.ci_high, "0.000359"),
        (fixed.statistic, "5.475953"),
        (fixed.p_value, "0.0192798"),
        (cases.statistic, "8.704"),
        (cases.p_value, "0.0420"),
        (published["delong"].random_readers.statistic, "4.484854"),
        (published["delong"].random_readers.p_value, "0.0512330"),
        (published["unbiased"].random_readers.statistic, "4.489614"),
        (published["unbiased"].random_readers.p_value, "0.0511618"),
    ):
        assert printed(value, text), (value, text)
    assert (cases.df1, cases.df2) == (1, 4)


@pytest.mark.parametrize("name", ["full2", "full5"])
@pytest.mark.parametrize("kind", ["jackknife", "delong", "unbiased"])
def test_synthetic_sets_agree_with_mrmcaov(name, kind):
    found = obuchowski_rockette(synthetic(name), covariance=kind)
    oracle = EXPECTED[f"syn_{name}"]["OR"][kind]
    parts = found.components
    np.testing.assert_allclose(found.values, oracle["auc"], rtol=1e-9)
    ours = (parts.ms_t, parts.ms_r, parts.ms_tr, parts.error, parts.cov1, parts.cov2, parts.cov3)
    theirs = [oracle[key] for key in ("MST", "MSR", "MSTR", "var", "cov1", "cov2", "cov3")]
    np.testing.assert_allclose(ours, theirs, rtol=1e-9)
    np.testing.assert_allclose((parts.var_r, parts.var_tr), (oracle["var_R"], oracle["var_TR"]), rtol=1e-9)
    for key, mode in (("RRRC", found.random_readers), ("FRRC", found.fixed_readers), ("RRFC", found.fixed_cases)):
        theirs = oracle[key]
        difference = mode.differences["A", "B"]
        assert mode.statistic == pytest.approx(theirs.get("F", theirs.get("X2")), rel=1e-9)
        assert mode.df1 == theirs.get("df1", theirs.get("df"))
        assert mode.df2 == pytest.approx(theirs.get("df2", np.inf), rel=1e-9)
        assert mode.p_value == pytest.approx(theirs["p"], rel=1e-9)
        assert difference.p_value == pytest.approx(theirs["p"], rel=1e-9)
        assert difference.value == pytest.approx(oracle["diff"], rel=1e-9)
        assert difference.se == pytest.approx(theirs["se"], rel=1e-9)
        assert [difference.ci_low, difference.ci_high] == pytest.approx(theirs["ci"], rel=1e-9)
    for reader, theirs in zip(found.readers, oracle["per_reader"], strict=True):
        ours = found.per_reader[reader]["A", "B"]
        assert ours.value == pytest.approx(theirs["diff"], rel=1e-9)
        assert ours.se == pytest.approx(theirs["se"], rel=1e-9)
        assert ours.p_value == pytest.approx(theirs["p"], rel=1e-9)
        assert [ours.ci_low, ours.ci_high] == pytest.approx(theirs["ci"], rel=1e-9)


@pytest.mark.parametrize("name", ["full2", "full5"])
def test_unbiased_components_are_imrmcs(name):
    parts = obuchowski_rockette(synthetic(name), covariance="unbiased").components
    rows = EXPECTED[f"syn_{name}"]["iMRMC_java_4_0_3"]["OR_components"]
    wanted = {"modalityB": "B", "UstatOrMLE": "Ustat", "Components": "components"}
    (row,) = [row for row in rows if wanted.items() <= row.items()]
    ours = (parts.var_r, parts.var_tr, parts.cov1, parts.cov2, parts.cov3, parts.error)
    theirs = [float(row[key]) for key in ("R", "TR", "COV1", "COV2", "COV3", "ERROR")]
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)  # printed to 6 digits


def test_single_method_intervals_use_hillis_degrees_of_freedom():
    found = obuchowski_rockette(synthetic("full5"), covariance="unbiased").random_readers.methods
    rows = EXPECTED["syn_full5"]["iMRMC_java_4_0_3"]["Ustat"]
    for row in [row for row in rows if row["modalityB"] == "NO_MOD"]:
        estimate = found[row["modalityA"]]
        assert estimate.df == pytest.approx(row["dfHillis"], rel=1e-6)
        assert estimate.se**2 == pytest.approx(row["varAUCA"], rel=1e-6)


def test_three_methods_have_three_pairs_and_agree_with_two_where_they_must():
    data = simulate_study(np.random.default_rng(5), readers=4, positives=30, negatives=30, auc=(0.7, 0.75, 0.8))
    found = obuchowski_rockette(data)
    assert list(found.random_readers.differences) == [("A", "B"), ("A", "C"), ("B", "C")]
    assert (found.random_readers.df1, found.fixed_cases.df2) == (2, 6)
    # sum of squared pairwise differences = t (t - 1) MS(T) / r, and each has variance 2 / r x denominator
    pairs = found.random_readers.differences.values()
    total = sum((pair.value / pair.se) ** 2 for pair in pairs)
    assert total == pytest.approx(3 * found.random_readers.statistic, rel=1e-9)


def test_one_reader_allows_fixed_readers_only():
    data = simulate_study(np.random.default_rng(2), readers=1, positives=30, negatives=30)
    found = obuchowski_rockette(data)
    assert found.random_readers is None
    assert found.fixed_cases is None
    alone = found.per_reader["R1"]["A", "B"]
    assert found.fixed_readers.p_value == pytest.approx(alone.p_value, rel=1e-9)


def test_methods_scored_alike_give_no_number_and_no_crash():
    scores = np.random.default_rng(0).standard_normal((1, 3, 40))
    found = obuchowski_rockette(np.concatenate([scores, scores]), np.arange(40) % 2)
    for mode in (found.random_readers, found.fixed_readers, found.fixed_cases):
        assert np.isnan(mode.p_value)
        assert mode.differences["A", "B"].value == 0


SCORES = np.random.default_rng(0).integers(1, 6, (2, 2, 20)).astype(float)
TRUTH = np.arange(20) % 2


def test_bad_input_is_named():
    names = {"methods": ["Method A", "Method B"], "readers": ["R1", "R2"]}

    def refused(match: str, scores: np.ndarray, truth: np.ndarray = TRUTH, **options) -> None:
        with pytest.raises(MRMCError, match=match):
            obuchowski_rockette(scores, truth, **{**names, **options})

    constant, absent, silent, one_class = SCORES.copy(), SCORES.copy(), SCORES.copy(), SCORES.copy()
    constant[1, 0] = 3
    absent[1] = np.nan
    silent[:, 1] = np.nan
    one_class[0, 1, TRUTH == 1] = np.nan
    refused("Reader R1 gave all 20 cases the same score with method Method B", constant)
    refused("No reader has scores with method Method B", absent)
    refused("Reader R2 has no scores: wait for them", silent)
    refused(r"Reader R2 has no scores of positive \(truth 1\) cases with method Method A", one_class)
    refused(r"no negative \(truth 0\) case", SCORES, np.ones(20))
    refused("Truth must be 1", SCORES, np.arange(20))
    refused("one value for each of the 20 cases", SCORES, TRUTH[:5])
    refused("one method only", SCORES[:1], methods=["Method A"])
    refused("methods x readers x cases", SCORES[0])
    refused("infinite", np.where(SCORES == 5, np.inf, SCORES))
    refused("names do not fit", SCORES, readers=["R1"])
    with pytest.raises(MRMCError, match="Truth"):
        obuchowski_rockette(SCORES)


def test_a_readers_scale_does_not_matter():
    found = obuchowski_rockette(SCORES, TRUTH)
    stretched = obuchowski_rockette(np.exp(SCORES) * np.array([1.0, 7.0])[None, :, None], TRUTH)
    assert stretched.random_readers.p_value == pytest.approx(found.random_readers.p_value, rel=1e-12)
    assert reader_scores(SCORES, TRUTH).methods == ("A", "B")
