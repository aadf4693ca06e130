"""Decisions, calibration, repeated answers and planned comparisons in the product: numbers worked by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from readerstudy.statistics.decided import decision_parts
from readerstudy.statistics.frame import analysed, normalise, repeated
from readerstudy.statistics.plan import AnalysisError, AnalysisPlan, PrimaryEndpoint
from readerstudy.statistics.planned import PlannedPair, Subgroup, TrustThreshold
from readerstudy.statistics.report.tables import csv_tables, report_tables
from readerstudy.statistics.report.text import plan_entries, what_was_analysed
from readerstudy.statistics.results import analyse
from readerstudy.statistics.rows import About, Question, ReaderProfile, Results
from readerstudy.statistics.stored import from_json, plain, to_json
from readerstudy.statistics.words.sentences import aim_that_decides, answer
from tests.statistics.frames import DATA, crossover

PLAN = AnalysisPlan(
    bootstrap_replicates=100,
    trust_thresholds=(TrustThreshold("confidence", 4),),
    control="A",
    contrasts=(PlannedPair("C", "A", primary=True),),
    subgroups=(Subgroup("pathology"), Subgroup("years", 10)),
)
ABOUT = About(readers={f"R{n}": ReaderProfile("chest", 4 * n) for n in range(1, 6)})


def reads() -> pd.DataFrame:
    frame = crossover(methods="ABC", readers=5, examples=16)
    frame.loc[(frame["reader"] == "R1") & (frame["example"] == 2) & (frame["method"] == "C"), "excluded"] = True
    return frame[frame["question"] == "confidence"]


@pytest.fixture(scope="module")
def results() -> Results:
    return analyse(reads(), PLAN, about=ABOUT)


def test_shares_are_those_counted_in_the_answers(results: Results) -> None:
    found = results.decisions[0].found
    assert found is not None
    frame = reads()
    kept = frame[~frame["excluded"]]
    for endpoint, truth, right in (("sensitivity", "TP", True), ("specificity", "FP", False)):
        own = kept[kept["truth"] == truth]
        for row in found.endpoint(endpoint).readers:
            scores = own[(own["reader"] == row.reader) & (own["method"] == row.method)]["score"]
            assert (row.right, row.n) == (int(((scores >= 4) == right).sum()), len(scores))
    assert found.over_trust is not None
    assert [row.new for row in found.over_trust.against_control] == ["B", "C"]


def test_a_no_or_yes_answer_is_a_decision(results: Results) -> None:
    """Yes where the score was 4 or more: the same decisions, told in the question's words."""
    frame = reads()
    frame["score"] = 1 + (frame["score"] >= 4)
    plan = replace(PLAN, trust_thresholds=(TrustThreshold("confidence", 2),))
    decided = decision_parts(analysed(normalise(frame)), {"confidence": ["A", "B", "C"]}, plan)
    found, theirs = decided[0].found, results.decisions[0].found
    assert found and theirs and plain(found.endpoints) == plain(theirs.endpoints)
    asked = {"confidence": Question("Do you accept it?", 1, 2, "no", "yes")}
    told = replace(results, questions=asked, plan=plan, decisions=decided)
    assert "An answer trusts the prediction (“confidence”: “yes”)" in report_tables(told)["decisions"].caption
    assert ("An answer trusts", "“confidence”: “yes”") in plan_entries(told)
    assert "“confidence” is answered with no (1) or yes (2): a mean of 1.62 is 62 % yes." in what_was_analysed(told)
    assert ("An answer trusts", "“confidence”: 4 or more") in plan_entries(results)


def test_the_plan_decides_which_comparisons_stand_there(results: Results) -> None:
    assert [part.endpoint for part in results.planned] == [
        "score TP", "score FP", "auc", "sensitivity", "specificity", "accuracy",
    ]  # fmt: skip
    for part in results.planned:
        assert [(row.new, row.reference, row.primary) for row in part.rows] == [("C", "A", True), ("B", "A", False)]
        assert part.omnibus is not None and part.omnibus.df1 == 2
    marked = [row.cells[:3] for row in report_tables(results)["planned"].rows if "primary" in str(row.cells[2])]
    assert marked == [["confidence", "mean score on true positives", "Method C − Method A\nprimary"]]


