"""The JSON of one question: figures of the published reads, honest warnings, sentences where numbers are missing."""

import json

import numpy as np
import pandas as pd
import pytest

from readerstudy.statistics.mrmc import (
    MRMCError,
    ReaderScores,
    mrmc_results,
    mrmc_summary,
    obuchowski_rockette,
    reader_scores,
    ustat,
)
from readerstudy.statistics.stored import plain_row
from tests.statistics.mrmc import oracles2 as designs
from tests.statistics.mrmc.oracles import published_reads, synthetic, synthetic_frame

KEYS = {"question", "covariance", "auc", "components", "random_readers", "fixed_readers", "fixed_cases", "ustat"}


def long_frame(name: str) -> pd.DataFrame:
    return synthetic_frame(name).assign(question="confidence")


def summarised(*arguments, **options) -> dict:
    return plain_row(mrmc_summary(*arguments, **options))


def results(frame: pd.DataFrame, **options) -> list[dict]:
    return [plain_row(found) for found in mrmc_results(frame, **options)]


def has(summary: dict, text: str) -> bool:
    return any(text in warning for warning in summary["warnings"])


@pytest.mark.shared
def test_published_reads():
    reads = published_reads().rename(columns={"patient": "patient_key"})
    frame = reads.melt(
        ["reader", "example", "method", "truth", "patient_key"], ["confidence", "feature"], "question", "score"
    )
    confidence, feature = results(frame, margin=0.05)
    assert (confidence["question"], feature["question"]) == ("confidence", "feature")
    rounded = {m: {r: round(auc, 4) for r, auc in row.items()} for m, row in confidence["auc"].items()}
    assert rounded == {"A": {"R1": 0.6199, "R2": 0.6087}, "B": {"R1": 0.6488, "R2": 0.6430}}
    assert confidence["primary"]["mode"] == "fixed_readers"
    assert confidence["primary"]["scope"] == "these readers only"
    assert confidence["components"]["var_tr"] < 0
    assert has(confidence, "Var(TR)")
    assert has(confidence, "disagree at alpha")
    assert confidence["clustered"]["n_clusters"] == 233
    assert has(confidence, "240 cases come from 233 patients")


def test_it_says_what_the_analyses_say():
    data = synthetic("full5")
    summary = summarised(data, "confidence")
    found = obuchowski_rockette(data)
    assert set(summary) >= KEYS
    for mode in ("random_readers", "fixed_readers", "fixed_cases"):
        inference = getattr(found, mode)
        assert summary[mode]["p_value"] == inference.p_value
        (row,) = summary[mode]["differences"]
        assert (row["contrast"], row["ci_low"]) == ("A - B", inference.differences["A", "B"].ci_low)
    assert summary["ustat"]["differences"][0]["df_bdg"] == ustat(data).differences["A", "B"].bdg.df
    assert summary["primary"]["mode"] == "random_readers"
    assert summary["primary"]["p_value"] == found.random_readers.p_value
    assert summary["primary"]["auc"] == pytest.approx({"A": 0.779375, "B": 0.8402083333})
    assert (
        "AUC of 0.779 with A, 0.840 with B. A − B: −0.061 (95 % CI −0.189 to +0.068, p = 0.305)"
        in (summary["primary"]["sentence"])
    )
    assert summary["warnings"] == []
    assert len(summary["auc_intervals"]) == 10
    assert [len(table["rows"]) for table in summary["power"]["tables"]] == [6, 6, 6]


def test_below_five_readers_fixed_readers_are_primary_whatever_was_planned():
    summary = summarised(synthetic("full2"), "confidence", inference_mode="random_readers")
    assert summary["primary"]["mode"] == "fixed_readers"
    assert has(summary, "these readers only")
    assert has(summary, "departs from the planned mode")


def test_from_five_readers_the_plan_decides():
    summary = summarised(synthetic("full5"), "confidence", inference_mode="fixed_cases")
    assert (summary["primary"]["mode"], summary["primary"]["scope"]) == ("fixed_cases", "these cases only")


def test_the_plans_margin_is_tested_for_the_second_method_over_the_first():
    summary = summarised(synthetic("full5"), "confidence", margin=0.05)
    non_inferior, superior = summary["margin"]
    assert (non_inferior["new"], non_inferior["reference"], non_inferior["aim"]) == ("B", "A", "non_inferiority")
    assert non_inferior["gain"] == pytest.approx(0.0608333333)
    assert non_inferior["ci_low"] == pytest.approx(-0.06764370716148826)
    assert (non_inferior["shown"], superior["shown"]) == (False, False)
    assert superior["p_value"] == pytest.approx(summary["random_readers"]["p_value"] / 2)
    assert superior["df"] == summary["random_readers"]["differences"][0]["df"]
    assert not superior["var_tr_set_to_zero"]


