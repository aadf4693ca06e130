"""Figures and report: whole, self-contained, the same every time, and never half written."""

from __future__ import annotations

import csv
import json
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from readerstudy.analysis import report
from readerstudy.analysis.report import render_report, write_report
from readerstudy.statistics.figures import Drawing, draw_all
from readerstudy.statistics.figures.answers import LEVEL_COLOURS
from readerstudy.statistics.figures.style import METHOD_LOOKS
from readerstudy.statistics.plan import AnalysisError, AnalysisPlan
from readerstudy.statistics.results import analyse
from readerstudy.statistics.rows import About, Results
from readerstudy.statistics.stored import to_json
from tests.statistics.frames import crossover

PLAN = AnalysisPlan(bootstrap_replicates=100)
ABOUT = About(study="Demo", exclusions=["Example 7: wrong side marker."], versions={"readerstudy": "1", "scipy": "2"})


@pytest.fixture(scope="module")
def results() -> Results:
    frame = crossover()
    masks = pd.DataFrame(
        [{"example": e, "method": m, "iou": (e + ord(m)) % 10 / 10} for e in range(2, 25, 2) for m in "AB"]
    )
    return analyse(frame, PLAN, localisation=masks, about=ABOUT)


@pytest.fixture(scope="module")
def drawings(results: Results) -> list[Drawing]:
    return draw_all(results)


