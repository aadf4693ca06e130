"""`analyse`: one call, JSON out, a sentence wherever a number cannot stand."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.multitest import multipletests

from readerstudy.statistics.figures import Drawing
from readerstudy.statistics.frame import cluster_codes
from readerstudy.statistics.mrmc.rows import QuestionResult
from readerstudy.statistics.mrmc.sentences import DISAGREEMENT
from readerstudy.statistics.multiplicity import adjust
from readerstudy.statistics.paired import clustered_p
from readerstudy.statistics.plan import AnalysisError, AnalysisPlan, PrimaryEndpoint
from readerstudy.statistics.planned import PlannedPair
from readerstudy.statistics.ranks import spearman_interval
from readerstudy.statistics.report.sections import NumberedFigure, sections
from readerstudy.statistics.report.tables import report_tables
from readerstudy.statistics.results import analyse
from readerstudy.statistics.rows import About, Question, Results
from readerstudy.statistics.stored import to_json
from readerstudy.statistics.wording import p_clause
from readerstudy.statistics.words import sentences
from readerstudy.statistics.words.cautions import warning_sentences
from tests.statistics.frames import crossover

PLAN = AnalysisPlan(bootstrap_replicates=100)


@pytest.fixture(autouse=True)
def verdicts_of_small_studies(monkeypatch: pytest.MonkeyPatch) -> None:
    """The made studies have some twelve patients; test_inference.py has the rule that those get no verdict."""
    for module in ("verdict", "sentences"):
        monkeypatch.setattr(f"readerstudy.statistics.words.{module}.FEW_PATIENTS", 2)


@pytest.fixture(scope="module")
def results() -> Results:
    return analyse(crossover(examples=40), PLAN)


def test_the_paired_rows_have_the_promised_keys(results: Results) -> None:
    row = next(row for row in results.paired if row.question == "feature" and row.group == "R2")
    promised = (
        "question truth group n_pairs n_zero mean_a mean_b mean_difference sd_difference w p_value rank_biserial "
        "ci_example ci_patient p_holm p_bh"
    )
    assert set(promised.split()) <= set(to_json(results)["paired"][0])
    assert row.n_pairs == 20
    assert {"agreement", "models", "mrmc", "timing", "flow", "warnings", "answer"} <= set(to_json(results))


def test_the_same_answers_in_any_order_give_the_same_json(results: Results) -> None:
    shuffled = crossover(examples=40).sample(frac=1, random_state=1)
    as_read_from_csv = shuffled.assign(is_current="True", simulated="False", score=shuffled["score"].astype(str))
    assert analyse(as_read_from_csv, PLAN) == results


def test_every_process_gives_the_same_json() -> None:
    """Python's sets and hashes of texts have another order in each."""
    code = (
        "import json, sys; from tests.statistics.test_results import PLAN, analyse, crossover, to_json;"
        "json.dump(to_json(analyse(crossover(), PLAN)), sys.stdout)"
    )
    first, second = (
        subprocess.run(
            [sys.executable, "-c", code], env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in "02"
    )
    assert first and first == second


def gaps(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.drop(frame.index[::7])


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        (lambda f: f.iloc[:0], "no responses compare two methods on the question 'confidence'"),
        (lambda f: f.iloc[:1], "no responses compare two methods"),
        (lambda f: f[f["reader"] == "R1"], "describes the answers of this reader: it speaks neither for other readers"),
        (lambda f: f[f["method"] == "B"], "no responses compare two methods"),
        (lambda f: f[f["read"] == 0], "no reader answered this for an example with both methods"),
        (lambda f: f[f["example"] <= 4], "only 4 pairs: too few to test"),
        (lambda f: f[f["truth"] == "FP"], "no reader answered this for an example with both methods"),
        (lambda f: f[f["question"] == "feature"], "no responses compare two methods"),
        (lambda f: f.assign(score=3), "all 24 differences are zero"),
        (lambda f: f.assign(score=f["example"] % 5 + 1), "all 24 differences are zero"),
        (lambda f: f.assign(patient_key="one"), "no interval can be given"),
        (lambda f: f.assign(patient_key="", case=""), "12 examples"),
        (lambda f: f.assign(visible_ms=None, opened_at=None, position=None), "p = "),
        (lambda f: f.assign(score=1 + 4 * (f["method"] == "B") * (f["example"] > 2)), "p "),  # nearly separated
        (lambda f: f[(f["reader"] == "R1") | (f["method"] == "A")], "12 pairs"),  # a reader without answers to B
        (gaps, "17 pairs"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_thin_data_give_sentences_and_never_nan(change: Callable[[pd.DataFrame], pd.DataFrame], answer: str) -> None:
    results = analyse(change(crossover()), PLAN)
    text = json.dumps(to_json(results), allow_nan=False)
    assert "nan" not in text.lower().replace("tenant", "")
    assert answer in results.answer
    assert "(–" not in results.answer
    for row in results.paired:
        assert row.p_value is not None or row.note


def test_incomplete_pairs_are_counted_and_said() -> None:
    results = analyse(gaps(crossover()), PLAN)
    row = results.paired[0]
    assert (row.n_pairs, row.n_incomplete) == (17, 7)
    flow = results.flow
    assert flow.responses.expected - flow.responses.analysed == 28
    lacking = flow.pairs[0].incomplete
    assert any(f"{lacking} of 96 pairs of Method A and Method B lack one side" in s for s in results.warnings)
    assert any("164 of 192 possible answers" in sentence for sentence in results.warnings)


def test_the_flow_counts_each_row_left_out_once() -> None:
    frame = crossover().astype({"score": float})
    frame.loc[:3, "practice"] = True
    frame.loc[2:5, "excluded"] = True  # rows 2 and 3 are practice first
    frame.loc[5:6, "is_current"] = False
    frame.loc[7, "score"] = np.nan
    counts = analyse(frame, PLAN).flow.responses
    assert counts.practice + counts.superseded + counts.excluded + counts.without_score == 8
    assert (counts.practice, counts.superseded, counts.excluded, counts.without_score) == (4, 2, 1, 1)
    assert counts.analysed == counts.rows - 8


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: f, "treats its 24 pairs as independent. They are not: they come from 2 readers and 12 examples"),
        (lambda f: f, "Only 2 readers took part"),
        (lambda f: f.assign(simulated=True), "answers are simulated"),
        (
            lambda f: f.assign(read=(f["method"] == "B").astype(int)),
            "R1, R2 saw Method A and Method B in one order only",
        ),
        (
            lambda f: f.assign(read=((f["method"] == "B") ^ (f["example"] % 3 == 0)).astype(int)),
            "All readers saw each example in the same order",
        ),
        (
            lambda f: f,
            "The primary comparison is of 12 patients only, so its interval is too narrow: of intervals that",
        ),
        (lambda f: f.assign(patient_key=f["patient_key"].str[:2]), "of 9 patients: too few for an interval"),
        (lambda f: f.assign(patient_key=""), "For 24 examples of 24 the patient is not known"),
        (lambda f: f.assign(score=np.where(f["example"] < 20, 3, f["score"])), "depends on the zero rule"),
    ],
)
def test_a_careful_reader_is_warned(change: Callable[[pd.DataFrame], pd.DataFrame], words: str) -> None:
    assert any(words in sentence for sentence in analyse(change(crossover()), PLAN).warnings)