def alike_readers(n_readers: int) -> ReaderScores:
    """Readers with nearly the same AUCs from different cases: they differ less than cases make them, so Var(TR) < 0."""
    rng = np.random.default_rng(0)
    truth = np.repeat([1, 0], 15)
    seen = rng.normal(truth * np.array([[0.6], [0.9]]), 1)
    readers = [np.concatenate([rng.permutation(seen[:, :15], axis=1), rng.permutation(seen[:, 15:], axis=1)], axis=1)
               for _ in range(n_readers)]  # fmt: skip
    return reader_scores(np.stack(readers, axis=1) + rng.normal(0, 0.1, (2, n_readers, 30)), truth)


def test_a_var_tr_below_zero_is_set_to_zero_before_a_claim_about_readers_like_these():
    summary = summarised(alike_readers(6), "confidence", margin=0.3)
    assert summary["components"]["var_tr"] < 0
    assert summary["primary"]["mode"] == "random_readers"
    assert summary["random_readers"]["p_value"] < 0.05 < summary["fixed_readers"]["p_value"]
    zero = summary["primary"]["at_var_tr_zero"]
    assert zero["p_value"] > summary["fixed_readers"]["p_value"]  # that lets Cov2 - Cov3 be negative
    assert "Var(TR) is estimated below zero; set to zero, A − B: " in summary["primary"]["sentence"]
    non_inferior, superior = summary["margin"]
    assert superior["p_value"] == pytest.approx(zero["p_value"] / 2)
    assert (superior["shown"], superior["var_tr_set_to_zero"], superior["df"]) == (False, True, None)
    assert (non_inferior["shown"], non_inferior["scope"]) == (True, "readers and cases like these")


def test_with_few_readers_a_claim_is_of_these_readers():
    (superior,) = summarised(alike_readers(3), "confidence")["margin"]
    assert (superior["scope"], superior["var_tr_set_to_zero"]) == ("these readers only", False)
    (turned,) = summarised(alike_readers(3), "confidence", named=[("A", "B")])["margin"]  # the first is the new one
    assert (turned["new"], turned["reference"], turned["gain"]) == ("A", "B", -superior["gain"])


def test_missing_scores_are_counted_and_all_others_are_used():
    data = synthetic("full5")
    scores = data.scores.copy()
    scores[0, 0, :3] = np.nan
    scores[1, 2, 2:5] = np.nan
    gaps = reader_scores(scores, data.truth)
    summary = summarised(gaps, "confidence")
    assert has(summary, "6 of 440 scores are missing")
    assert summary["random_readers"]["p_value"] == obuchowski_rockette(gaps).random_readers.p_value
    assert summary["power"]["pilot"]["n_cases"] == 43  # read on average
    assert summary["ustat"]["differences"][0]["difference"] == ustat(gaps).differences["A", "B"].value


def test_reads_that_are_mostly_missing_are_analysed_too():
    summary = summarised(synthetic("missing6"), "confidence")
    assert summary["primary"]["mode"] == "random_readers"
    assert has(summary, "scores are missing. Every score given is used")
    assert summary["ustat"]["differences"][0]["p_value"] == pytest.approx(0.330283127, rel=1e-6)


def two_of_three_methods() -> ReaderScores:
    """Three methods, of which each of six readers used two."""
    scores = np.random.default_rng(1).integers(1, 6, (3, 6, 40)).astype(float)
    for reader in range(6):
        scores[reader % 3, reader] = np.nan
    return reader_scores(scores, np.arange(40) % 2)


def test_where_obuchowski_rockette_has_no_form_the_u_statistic_is_primary():
    summary = summarised(two_of_three_methods(), "confidence")
    assert summary["random_readers"] is None
    assert has(summary, "Obuchowski-Rockette was not possible. Readers used some of the methods each")
    assert summary["primary"]["mode"] == "ustat"
    assert len(summary["primary"]["differences"]) == 3
    assert "U-statistic: readers and cases are samples" in summary["primary"]["sentence"]


@pytest.mark.parametrize(
    ("name", "sentence", "mode"),
    [
        ("c1_readers_in_method_1", "Each reader used one method", "fixed_readers"),  # four readers with A
        ("c1_readers_in_method_2", "Each reader used one method", "random_readers"),
        ("c2_split_plot_1", "Blocks of readers read blocks of cases of their own", "random_readers"),
        ("c3_cases_in_readers_1", "Each reader read cases of their own", "random_readers"),
        ("c4_cases_in_method_1", "Each method was shown on cases of its own", "random_readers"),
        ("d_missing_1", "Every score given is used and nothing is imputed", "random_readers"),
        ("d_missing_2", "Reader R06 did not use every method", "random_readers"),
    ],
)
def test_every_layout_is_analysed_and_told(name, sentence, mode):
    summary = summarised(designs.scores(name), "confidence")
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary
    assert has(summary, sentence)
    assert summary["primary"]["mode"] == mode
    assert (summary["power"] is None) == name.startswith(("c2", "c3", "c4"))
    if name.startswith("c1"):  # nested readers plan a study so laid out
        pilot = summary["power"]["pilot"]
        assert pilot["var_r_in_t"] == summary["components"]["var_r_in_t"] and pilot["var_tr"] is pilot["cov1"] is None
        assert summary["power"]["tables"] == []
    assert len(summary["auc_intervals"]) == sum(len(found) for found in summary["auc"].values()) - ("R06" in sentence)