@pytest.fixture(scope="module")
def folder(results: Results, drawings: list[Drawing], tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("out") / "analysis"
    write_report(results, target, drawings=drawings)
    return target


def test_every_file_is_there(folder: Path, results: Results) -> None:
    assert json.loads((folder / "results.json").read_text()) == to_json(results)
    figures = {path.name for path in (folder / "figures").iterdir()}
    for name in ["flow", "forest", "answers-by-pathology", "joint-means", "answer-counts", "overlap", "reading-time"]:
        assert {f"{name}.svg", f"{name}.png"} <= figures
    with (folder / "tables" / "paired.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(results.paired)
    assert float(rows[0]["ci_patient_low"]) == (results.paired[0].ci_patient or [])[0]


def test_the_same_results_give_the_same_bytes(folder: Path, results: Results, tmp_path: Path) -> None:
    (tmp_path / "again" / "figures").mkdir(parents=True)
    (tmp_path / "again" / "figures" / "forest-A-C.svg").write_text("of an earlier analysis")
    for path in write_report(results, tmp_path / "again"):
        assert path.read_bytes() == (folder / path.relative_to(tmp_path / "again")).read_bytes(), path.name
    assert [path.name for path in tmp_path.iterdir()] == ["again"]


def test_the_page_needs_nothing_from_outside_and_runs_nothing(folder: Path) -> None:
    text = (folder / "report.html").read_text()
    assert "<script" not in text
    assert not re.search(r"\s(src|style|on\w+)=", text)
    assert not re.findall(r'href="(?!#)', text)
    ids = re.findall(r'\sid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    for reference in re.findall(r'(?:href="#|url\(#)([^")]+)', text):
        assert reference in ids


def test_the_page_begins_with_the_answer_and_says_the_rest(folder: Path, results: Results) -> None:
    text = (folder / "report.html").read_text()
    titles = re.findall(r"<h2>(.*?)</h2>", text)
    assert titles[:3] == ["The answer", "Read this before the numbers", "Design, analysis plan and deviations from it"]
    assert titles[-1] == "Limitations"
    for words in (results.answer, results.warnings[0], "rule “wilcox”", "Example 7: wrong side marker.", "scipy"):
        assert words.replace("'", "&#x27;") in text
    assert "SIMULATED" not in text


def test_the_page_says_who_read_how_many_and_what_is_missing(drawings: list[Drawing]) -> None:
    frame = crossover()
    about = About(design=[("Reads", "14 days apart")], data_sha256="ab" * 32)
    results = analyse(frame.drop(frame.index[frame["reader"] == "R2"][:3]), PLAN, about=about)
    text = render_report(results, drawings)  # of other answers: their figures are not looked at
    cells = re.sub(r"</?t[dh][^>]*>", "|", text)
    assert "2 readers answered 2 questions about 24 examples (12 true and 12 false positives) of 12 patients" in text
    assert "189 of 192 possible answers are analysed, 3 are missing or left out" in text
    assert "|R2||2||24||93 of 96||0|" in cells
    assert "14 days apart" in text
    assert f"Data: 189 rows of the long export, SHA-256 {'ab' * 32}." in text
    assert "each question apart: 2 tests each" in text and "exploratory: 4 tests each" in text
    assert "|true positives\nprimary|" in cells


def test_simulated_answers_carry_a_banner(results: Results, drawings: list[Drawing]) -> None:
    text = render_report(replace(results, simulated=True), drawings)
    assert text.index("SIMULATED DATA. Nothing here was read by a person") < text.index("<h1>")


def test_names_from_the_study_cannot_break_the_page_or_a_spreadsheet(tmp_path: Path) -> None:
    frame = crossover()
    frame["pathology"] = frame["pathology"].replace({"Mass": "=<b onload=1>&$x$"})
    results = analyse(frame, PLAN, about=About(study="<script>alert(1)</script>", methods={"A": "<i>A", "B": "B&B"}))
    write_report(results, tmp_path / "out")
    text = (tmp_path / "out" / "report.html").read_text()
    assert "<script" not in text
    assert "<b onload" not in text
    assert "'=<b onload=1>" in (tmp_path / "out" / "tables" / "means.csv").read_text()


def test_figures_are_clean_svg_and_absent_ones_say_why(drawings: list[Drawing]) -> None:
    for drawing in drawings:
        if drawing.svg is None:
            assert drawing.note
            continue
        root = ElementTree.fromstring(drawing.svg)
        assert not any(element.get("style") or element.tag.endswith("style") for element in root.iter())
        assert drawing.png is not None
        assert drawing.png.startswith(b"\x89PNG")


def test_looks_differ_without_colour() -> None:
    assert len({look.marker for look in METHOD_LOOKS}) == len({look.linestyle for look in METHOD_LOOKS}) == 4
    greys = [0.3 * int(c[1:3], 16) + 0.59 * int(c[3:5], 16) + 0.11 * int(c[5:7], 16) for c in LEVEL_COLOURS]
    assert greys[:4] == sorted(greys[:4])  # lighter towards the middle; the lower half is hatched besides
    assert greys[3:] == sorted(greys[3:], reverse=True)


@pytest.mark.parametrize(
    "change",
    [
        lambda f: f.iloc[:0],
        lambda f: f.iloc[:1],
        lambda f: f[f["method"] == "A"],
        lambda f: f[f["question"] == "feature"].assign(score=3, position=None),
    ],
)
@pytest.mark.filterwarnings("error")
def test_thin_data_still_make_a_report(change: Any, tmp_path: Path) -> None:
    paths = write_report(analyse(change(crossover()), PLAN), tmp_path / "out")
    assert tmp_path / "out" / "report.html" in paths


def test_fine_scales_and_three_methods_are_drawn(tmp_path: Path) -> None:
    frame = crossover(methods="ABC")
    results = analyse(frame.assign(score=frame["score"] * 20 - 3), PLAN)
    names = {path.name for path in write_report(results, tmp_path / "out")}
    assert {"forest-A-B.svg", "forest-A-C.svg", "forest-B-C.svg", "answer-counts.png"} <= names


def test_a_failure_leaves_the_earlier_report_whole(
    results: Results, drawings: list[Drawing], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "out"
    before = {path: path.read_bytes() for path in write_report(results, target, drawings=drawings)}
    with pytest.raises(TypeError, match="JSON"):
        write_report(replace(results, study=object()), target, drawings=drawings)  # type: ignore[arg-type]
    monkeypatch.setattr(report, "render_report", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_report(results, target, drawings=drawings)
    assert {path: path.read_bytes() for path in target.rglob("*") if path.is_file()} == before
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_with_other_files_is_not_touched(results: Results, tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").write_text("years of work")
    with pytest.raises(AnalysisError, match=r"holds thesis\.docx, which is not part of a report"):
        write_report(results, tmp_path)
    with pytest.raises(AnalysisError, match="is a file"):
        write_report(results, tmp_path / "thesis.docx")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.docx"]
