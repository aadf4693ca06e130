"""Which test gives the verdict, for whom it speaks, and how everything else is worded."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from readerstudy.statistics.mrmc import mrmc_summary, obuchowski_rockette, reader_scores
from readerstudy.statistics.paired import planned_p
from readerstudy.statistics.plan import MEAN_TESTS, TESTS, AnalysisPlan, PrimaryEndpoint
from readerstudy.statistics.report.tables import csv_tables, report_tables
from readerstudy.statistics.report.text import plan_entries
from readerstudy.statistics.results import analyse
from readerstudy.statistics.rows import PairedRow, Results
from readerstudy.statistics.scores import choice, compare, scores_from_rows
from readerstudy.statistics.stored import from_json, to_json
from readerstudy.statistics.wording import interval_text
from readerstudy.statistics.words import sentences
from tests.statistics.frames import crossover

PLAN = replace(AnalysisPlan.proposed(), bootstrap_replicates=100)
WILCOXON = AnalysisPlan(bootstrap_replicates=100)


@pytest.fixture(scope="module")
def five() -> Results:
    return analyse(crossover(readers=5, examples=48), PLAN)


@pytest.fixture(scope="module")
def two() -> Results:
    return analyse(crossover(readers=2, examples=48), PLAN)


def primary(results: Results) -> PairedRow:
    row = sentences.primary_row(results, results.plan)
    assert row is not None
    return row


def test_every_test_of_a_plan_says_what_it_can_claim() -> None:
    for name in set(TESTS) - {"obuchowski_rockette"}:
        claims, limits = choice.claims_of(name)
        assert claims and limits and claims != limits
    assert {choice.primary_test(2), choice.primary_test(9)} < set(MEAN_TESTS)


def test_a_plan_of_before_is_stored_as_it_was_and_means_what_it_did() -> None:
    old = AnalysisPlan.from_dict({})
    assert old.primary_endpoint.test == "wilcoxon" and old.bootstrap_replicates == 2000
    assert set(old.to_dict()["primary_endpoint"]) == {"question", "truth", "test"}
    assert AnalysisPlan.proposed().bootstrap_replicates >= 20_000


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        ({"aim": "better"}, "aim must be one of"),
        ({"aim": "equivalence"}, "margin in points goes with the aim"),
        ({"margin_points": 0.3}, "margin in points goes with the aim"),
        ({"aim": "equivalence", "margin_points": 0.3}, "needs a test of mean scores"),
        ({"aim": "equivalence", "margin_points": -1, "test": "by_readers"}, "must be above 0"),
        (
            {"aim": "superiority", "margin_points": 1, "test": "by_readers", "truth": "all"},
            "higher score is not better",
        ),
    ],
)
def test_a_margin_that_says_nothing_is_refused(endpoint: dict[str, object], words: str) -> None:
    with pytest.raises(Exception, match=words):
        AnalysisPlan.from_dict({"primary_endpoint": endpoint})


def test_from_five_readers_on_the_proposed_test_speaks_for_others(five: Results) -> None:
    row = primary(five)
    assert row.mean_test is not None and row.mean_test.test == "readers_and_patients"
    frame = crossover(readers=5, examples=48)
    rows = frame[(frame["question"] == "confidence") & (frame["truth"] == "TP")].rename(
        columns={"patient_key": "patient"}
    )
    alone = compare(scores_from_rows(rows, "AB"), "A", "B", "readers_and_patients")
    assert row.mean_test.p_value == pytest.approx(alone.p_value)
    assert planned_p(row, PLAN) == row.mean_test.p_value
    low, high = row.mean_test.ci
    assert f"95 % interval {low:.2f} to {high:.2f}, for readers and patients like these" in five.answer
    assert "The planned test of mean scores with readers and patients as samples gives p < 0.001, below" in five.answer
    assert five.answer.endswith("The planned test speaks for readers and patients like those in the study.")


def test_with_two_readers_the_proposed_test_is_theirs_and_says_so(two: Results) -> None:
    row = primary(two)
    assert row.mean_test is not None and row.mean_test.test == "fixed_readers"
    assert two.answer.endswith("read by these 2 readers, and says nothing of other readers.")
    assert "95 % interval" in two.answer and "these readers only" in two.answer


def test_a_planned_test_of_samples_gives_way_to_too_few_readers_and_that_is_a_deviation() -> None:
    plan = replace(PLAN, primary_endpoint=PrimaryEndpoint(test="readers_and_patients"))
    results = analyse(crossover(readers=2, examples=48), plan)
    assert "needs 5; with 2 readers it finds differences too often" in results.answer
    assert "The test made speaks for patients like those in the study" in results.answer
    assert any("the test for these readers was made in its place" in deviation for deviation in results.deviations)


@pytest.mark.parametrize("test", ["wilcoxon", "clustered_signed_rank", "fixed_readers"])
def test_a_test_that_takes_readers_as_given_says_so_at_any_number_of_them(five: Results, test: str) -> None:
    plan = replace(PLAN, primary_endpoint=PrimaryEndpoint(test=test))
    given = None if test != "fixed_readers" else five.score_tests[0].tests[1]
    rows = [replace(row, mean_test=given) if given else row for row in five.paired]
    text = sentences.answer(replace(five, plan=plan, paired=rows), plan)
    assert text.endswith(
        "it speaks neither for other readers nor other patients."
        if test == "wilcoxon"
        else "read by these 5 readers, and says nothing of other readers."
    )
    claims = dict(plan_entries(replace(five, plan=plan)))["It can claim"]
    assert "other readers" in claims


def test_with_fewer_than_twenty_patients_there_are_estimates_and_no_verdict() -> None:
    results = analyse(crossover(readers=5, examples=24), PLAN)
    assert primary(results).n_patients == 12
    assert "with fewer than 20 this report gives estimates and intervals, and no verdict" in results.answer
    assert "95 % interval" in results.answer
    assert "level fixed in the plan" not in results.answer and "would suggest" not in results.answer
    assert "speaks for" not in results.answer


def test_what_is_found_beside_the_primary_test_only_suggests(five: Results) -> None:
    other = next(row for row in five.paired if (row.level, row.truth) == ("overall", "FP"))
    assert other.mean_test is not None and (other.mean_test.p_value or 1) < 0.05
    assert ", which would suggest higher answers there" in five.answer.split("On false positives")[1]
    assert five.answer.count("level fixed in the plan") == 1
    wilcoxon = sentences.answer(replace(five, plan=WILCOXON), WILCOXON)
    assert "The test of mean scores beside it gives p < 0.001, which would suggest a difference" in wilcoxon
    assert "favours" not in five.answer + wilcoxon


def test_no_verdict_comes_from_a_bound_of_the_bootstrap(five: Results) -> None:
    """Wherever the bootstrap's intervals lie, the answer gives the same verdict."""

    def moved(ci: list[float]) -> str:
        rows = [replace(row, ci_patient=ci, ci_patient_error=None) for row in five.paired]
        contrasts = [replace(row, ci_patient=ci) for row in five.contrasts]
        return sentences.answer(replace(five, paired=rows, contrasts=contrasts), WILCOXON)

    above, across = moved([0.1, 0.2]), moved([-0.1, 0.2])
    assert above.replace("0.10 to 0.20", "") == across.replace("−0.10 to 0.20", "")