def test_each_warning_about_aucs_is_a_bullet_and_disagreement_comes_first(results: Results) -> None:
    few, disagreeing = "Fewer than 5 readers.", f"{DISAGREEMENT} at alpha = 0.05: ..."
    warnings = {"confidence": (few,), "feature": (few, disagreeing)}
    parts = [QuestionResult(question, "jackknife", 0.05, warnings=said) for question, said in warnings.items()]
    found = warning_sentences(replace(results, mrmc=parts), pd.DataFrame(), {}, PLAN)
    assert [sentence for sentence in found if sentence.startswith("AUC")] == [
        f"AUC, question feature: {disagreeing}", f"AUC, question confidence and feature: {few}",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("ci", "words"),
    [
        ([0.0, 0.186], "(0.000 to 0.186) touches zero"),
        ([-0.0004, 0.186], "(−0.0004 to 0.186"),
        ([-0.1, 0.186], "(−0.100 to 0.186) includes zero"),
    ],
)
def test_an_interval_that_ends_at_zero_is_said_so(results: Results, ci: list[float], words: str) -> None:
    rows = [
        replace(row, ci_patient=ci, ci_patient_error=None)
        for row in results.paired
        if row.level == "overall" and row.p_value < 0.05
    ]
    assert any(
        words in sentence for sentence in warning_sentences(replace(results, paired=rows), pd.DataFrame(), {}, PLAN)
    )


@pytest.mark.parametrize(
    ("effect", "words"), [(1.04, "hardly too small"), (1.3, "is too small"), (0.9, "not too small for that reason")]
)
def test_a_design_effect_above_one_never_acquits_the_pooled_test(results: Results, effect: float, words: str) -> None:
    rows = [replace(row, design_effect=effect) for row in results.paired]
    first = warning_sentences(replace(results, paired=rows), pd.DataFrame(), {}, PLAN)[0]
    assert f"{effect:.2f}, so the pooled p value is" in first and words in first