def test_one_reader_gets_a_sentence_in_place_of_the_modes_that_need_two():
    data = synthetic("full2")
    summary = summarised(reader_scores(data.scores[:, :1], data.truth), "confidence")
    assert (summary["random_readers"], summary["fixed_cases"], summary["ustat"], summary["power"]) == (None,) * 4
    assert summary["primary"]["scope"] == "this reader only"
    assert has(summary, "one reader only (R1)")


@pytest.mark.parametrize("scores", ["alike", "perfect"])
def test_degenerate_scores_are_json_with_a_sentence(scores):
    truth = np.arange(30) % 2
    noise = np.random.default_rng(0).standard_normal((1, 3, 30))
    values = np.concatenate([noise, noise]) if scores == "alike" else np.concatenate([noise, noise + 10 * truth])
    summary = summarised(reader_scores(values, truth), "confidence")
    json.dumps(summary, allow_nan=False)
    if scores == "alike":
        assert summary["random_readers"]["p_value"] is None
        assert has(summary, "No test is possible")
        assert has(summary, "reader R1 with methods A and B do not vary apart")
    else:
        assert has(summary, "Reader R1 has an AUC of 1.000 with method B")


@pytest.mark.parametrize("covariance", ["jackknife", "delong", "unbiased", "clustered"])
def test_everything_is_json_and_three_methods_come_with_a_caution(covariance):
    rng = np.random.default_rng(4)
    data = reader_scores(rng.integers(1, 6, (3, 4, 60)), np.arange(60) % 2, cluster=np.arange(60) // 3)
    summary = summarised(data, "feature", covariance=covariance)
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary
    assert len(summary["fixed_readers"]["differences"]) == 3
    assert has(summary, "not adjusted for their number")
    assert has(summary, "20 patients") == (covariance != "clustered")


def test_bad_data_of_one_question_is_a_sentence_and_the_other_question_is_analysed():
    good, bad = long_frame("full5"), long_frame("full5").assign(question="feature")
    bad = bad.assign(score=bad["score"].where((bad["reader"] != "reader3") | (bad["method"] != "B"), 2))
    confidence, feature = results(pd.concat([good, bad]))
    assert confidence["random_readers"]["p_value"] > 0
    assert set(feature) >= KEYS
    assert feature["auc"] is None
    assert has(feature, "Reader reader3 gave all 44 cases the same score with method B")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda f: f.drop(columns="score"), "lacks the column"),
        (lambda f: pd.concat([f, f.iloc[[3]]]), "has two scores for example case004 with method A"),
        (lambda f: f.assign(truth=["maybe"] * len(f)), "Truth must be 1"),
        (lambda f: f.assign(truth=f["truth"].where(f["reader"] == "reader1", 1)), "case001 has more than one truth"),
        (lambda f: f.assign(score=3), "constant scores"),
        (lambda f: f.assign(score=np.nan), "No reader has scores with method A"),
        (lambda f: f.assign(truth="TP"), "no negative"),
    ],
)
def test_bad_tables_are_named(change, match):
    from readerstudy.statistics.mrmc import scores_from_frame

    with pytest.raises(MRMCError, match=match):
        scores_from_frame(change(synthetic_frame("full2")))


def test_truth_may_be_words_and_examples_without_a_patient_are_their_own_cluster():
    from readerstudy.statistics.mrmc import scores_from_frame

    frame = synthetic_frame("full2")
    words = frame.assign(
        truth=frame["truth"].map({1: "TP", 0: "FP"}),
        patient_key=np.where(frame["example"].isin(["case001", "case002"]), "p1", ""),
    )
    data = scores_from_frame(words)
    np.testing.assert_array_equal(data.truth, synthetic("full2").truth)
    assert np.unique(data.cluster).size == 59


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"covariance": "best"}, "covariance must be one of"),
        ({"inference_mode": "all"}, "inference mode must be one of"),
        ({"alpha": 5}, "alpha"),
        ({"margin": -0.1}, "margin must be above 0"),
        ({"planning_effects": (0,)}, "effects must be above 0"),
    ],
)
def test_options_that_do_not_exist_are_refused(options, match):
    with pytest.raises(MRMCError, match=match):
        mrmc_results(long_frame("full2"), **options)