def test_scores_and_auc_in_opposite_directions_are_told_in_the_first_paragraph(five: Results) -> None:
    def turned(by: float, p_value: float = 0.5) -> Results:
        parts = []
        for part in five.mrmc:
            assert part.primary is not None
            rows = tuple(replace(row, difference=by, p_value=p_value) for row in part.primary.differences)
            parts.append(replace(part, primary=replace(part.primary, differences=rows)))
        return replace(five, mrmc=parts)

    opening = "answers were higher with Method B on true positives, and their AUC was lower (−0.100)"
    chance = f"OPPOSITE directions: {opening}, a difference that could be chance."
    assert chance in sentences.answer(turned(0.1), PLAN)
    suggests = f"{opening}, which would suggest that they told right from wrong predictions less well with Method B"
    assert suggests in sentences.answer(turned(0.1, p_value=0.01), PLAN)
    few = turned(0.1, p_value=0.01)
    few = replace(few, paired=[replace(row, n_patients=19) for row in few.paired])
    assert f"{opening}, from too few patients to suggest anything." in sentences.answer(few, PLAN)
    assert "OPPOSITE" not in sentences.answer(turned(-0.1), PLAN) + sentences.answer(turned(float("nan")), PLAN)
    plan = replace(PLAN, primary_endpoint=PrimaryEndpoint(truth="FP", test="by_readers"))
    assert "OPPOSITE" in sentences.answer(turned(-0.1), plan)  # higher answers to false positives are harm


