"""Obuchowski-Rockette of every design against MRMCaov (corrected where its README says so), to a millionth."""

import numpy as np
import pytest

from readerstudy.statistics.mrmc import called, obuchowski_rockette
from readerstudy.statistics.mrmc.endpoints import covariance
from readerstudy.statistics.mrmc.estimates import Estimate
from readerstudy.statistics.mrmc.obuchowski_rockette import Inference, ObuchowskiRockette
from tests.statistics.mrmc.oracles2 import figures, names, scores

CLOSE = {"rel": 1e-6, "abs": 1e-12}
ENDPOINTS = ("auc", "sensitivity", "specificity")
CROSSED = [
    (name, endpoint, kind)
    for name in names("a_", "b_", "c2", "c3", "c4", "d_missing_1")
    for endpoint in ENDPOINTS
    for kind in (("jackknife", "unbiased") if endpoint == "auc" else ("jackknife",))
] + [(name, endpoint, "jackknife") for name in names("e_") for endpoint in ENDPOINTS[1:]]


def analysed(name: str, endpoint: str, kind: str) -> ObuchowskiRockette:
    data = scores(name)
    if endpoint != "auc" and not name.startswith("e_"):
        data = called(data, 3)
    return obuchowski_rockette(data, endpoint=endpoint, covariance=kind)


def agrees(found: Estimate, row: dict, *, test: bool = True) -> None:
    assert found.value == pytest.approx(row["Estimate"], **CLOSE)
    assert found.se == pytest.approx(row["StdErr"], **CLOSE)
    if row.get("df") is not None:
        assert found.df == pytest.approx(row["df"], **CLOSE)
    if test:
        assert found.p_value == pytest.approx(row["p-value"], **CLOSE)


def agrees_overall(found: Inference, row: dict) -> None:
    assert found.statistic == pytest.approx(row.get("F", row.get("X2")), **CLOSE)
    assert found.df1 == row.get("df1", row.get("df"))
    assert found.p_value == pytest.approx(row["p-value"], **CLOSE)


@pytest.mark.parametrize(("name", "endpoint", "kind"), CROSSED)
def test_readers_crossed_with_methods(name, endpoint, kind):
    oracle = figures(name)["MRMCaov"][endpoint][kind]
    found = analysed(name, endpoint, kind)
    theirs = oracle["RRRC"]["vcov_comps"]
    parts = found.components
    ours = {"reader": parts.var_r, "Error": parts.error, "Cov1": parts.cov1, "Cov2": parts.cov2, "Cov3": parts.cov3}
    assert ours == pytest.approx({key: theirs[key]["Estimate"] for key in ours}, **CLOSE)
    for key, mode in (("RRRC", found.random_readers), ("FRRC", found.fixed_readers), ("RRFC", found.fixed_cases)):
        if key not in oracle:
            continue
        assert mode is not None
        agrees_overall(mode, oracle[key]["test_equality"][0])
        for row in oracle[key]["test_diffs"]:
            agrees(mode.differences[tuple(row["Comparison"].split(" - "))], row)
        for method, row in oracle[key]["test_means"].items():
            agrees(mode.methods[method], row, test=False)
    for row in oracle["FRRC"].get("reader_means", []):
        m, r = found.methods.index(row["modality"]), found.readers.index(row["reader"])
        assert np.sqrt(found.value_covariance[m, r, m, r]) == pytest.approx(row["StdErr"], **CLOSE)


@pytest.mark.parametrize("name", names("a_", "c2", "c3", "c4", "d_missing_1"))
def test_differences_of_single_readers(name):
    found = analysed(name, "auc", "jackknife")
    for reader, row in figures(name)["MRMCaov"]["auc"]["jackknife"]["FRRC"]["reader_test_diffs"].items():
        agrees(found.per_reader[reader]["A", "B"], row)


@pytest.mark.parametrize("name", names("b_"))
def test_differences_of_single_readers_with_three_methods(name):
    found = analysed(name, "auc", "jackknife")
    for row in figures(name)["MRMCaov"]["auc"]["jackknife"]["reader_test_diffs_corrected_by_us"]["rows"]:
        ours = found.per_reader[row["reader"]][tuple(row["comparison"].split(" - "))]
        assert (ours.value, ours.se) == pytest.approx((row["estimate"], row["se_pooled_over_methods"]), **CLOSE)


@pytest.mark.parametrize("name", names("c1"))
@pytest.mark.parametrize(
    ("endpoint", "kind"),
    [("auc", "jackknife"), ("auc", "unbiased"), ("sensitivity", "jackknife"), ("specificity", "jackknife")],
)
def test_readers_nested_in_methods(name, endpoint, kind):
    oracle = figures(name)["MRMCaov"][endpoint][kind]
    found = analysed(name, endpoint, kind)
    right = oracle["corrected_by_us"]
    assert found.design == "nested"
    assert found.per_reader == {}
    assert found.components.var_r_in_t == pytest.approx(right["var_R_in_T"], **CLOSE)
    for key, mode in (("RRRC", found.random_readers), ("FRRC", found.fixed_readers)):
        row, pair = right[key], mode.differences["A", "B"]
        assert mode.statistic == pytest.approx(row.get("F", row.get("X2")), **CLOSE)
        assert mode.df2 == pytest.approx(row.get("df2", np.inf), **CLOSE)
        assert (mode.p_value, pair.p_value) == pytest.approx((row["p"], row["p"]), **CLOSE)
        assert (pair.value, pair.se) == pytest.approx((row["difference"], row["StdErr"]), **CLOSE)
        assert [pair.ci_low, pair.ci_high] == pytest.approx(row["CI"], **CLOSE)
    for key, mode in (("RRRC", found.random_readers), ("RRFC", found.fixed_cases)):
        for method, row in oracle.get(key, {}).get("test_means", {}).items():
            agrees(mode.methods[method], row, test=False)
    if "RRFC" in oracle:
        agrees_overall(found.fixed_cases, oracle["RRFC"]["test_equality"][0])
        agrees(found.fixed_cases.differences["A", "B"], next(iter(oracle["RRFC"]["test_diffs"].values())))


@pytest.mark.parametrize("name", names("h_"))
@pytest.mark.parametrize(
    ("endpoint", "kind", "key"),
    [(endpoint, "patient_jackknife", "jackknife_by_patient") for endpoint in ENDPOINTS]
    + [("auc", "jackknife", "jackknife_by_case")],
)
def test_patients_with_several_cases(name, endpoint, kind, key):
    oracle = figures(name)["MRMCaov"][endpoint][key]
    found = analysed(name, endpoint, kind)
    for part, mode in (("RRRC", found.random_readers), ("FRRC", found.fixed_readers), ("RRFC", found.fixed_cases)):
        if part in oracle:
            agrees_overall(mode, oracle[part]["test_equality"][0])
            agrees(mode.differences["A", "B"], oracle[part]["test_diffs"][0])


@pytest.mark.parametrize("name", names("a_", "c", "d_"))
def test_unbiased_covariances_are_imrmcs(name):
    data = scores(name)
    ours = covariance(data, "auc", "unbiased")
    for key, block in figures(name)["iMRMC_R"]["reader_covariances"].items():
        a, b = (data.methods.index(method) for method in key.split())
        rows = [data.readers.index(reader) for reader in block["readers_1"]]
        columns = [data.readers.index(reader) for reader in block["readers_2"]]
        theirs = np.array(block["covAUC"], dtype=float)
        theirs = np.where(np.isnan(theirs), 0.0, theirs)  # no case in common
        np.testing.assert_allclose(ours[a, rows][:, b, columns], theirs, rtol=1e-6, atol=1e-12)