def test_the_answer_says_which_p_value_the_claim_uses(results: Results) -> None:
    row = results.paired[0]
    assert "The claim uses this p value, unadjusted because the plan names one primary endpoint" in results.answer
    assert f"for the {row.family_size} comparisons of its family it would be" in results.answer
    strict = AnalysisPlan(bootstrap_replicates=100, alpha=row.p_value * 1.01)
    assert "NOT below the level." in sentences.answer(results, strict)


def test_the_answer_states_size_uncertainty_and_limits(results: Results) -> None:
    text, row = results.answer, results.paired[0]
    assert text.startswith("On true positives, answers to “confidence” were higher with Method B than with Method A")
    assert f"{row.n_pairs} pairs from 2 readers and 20 examples" in text
    assert "95 % interval" in text
    assert "below the 5 % level fixed in the plan" in text
    assert text.endswith("the answers of these 2 readers: it speaks neither for other readers nor other patients.")
    assert analyse(crossover().assign(simulated=True), PLAN).answer.startswith("SIMULATED DATA")


def test_the_plan_decides_the_primary_endpoint_and_the_zero_rule() -> None:
    plan = AnalysisPlan(zero_rule="pratt", primary_endpoint=PrimaryEndpoint("feature", "FP"), bootstrap_replicates=100)
    results = analyse(crossover(), plan)
    assert results.answer.startswith("On false positives, answers to “feature”")
    row = next(r for r in results.paired if (r.question, r.truth, r.level) == ("feature", "FP", "overall"))
    assert row.p_value == pytest.approx(results.sensitivity["pratt"])


def test_names_and_order_come_from_the_study() -> None:
    about = About("Demo", {"B": "Animation", "A": "Heat map"}, questions={"feature": Question("Right feature?")})
    results = analyse(crossover(), PLAN, about=about)
    assert results.methods == {"B": "Animation", "A": "Heat map"}
    assert list(results.questions) == ["feature", "confidence"]
    assert {(row.method_a, row.method_b) for row in results.paired} == {("B", "A")}
    assert "lower with Heat map than with Animation" in results.answer


def test_three_methods_are_compared_two_by_two() -> None:
    results = analyse(crossover(methods="ABC"), PLAN)
    pairs = dict.fromkeys((row.method_a, row.method_b) for row in results.paired)
    assert list(pairs) == [("A", "B"), ("A", "C"), ("B", "C")]
    overall = [row for row in results.paired if row.question == "confidence" and row.level == "overall"]
    assert {row.family_size for row in overall if row.truth != "all"} == {6}
    assert "Method C against Method A" in results.answer
    assert "when adjusted for the 6 comparisons of its family), " in results.answer


@pytest.mark.parametrize(("truth", "test", "size"), [("TP", "clustered_signed_rank", 6), ("all", "wilcoxon", 3)])
def test_the_answer_about_three_methods_is_adjusted_whatever_the_planned_test(truth: str, test: str, size: int) -> None:
    plan = AnalysisPlan(bootstrap_replicates=100, primary_endpoint=PrimaryEndpoint("feature", truth, test))
    results = analyse(crossover(methods="ABC", effect=0.4, seed=5, examples=30), plan)
    family = [
        clustered_p(row) if test == "clustered_signed_rank" else row.p_value
        for row in results.paired
        if row.question == "feature" and row.level == "overall"
        and row.truth in (["TP", "FP"] if truth == "TP" else ["all"])
    ]  # fmt: skip
    first = multipletests(family, method="holm")[1][0]
    assert len(family) == size and family[0] < 0.05  # the clustered test is not below it once adjusted: 0.088
    assert f"p = {family[0]:.3f} (p = {first:.3f} when adjusted for the {size} comparisons" in results.answer
    verdict = "not below" if test == "clustered_signed_rank" else "below"
    assert f"of its family), {verdict} the 5 % level" in results.answer
    assert "adjusted –" not in results.answer


