"""The U-statistic of every design against iMRMC: moments, variances, degrees of freedom, shares of right decisions."""

import numpy as np
import pytest

from readerstudy.statistics.mrmc import called, ustat
from readerstudy.statistics.mrmc.endpoints import values
from tests.statistics.mrmc.oracles2 import figures, names, scores

CLOSE = {"rel": 1e-6, "abs": 1e-12}


@pytest.mark.parametrize("name", names("a_", "b_", "c", "d_"))
def test_auc_agrees_with_imrmc_of_java(name):
    """Java's degrees of freedom, which are Welch-Satterthwaite where readers or cases differ between methods."""
    found = {kind: ustat(scores(name), variance=kind) for kind in ("unbiased", "mle")}
    rows = figures(name)["iMRMC_java_4_0_3"]
    assert len(rows) >= 6
    for row in rows:
        result = found["unbiased" if row["UstatOrMLE"] == "Ustat" else "mle"]
        a, b = row["modalityA"], row["modalityB"]
        ours = result.methods[a] if b == "NO_MOD" else result.differences[a, b]
        assert ours.value == pytest.approx(row["AUCs"][0 if b == "NO_MOD" else 2], **CLOSE)
        assert ours.variance == pytest.approx(row["totalVar"], **CLOSE)
        if row["dfBDG"] is not None:
            assert ours.bdg.df == pytest.approx(row["dfBDG"], **CLOSE)
            assert ours.bdg.p_value == pytest.approx(row["pValueBDG"], rel=1e-6, abs=1e-9)
            assert ours.normal.p_value == pytest.approx(row["pValueNormal"], rel=1e-6, abs=1e-9)
        if row["dfHillis"] is not None and ours.hillis is not None:
            assert ours.hillis.df == pytest.approx(row["dfHillis"], **CLOSE)


@pytest.mark.parametrize("name", names("a_", "b_", "c", "d_"))
def test_moments_are_imrmcs(name):
    data = scores(name)
    found = ustat(data).moments
    for row in figures(name)["iMRMC_R"]["Ustat_full"]:
        a, b = (data.methods.index(row[f"modalityID.{i}"]) for i in (1, 2))
        for k in range(8):
            ours = found.unbiased[k, a, b], found.biased[k, a, b], found.coefficients[k, a, b] - (k == 7)
            theirs = [row[f"M{k + 1}"], row[f"M{k + 1}.b"], row[f"M{k + 1}.coeff"]]
            assert ours == pytest.approx(theirs, **CLOSE)
        assert found.covariance()[a, b] == pytest.approx(row["covAUC"], **CLOSE)


@pytest.mark.parametrize("name", names("e_"))
@pytest.mark.parametrize(
    ("endpoint", "key"),
    [("accuracy", "percent_correct"), ("sensitivity", "sensitivity"), ("specificity", "specificity")],
)
def test_shares_agree_with_ustat11(name, endpoint, key):
    found = ustat(scores(name), endpoint=endpoint)
    oracle = figures(name)["iMRMC_R_uStat11"]["uStat11.jointD"][key]
    for method in ("A", "B"):
        assert found.values[method] == pytest.approx(oracle["mean"][method], **CLOSE)
        assert found.methods[method].variance == pytest.approx(oracle["var"][method], **CLOSE)
    difference = found.differences["A", "B"]
    assert difference.value == pytest.approx(oracle["mean"]["AminusB"], **CLOSE)
    for pair, (a, b) in (("AB", (0, 0)), ("CD", (1, 1)), ("ABminusCD", (0, 1))):
        for k, name_of in enumerate(("c1r1", "c0r1", "c1r0", "c0r0")):
            assert found.moments.unbiased[k, a, b] == pytest.approx(oracle["moments"][pair][name_of], **CLOSE)
            ours = found.moments.coefficients[k, a, b] - (k == 3)
            assert ours == pytest.approx(oracle["coeff"][pair][name_of], **CLOSE)
    for m, method in enumerate(("A", "B")):
        means = [row[method] for row in oracle["mean_per_reader"].values()]
        np.testing.assert_allclose(values(scores(name), endpoint)[m], means, rtol=1e-9)


@pytest.mark.parametrize(
    ("name", "endpoint"),
    [(name, "accuracy") for name in names("e_")] + [("e_binary_1", end) for end in ("sensitivity", "specificity")],
)
def test_variances_and_degrees_of_freedom_of_shares_are_imrmcs(name, endpoint):
    """doIMRMC as it is fed shares: made-up cases of the other class, which weigh readers alike only in crossed sets."""
    part = "percent_correct" if endpoint == "accuracy" else endpoint
    for key, kind in (("Ustat", "unbiased"), ("MLEstat", "mle")):
        found = ustat(scores(name), endpoint=endpoint, variance=kind)
        for row in figures(name)[f"iMRMC_R_{part}"][key]:
            single = row["modalityB"] == "NO_MOD"
            ours = found.methods[row["modalityA"]] if single else found.differences["A", "B"]
            assert ours.variance == pytest.approx(row["varAUCA" if single else "varAUCAminusAUCB"], **CLOSE)
            assert ours.bdg.df == pytest.approx(row["dfBDG"], **CLOSE)
            if not single or endpoint == "accuracy":
                assert ours.bdg.p_value == pytest.approx(row["pValueBDG"], rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("name", names("a_", "b_"))
@pytest.mark.parametrize("endpoint", ["sensitivity", "specificity"])
def test_a_share_of_crossed_decisions_is_the_mean_over_readers_and_has_no_chance_level(name, endpoint):
    data = called(scores(name), 3)
    found = ustat(data, endpoint=endpoint)
    assert list(found.values.values()) == pytest.approx(values(data, endpoint).mean(axis=1).tolist(), **CLOSE)
    assert np.isnan(found.methods["A"].bdg.p_value)
