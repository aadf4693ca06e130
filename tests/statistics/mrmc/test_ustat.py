"""The one-shot U-statistic against iMRMC 4.0.3, crossed and with gaps."""

import numpy as np
import pytest

from readerstudy.statistics.mrmc import MRMCError, empirical_auc, ustat
from readerstudy.statistics.mrmc.data import ReaderScores
from readerstudy.statistics.mrmc.ustat import Interval
from tests.statistics.mrmc.oracles import EXPECTED, synthetic


def agrees(found: Interval, row: dict, suffix: str) -> None:
    assert found.p_value == pytest.approx(row[f"pValue{suffix}"], rel=1e-6, abs=2e-16)  # iMRMC forms 1 - cdf
    end = suffix.replace("Normal", "normal")
    assert [found.ci_low, found.ci_high] == pytest.approx([row[f"botCI{end}"], row[f"topCI{end}"]], rel=1e-6)


@pytest.mark.parametrize("name", ["full2", "full5", "missing6"])
@pytest.mark.parametrize(("variance", "key"), [("unbiased", "Ustat"), ("mle", "MLE")])
def test_it_agrees_with_imrmc(name, variance, key):
    found = ustat(synthetic(name), variance=variance)
    rows = EXPECTED[f"syn_{name}"]["iMRMC_java_4_0_3"][key]
    assert len(rows) == 3
    for row in rows:
        single = row["modalityB"] == "NO_MOD"
        estimate = found.methods[row["modalityA"]] if single else found.differences["A", "B"]
        value, var = ("AUCA", "varAUCA") if single else ("AUCAminusAUCB", "varAUCAminusAUCB")
        assert estimate.value == pytest.approx(row[value], rel=1e-6)
        assert estimate.variance == pytest.approx(row[var], rel=1e-6)
        assert estimate.bdg.df == pytest.approx(row["dfBDG"], rel=1e-6)
        agrees(estimate.normal, row, "Normal")
        agrees(estimate.bdg, row, "BDG")
        if row["dfHillis"] == "NA":
            assert estimate.hillis is None
        else:
            assert estimate.hillis.df == pytest.approx(row["dfHillis"], rel=1e-6)
            agrees(estimate.hillis, row, "Hillis")


def test_readers_alone_agree_with_imrmc_where_cases_are_missing():
    data = synthetic("missing6")
    auc = empirical_auc(data.scores, data.truth)
    for row in EXPECTED["syn_missing6"]["iMRMC_java_4_0_3"]["per_reader"]:
        m, r = data.methods.index(row["modalityA"]), data.readers.index(row["readerID"])
        assert auc[m, r] == pytest.approx(float(row["AUCA"]), rel=1e-6)


def test_one_reader_is_refused():
    data = synthetic("full2")
    with pytest.raises(MRMCError, match=r"one reader only \(reader1\)"):
        ustat(ReaderScores(data.scores[:, :1], data.truth, data.methods, data.readers[:1]))
    with pytest.raises(MRMCError, match="no variance estimate 'bootstrap'"):
        ustat(data, variance="bootstrap")


@pytest.mark.parametrize("positive", [1, 0])
def test_one_case_of_a_class_is_refused_also_where_scores_are_missing(positive):
    data = synthetic("full2")
    keep = (data.truth != positive) | (np.cumsum(data.truth == positive) == 1)
    scores = data.scores[:, :, keep].copy()
    scores[0, 0, np.flatnonzero(data.truth[keep] != positive)[0]] = np.nan
    with pytest.raises(MRMCError, match="a variance needs at least two of each"):
        ustat(ReaderScores(scores, data.truth[keep], data.methods, data.readers))


def test_a_reader_who_did_not_use_a_method_still_counts_for_the_other():
    data = synthetic("full5")
    scores = data.scores.copy()
    scores[1, 4] = np.nan
    found = ustat(ReaderScores(scores, data.truth, data.methods, data.readers))
    assert found.values["A"] == pytest.approx(empirical_auc(data.scores, data.truth)[0].mean())
    assert found.values["B"] == pytest.approx(empirical_auc(data.scores, data.truth)[1, :4].mean())
    assert found.differences["A", "B"].variance > 0