@pytest.mark.parametrize(
    ("aim", "margin", "truth", "shown"),
    [
        ("equivalence", 2.0, "TP", True),
        ("equivalence", 0.2, "TP", False),
        ("non_inferiority", 0.2, "TP", True),
        ("non_inferiority", 0.2, "FP", False),  # answers to false positives are higher with B by more
        ("superiority", 0.05, "TP", True),
    ],
)
def test_a_margin_in_points_is_judged_by_the_planned_test(
    aim: str, margin: float, truth: str, shown: bool, five: Results
) -> None:
    plan = replace(PLAN, primary_endpoint=PrimaryEndpoint("confidence", truth, "by_readers", aim, margin))
    results = analyse(crossover(readers=5, examples=48).query("question == 'confidence'"), plan)
    table = report_tables(results)["margin"]
    assert [row.cells[-1] for row in table.rows] == [
        "shown, for readers and patients like these" if shown else "not shown"
    ]
    assert ("that IS shown (one-sided p" if shown else "that is NOT shown") in results.answer
    assert "lower answers are better on false positives" in results.answer or truth == "TP"


def test_tables_hold_every_test_once_and_mark_the_one_that_counts(five: Results) -> None:
    table = report_tables(five)["mean-tests"]
    marked = [row for row in table.rows if row.strong]
    assert len(marked) == 1 and "primary" in str(marked[0].cells[1])
    assert "Mean difference, readers and patients random" in str(marked[0].cells[2])
    csv = csv_tables(five)
    assert {row["test"] for row in csv["mean-tests-compared"]} == {
        "readers_and_patients",
        "fixed_readers",
        "crossed_reml",
    }
    assert len(csv["mean-tests"]) == sum(row.mean_test is not None for row in five.paired)
    assert not [name for name in csv["paired"][0] if name.startswith("mean_test")]
    ratio = csv["odds-ratios"][0]
    about = (ratio["factor"], ratio["level"], ratio["speaks_for"])
    assert about == ("method", "B", "these readers only, with patients like these")
    assert ratio["odds_ratio_ci_low"] < ratio["odds_ratio"] < ratio["odds_ratio_ci_high"]  # type: ignore[operator]


def test_results_with_tests_of_means_are_read_back(five: Results) -> None:
    stored = json.loads(json.dumps(to_json(five), allow_nan=False))
    again = from_json(stored)
    assert again.score_tests == five.score_tests
    assert [row.mean_test for row in again.paired] == [row.mean_test for row in five.paired]


def test_a_group_of_few_patients_has_no_interval_however_equal_they_are() -> None:
    frame = crossover(readers=5, examples=48)
    few = (frame["pathology"] == "Mass") & (frame["example"] > 6)
    frame.loc[few, "pathology"] = "Effusion"
    frame.loc[(frame["pathology"] == "Mass") & (frame["method"] == "B"), "score"] = 4
    frame.loc[(frame["pathology"] == "Mass") & (frame["method"] == "A"), "score"] = 3
    results = analyse(frame, PLAN)
    row = next(row for row in results.paired if (row.group, row.truth) == ("Mass", "TP"))
    assert row.n_patients < 10 and row.mean_difference == 1
    assert (row.ci_patient, row.mean_test) == (None, None)


def test_a_bound_nearer_to_zero_than_twice_its_error_is_told_with_it() -> None:
    assert interval_text([0.003, 0.19], error=[0.002, 0.004]) == "0.00 (Monte Carlo error 0.002) to 0.19"
    assert interval_text([0.1, 0.19], error=[0.002, 0.004]) == "0.10 to 0.19"


def test_superiority_of_an_auc_needs_the_test_with_the_estimated_variance_too() -> None:
    """Where Var(TR) < 0 is set to zero the test is a normal one: here it bears what the planned one does not."""
    rng, truth = np.random.default_rng(12), np.repeat([1, 0], 20)
    cases = rng.normal(size=(1, 1, 40)) * 0.3
    scores = rng.normal(size=(2, 5, 40)) + cases + truth * np.array([0.6, 1.2])[:, None, None]
    result = obuchowski_rockette(scores, truth)
    assert result.at_var_tr_zero is not None and result.random_readers is not None
    assert result.at_var_tr_zero.p_value < 0.05 < result.random_readers.p_value
    superiority = mrmc_summary(reader_scores(scores, truth), "confidence").margin
    assert superiority is not None and [row.shown for row in superiority] == [False]