def test_a_plan_with_a_primary_comparison_of_three_methods_is_answered_by_that_one_alone() -> None:
    """Its p stands as it is; of the others only those that the plan names are told."""
    contrasts = (PlannedPair("C", "A", primary=True), PlannedPair("C", "B"))
    plan = replace(PLAN, contrasts=contrasts)
    results = analyse(crossover(methods="ABC"), plan)
    row = next(row for row in results.paired if (row.method_a, row.method_b, row.level) == ("A", "C", "overall"))
    assert "higher with Method C than with Method A" in results.answer
    assert f"of the plan's primary comparison gives {p_clause(row.p_value or 1)}, below the 5 % level" in results.answer
    assert "Method C against Method B" in results.answer
    assert "Method B against Method A" not in results.answer
    marked = [line.cells[1] for line in report_tables(results)["overall"].rows if "primary" in str(line.cells[1])]
    assert marked == ["true positives, A / C\nprimary"]


def test_without_a_primary_comparison_the_report_calls_no_one_of_three_methods_the_one() -> None:
    results = analyse(crossover(methods="ABC"), replace(PLAN, control="A"))
    tables, figure = report_tables(results), NumberedFigure(1, Drawing("none", "", "", None, None), None)
    marked = [line.cells[1] for line in tables["overall"].rows if "primary" in str(line.cells[1])]
    assert marked == ["true positives, A / B\nprimary", "true positives, A / C\nprimary"]
    text = sections(results, defaultdict(lambda: figure), tables)[1].text
    assert "the one" not in text
    assert "answer the study's question together" in text


def test_an_answer_from_few_differences_gives_the_exact_p_beside_the_planned_one() -> None:
    frame = crossover(effect=0.9)
    frame["score"] = frame["score"].where(frame["example"] <= 10, 3)
    results = analyse(frame, PLAN)
    row = results.paired[0]
    assert row.n_pairs - row.n_zero < 20
    exact = f"It is an approximation, rough with so few differences; exact: p = {row.p_exact:.3f}"
    assert exact in results.answer
    other = AnalysisPlan(bootstrap_replicates=100, alpha=(row.p_value + row.p_exact) / 2)
    assert ": NOT on the same side of the level. " in sentences.answer(results, other)


def test_what_is_not_adjusted_is_set_beside_the_p_that_is_not() -> None:
    results = analyse(crossover(methods="ABC"), PLAN)
    rows = adjust([replace(row, p_value=0.03, p_exact=0.04) for row in results.paired], PLAN)
    first = rows[0]
    assert first.clustered is not None
    patient = replace(first.clustered.patient, p_value=0.02)
    rows[0] = replace(first, clustered=replace(first.clustered, patient=patient))
    answer = sentences.answer(replace(results, paired=rows), PLAN)
    assert "gives p = 0.030 (p = 0.180 when adjusted for the 6 comparisons of its family), not below" in answer
    assert "exact: p = 0.040. " in answer
    assert "together gives p = 0.020, on the same side of the level as the unadjusted p." in answer


def test_a_planned_clustered_test_of_few_patients_is_the_exact_one() -> None:
    frame = crossover()
    frame["patient_key"] = frame["patient_key"].str[:2]
    plan = AnalysisPlan(bootstrap_replicates=100, primary_endpoint=PrimaryEndpoint(test="clustered_signed_rank"))
    results = analyse(frame, plan)
    tests = results.paired[0].clustered
    assert tests is not None and (tests.patient.n_clusters, tests.patient.p_value) == (8, None)
    assert f"exact because its approximation needs 10 patients, gives p = {tests.patient.p_exact:.3f}" in results.answer


def test_the_other_truth_is_told_with_the_p_of_the_planned_test() -> None:
    plan = AnalysisPlan(bootstrap_replicates=100, primary_endpoint=PrimaryEndpoint(test="clustered_signed_rank"))
    results = analyse(crossover(examples=40), plan)
    other = next(row for row in results.paired if (row.level, row.truth) == ("overall", "FP"))
    assert f"{clustered_p(other):.3f}" != f"{other.p_value:.3f}"
    assert f"; p = {clustered_p(other):.3f})" in results.answer.split("On false positives")[1]


def test_an_interval_that_differences_without_variation_deny_is_not_blamed_on_patients() -> None:
    frame = crossover()
    frame["score"] = np.where(frame["method"] == "B", 4, 3)
    results = analyse(frame, PLAN)
    assert results.paired[0].n_patients == 12 and results.paired[0].ci_patient is None
    assert "(no interval can be given; " in results.answer
    assert not any("its interval is too narrow" in warning for warning in results.warnings)


def test_two_p_values_of_one_do_not_make_the_pooled_test_the_exact_one() -> None:
    results = analyse(crossover(), PLAN)
    first = replace(results.paired[0], p_value=1.0, p_exact=1.0)  # as many differences up as down
    answer = sentences.answer(replace(results, paired=[first, *results.paired[1:]]), PLAN)
    assert "The planned signed-rank test, which describes these answers, gives p = 1.000, not below" in answer


