"""results.json: written as before, read back whole, and earlier versions stay readable.

data/version_1 holds what the version before typed results wrote: of the demo's finished study (its answers are those of
tests/upgrade) and of a crossover with six readers.
"""

from __future__ import annotations

import json
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from readerstudy.statistics.plan import AnalysisPlan
from readerstudy.statistics.results import analyse
from readerstudy.statistics.rows import RESULTS_VERSION, About, Question, Results
from readerstudy.statistics.stored import StoredResultsError, from_json, is_current, to_json
from tests.differences import differences
from tests.statistics.frames import DATA, crossover

LONG = Path(__file__).parents[1] / "upgrade" / "data" / "old-closed.long.csv"


def written(name: str) -> dict[str, Any]:
    return json.loads(lzma.decompress((DATA / "version_1" / f"{name}.json.xz").read_bytes()))


def demo_now(before: dict[str, Any]) -> Results:
    frame = pd.read_csv(LONG, dtype=str, keep_default_na=False)
    about = About(
        before["study"],
        before["methods"],
        before["kinds"],
        questions={key: Question(**question) for key, question in before["questions"].items()},
        design=[(what, how) for what, how in before["design"]],
        complete_study=before["flow"]["responses"]["expected"],
        plan_fixed_at=before["plan_fixed_at"],
        data_sha256=before["data_sha256"],
        versions=before["versions"],
    )
    return analyse(frame, AnalysisPlan.from_dict(before["plan"]), about=about)


def crossover_now(before: dict[str, Any]) -> Results:
    masks = [
        {"example": e, "method": m, "iou": (e + ord(m)) % 10 / 10, "kind": kind}
        for e in range(2, 25, 2)
        for m, kind in (("A", "input_gradient"), ("B", "other"))
    ]
    about = About(
        "Six", exclusions=["x"], looks=["y"], deviations=["z"], not_asked=[("A", "feature")],
        plan_fixed_at="2026-02-01", versions=before["versions"],
    )  # fmt: skip
    plan = AnalysisPlan.from_dict(before["plan"])
    return analyse(crossover(readers=6), plan, localisation=pd.DataFrame(masks), about=about)


@pytest.mark.parametrize(("name", "now"), [("demo", demo_now), ("crossover", crossover_now)])
def test_what_the_version_before_wrote_is_written_still(name: str, now: Callable[[dict[str, Any]], Results]) -> None:
    before = written(name)
    again = to_json(now(before))
    for part in ("warnings", "answer"):  # reworded since: for whom a test speaks, and no verdict from an interval
        assert type(before.pop(part)) is type(again[part])
    for row, row_now in zip(before["paired"], again["paired"], strict=True):  # by the bootstrap before, exact since
        effect = row.pop("design_effect")
        assert row_now["design_effect"] == (None if effect is None else pytest.approx(effect, rel=0.5))
    if name == "crossover":  # two cases of a patient: the AUCs' variances are taken over patients since
        assert type(before.pop("mrmc")) is type(again["mrmc"])
        for row in before["localisation"]["correlations"]:
            assert len(row.pop("ci")) == 2  # overlap's interval, too (test_results.py holds it)
    assert differences(before, again, "results") == []
    kept = list(before["paired"][0])  # the columns of paired.csv
    assert [column for column in again["paired"][0] if column in kept] == kept


@pytest.mark.parametrize("name", ["demo", "crossover"])
def test_results_of_version_1_are_read_and_known_to_be_old(name: str) -> None:
    before = written(name)
    results = from_json(before)
    assert results.results_version == 1 and not is_current(before)
    assert differences(before, to_json(results), "results") == []


def test_results_are_read_back_as_they_were_written() -> None:
    plan = AnalysisPlan(bootstrap_replicates=100, margin=0.05)
    results = analyse(crossover(readers=5, examples=12), plan)
    text = json.dumps(to_json(results), allow_nan=False)
    again = from_json(json.loads(text))
    assert again.results_version == RESULTS_VERSION and is_current(json.loads(text))
    assert again.plan == plan and again.paired == results.paired and again.models == results.models
    assert json.dumps(to_json(again), allow_nan=False) == text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda data: data.pop("paired"), "missing paired"),
        (lambda data: data.update(of_a_later_version=1), "unknown of_a_later_version"),
        (lambda data: data["paired"][0].pop("w"), ""),
        (
            lambda data: data["paired"][0].update(n_pairs="many"),
            r"paired\[0\]\.n_pairs must be int, not 'many'",
        ),
        (lambda data: data.update(flow=[]), r"results\.flow must be an object, not list"),
        (lambda data: data.update(plan=None), "no results of an analysis"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(change: Callable[[dict[str, Any]], None], words: str) -> None:
    data = written("demo")
    change(data)
    if words:
        with pytest.raises(StoredResultsError, match=words):
            from_json(data)
    else:  # a number that may be missing
        assert from_json(data).paired[0].w is None