def test_everything_survives_json_and_stands_in_tables(results: Results) -> None:
    stored = json.loads(json.dumps(to_json(results), allow_nan=False))
    assert to_json(from_json(stored)) == stored
    tables, lines = report_tables(results), csv_tables(results)
    for name in ("decisions", "over-trust", "decision-tests", "calibration", "planned", "subgroups", "missing"):
        assert tables[name].rows, name
        assert len({len(row.cells) for row in tables[name].rows} | {len(tables[name].headings)}) == 1, name
    assert {"decisions", "calibration", "planned", "subgroups", "missing", "reading-time-ratios"} <= set(lines)


def test_readers_nested_in_methods_are_analysed_and_answered() -> None:
    """Nobody read with both methods, so there are no pairs; the planned comparison of AUCs is there all the same."""
    frame = crossover(readers=4, examples=16)
    nested = frame[(frame["reader"] <= "R2") == (frame["method"] == "A")]
    plan = replace(
        AnalysisPlan(bootstrap_replicates=100, trust_thresholds=PLAN.trust_thresholds),
        primary_endpoint=PrimaryEndpoint("confidence", "all", "obuchowski_rockette"),
    )
    results = analyse(nested, plan)
    assert "There is no answer" not in results.answer
    assert "The comparison is of 8 patients: with fewer than 20" in results.answer
    assert "planned test" not in results.answer and "0 readers" not in results.answer
    assert aim_that_decides(results) is None
    enough = replace(results, flow=replace(results.flow, n_patients=20))
    told = answer(enough, plan)
    assert told.endswith("read by these 4 readers, and says nothing of other readers.") and "no verdict" not in told
    assert aim_that_decides(enough) == ("confidence", "B", "A")
    turned = replace(plan, control="B")
    assert aim_that_decides(replace(enough, plan=turned)) == ("confidence", "A", "B")
    assert "separated true from false positives with an AUC of" in results.answer
    assert any("readers are nested in methods" in warning for warning in results.warnings)
    found = results.decisions[0].found
    assert found is not None and all(one.mode == "fixed_readers" for one in found.endpoints)
    assert results.missing == []


def test_what_is_answered_again_counts_once_and_tells_agreement_within_readers() -> None:
    """By hand: of R1's 16 answers with A repeated in a third read, the first is one point higher: 15 of 16 equal."""
    frame = crossover(examples=16)
    again = frame[(frame["reader"] == "R1") & (frame["method"] == "A")].assign(read=7)
    first = again[again["question"] == "confidence"].index[0]
    again.loc[first, "score"] = again.loc[first, "score"] % 5 + 1
    both = pd.concat([frame, again])
    pd.testing.assert_frame_equal(analysed(normalise(both))[["score"]], analysed(normalise(frame))[["score"]])
    assert len(repeated(normalise(both))) == 64
    results = analyse(both, AnalysisPlan(bootstrap_replicates=100))
    row = next(part for part in results.repeated if part.question == "confidence").rows[0]
    assert (row.n_pairs, row.exact) == (16, 15 / 16)
    assert analyse(frame, AnalysisPlan(bootstrap_replicates=100)).repeated == []
    with pytest.raises(AnalysisError, match="more than one current answer"):
        analysed(normalise(pd.concat([both, again])))


def close(ours: Any, theirs: Any, where: str) -> None:
    if isinstance(theirs, dict):
        assert set(theirs) <= set(ours), where
        for key, value in theirs.items():
            close(ours[key], value, f"{where}.{key}")
    elif isinstance(theirs, list):
        assert len(ours) == len(theirs), where
        for index, pair in enumerate(zip(ours, theirs)):
            close(*pair, f"{where}[{index}]")
    else:
        assert ours == (pytest.approx(theirs, rel=1e-9, abs=1e-12) if isinstance(theirs, float) else theirs), where


def test_a_plan_without_the_later_choices_gives_the_results_it_gave() -> None:
    """data/first_plan.json: what the version before these choices gave for the same answers and plan."""
    found = to_json(analyse(crossover(), AnalysisPlan(bootstrap_replicates=100)))
    found["auc"] = [{**part, "p_value": part["primary"]["p_value"]} for part in found["mrmc"]]
    found["responses"] = found["flow"]["responses"]
    close(found, json.loads((DATA / "first_plan.json").read_text()), "results")
    assert not found["decisions"] and not found["planned"] and not found["subgroups"] and not found["missing"]
    assert np.isfinite(found["reading_time"]["model"]["methods"][0]["ratio"])