@pytest.mark.parametrize(
    ("p_zero", "words"), [(0.2, "NOT with that variance set to zero: claim no difference"), (0.02, "plan.")]
)
def test_a_claim_from_a_negative_var_tr_is_taken_back_where_zero_does_not_bear_it(p_zero: float, words: str) -> None:
    plan = AnalysisPlan(
        bootstrap_replicates=100, primary_endpoint=PrimaryEndpoint(truth="all", test="obuchowski_rockette")
    )
    results = analyse(crossover(), plan)
    part = results.mrmc[0]
    assert part.primary is not None and part.fixed_readers is not None
    difference = replace(part.fixed_readers.differences[0], p_value=0.001)
    zero = replace(part.fixed_readers, p_value=p_zero, differences=(replace(difference, p_value=p_zero),))
    primary = replace(part.primary, p_value=0.001, differences=(difference,), at_var_tr_zero=zero)
    text = sentences.answer(replace(results, mrmc=[replace(part, primary=primary), *results.mrmc[1:]]), plan)
    assert "with that variance set to zero, interval" in text and f"p = {p_zero:.3f}" in text
    assert f"below the 5 % level fixed in the {'plan, but ' if p_zero > 0.05 else ''}{words}" in text


def test_deviations_are_found_and_added_to() -> None:
    late = analyse(crossover(), PLAN, about=About(plan_fixed_at="2026-02-01", deviations=["A reader fell ill."]))
    assert late.deviations[0].startswith("The plan was fixed on 2026-02-01 00:00 UTC, after the first answer")
    assert late.deviations[-1] == "A reader fell ill."
    assert analyse(crossover(), PLAN, about=About(plan_fixed_at="2026-01-01T00:00:00Z")).deviations == []
    assert "No date is recorded" in analyse(crossover(), PLAN).deviations[0]


def test_the_first_answer_is_dated_by_the_server_and_not_by_the_readers_clock() -> None:
    slow_clock = crossover().assign(received_at="2026-02-02T08:00:00Z")  # answered_at is in January
    assert analyse(slow_clock, PLAN, about=About(plan_fixed_at="2026-02-01")).deviations == []
    late = analyse(slow_clock, PLAN, about=About(plan_fixed_at="2026-02-03")).deviations
    assert late == ["The plan was fixed on 2026-02-03 00:00 UTC, after the first answer (2026-02-02 08:00 UTC)."]


def test_reading_time_counts_a_visit_once(results: Results) -> None:
    timing = results.timing
    assert (timing.source, timing.n_visits) == ("visible", 160)
    assert sum(row.n for row in timing.by_position) == 160
    without = analyse(crossover().assign(visible_ms=None), PLAN).timing
    assert without.source == "opened_to_answered"
    assert without.by_method[0].median == pytest.approx(analyse(crossover(), PLAN).timing.by_method[0].median)


def test_overlap_is_compared_with_the_mean_score() -> None:
    frame = crossover()
    mean = frame[frame["question"] == "feature"].groupby(["example", "method"])["score"].mean().reset_index()
    masks = mean[mean["example"] % 2 == 0].assign(iou=lambda table: table["score"] / 10)[["example", "method", "iou"]]
    part = analyse(frame, PLAN, localisation=masks).localisation
    feature = [row for row in part.correlations if row.question == "feature"]
    assert [row.n for row in feature] == [12, 12]
    assert [row.rho for row in feature] == pytest.approx([1, 1])
    loose = masks.assign(iou=masks["iou"] + masks["example"] % 7 / 30)
    for patients, enough in ((11, True), (3, False)):  # of the 12 examples
        keys = (frame["example"] // 2 % patients).astype(str)
        part = analyse(frame.assign(patient_key=keys), PLAN, localisation=loose).localisation
        for row in (row for row in part.correlations if row.question == "feature"):
            assert ("too few for an interval" in (row.note or "")) == (row.ci is None) == (not enough)
            points = [p for p in part.points if (p.question, p.method) == (row.question, row.method)]
            x, y = np.array([p.iou for p in points]), np.array([p.mean_score for p in points])
            codes = cluster_codes(pd.Series([p.example // 2 % patients for p in points]))
            assert not enough or row.ci == spearman_interval(x, y, codes, PLAN)
    assert "No maps with masks" in analyse(frame, PLAN).localisation.note
    with pytest.raises(AnalysisError, match="lacks the column"):
        analyse(frame, PLAN, localisation=masks.drop(columns="iou"))
