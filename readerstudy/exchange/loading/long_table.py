"""Our own long export, read back: with its provenance file, which has labels, plan, exclusions and looks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from readerstudy.common.csv_cells import unguarded
from readerstudy.common.csv_tables import is_nothing, number, whole_number
from readerstudy.exchange.loading.shape import (
    LoadedAnswer,
    LoadedExample,
    LoadedMethod,
    LoadedQuestion,
    LoadedReads,
    LoadedVisit,
    Problems,
    RefusedReads,
    Skipped,
    read_table,
)
from readerstudy.statistics.frame import FALSE_WORDS, TRUE_WORDS
from readerstudy.studies.kinds_shown import OPENING
from readerstudy.studies.protocol import LATER_FIELDS

NEEDED = ("reader", "read", "example", "pathology", "truth", "method", "question", "score")
SETTINGS = (
    *("protocol_version", "instructions", "consent", "seed", "allocation", "order", "washout_days", "operating_point"),
    *("analysis_plan", "render_parameters", "show_frame_predictions", "allow_changes", "drag_direction", "simulated"),
    *LATER_FIELDS,
)
SOURCES = ("browser", "spreadsheet", "simulated")


def is_long_table(path: Path) -> bool:
    return {"reader", "example", "score"} <= set(read_table(path)[0])


def load_long_table(files: Sequence[Path], provenance: Path | None = None) -> LoadedReads:
    """Parse and check a long export. Raises RefusedReads with every problem.

    Without provenance the file beside the table is taken (reads.csv.provenance.json); where there is none, methods and
    questions are named by their keys, questions run from 1 to 5, and the plan is the default one. Provenance of
    another table is refused: it would give these answers another study's labels, plan and exclusions.
    """
    beside = files[0].with_name(f"{files[0].name}.provenance.json")
    provenance = provenance or (beside if beside.is_file() else None)
    described = _provenance(provenance) if provenance else {}
    protocol = described.get("protocol") or {}
    problems = Problems()
    rows = [row for path in files for row in _rows(path, problems)]
    problems.refuse_if_any()
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
    if provenance and described.get("content_sha256", digest) != digest:
        text = (
            f"it was not written with {', '.join(path.name for path in files)}, or that table was changed since (the "
            "SHA-256 of its content differs). Give --protocol the one written with it, export again, or move this "
            "one away to load without."
        )
        problems.add(provenance.name, 0, "content_sha256", described["content_sha256"], text)
    if not rows:
        raise RefusedReads([f"{files[0].name}: it has no answers."])
    methods = [LoadedMethod(m["key"], m["label"], m["kinds"]) for m in protocol.get("methods", [])] or [
        LoadedMethod(key, f"Method {key}", []) for key in sorted({row["method"] for row in rows})
    ]
    questions = [LoadedQuestion(**question) for question in protocol.get("questions", [])] or [
        LoadedQuestion(key, key) for key in dict.fromkeys(row["question"] for row in rows)
    ]
    answers, skipped = _answers(rows, {method.key for method in methods}, questions, problems)
    examples = _examples(rows, problems)
    problems.refuse_if_any()
    settings = {name: protocol[name] for name in SETTINGS if name in protocol}
    settings["kind_texts"] = {name: {**texts, "fixed_by": OPENING} for name, texts in protocol.get("kinds", {}).items()}
    settings.setdefault("simulated", any(row.flag("simulated") for row in rows))
    return LoadedReads(
        source=", ".join(path.name for path in files)[:200],
        content_sha256=digest,
        methods=methods,
        questions=questions,
        examples=examples,
        sequences={(row["reader"], row["example"]): row["sequence"].split(">") for row in rows if row["sequence"]},
        answers=answers,
        title=protocol.get("title", ""),
        settings=settings,
        opened_at=_moment(described.get("opened_at")),
        closed_at=_moment(described.get("closed_at")),
        exclusions=described.get("exclusions", []),
        looks=described.get("looks", []),
        skipped=skipped,
    )


class _Row(dict[str, str]):
    """Cells by column, with the place they came from. A column that is not there is empty."""

    file = ""
    row = 0

    def __missing__(self, column: str) -> str:
        return ""

    def flag(self, column: str) -> bool:
        return self[column].lower() in TRUE_WORDS


def _provenance(path: Path) -> dict[str, Any]:
    try:
        described = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RefusedReads([f"{path.name}: it cannot be read as JSON ({error})."]) from error
    if not isinstance(described, dict) or not isinstance(described.get("protocol"), dict):
        raise RefusedReads([f"{path.name}: it is not the provenance file of an export: it has no protocol."])
    return described


def _rows(path: Path, problems: Problems) -> list[_Row]:
    header, lines = read_table(path)
    missing = [name for name in NEEDED if name not in header]
    if missing:
        problems.add(path.name, 1, "", "", f"the column(s) {', '.join(missing)} are missing; a long export has them.")
        return []
    rows = []
    for place, cells in lines:
        if len(cells) != len(header):
            problems.add(path.name, place, "", "", f"{len(cells)} cells under {len(header)} columns.")
            continue
        row = _Row(zip(header, map(unguarded, cells)))
        row.file, row.row = path.name, place
        rows.append(row)
    return rows


class _Checks:
    """Reads one row's cells, noting what is wrong with them."""

    def __init__(self, row: _Row, problems: Problems) -> None:
        self.row, self.problems, self.failed = row, problems, False

    def wrong(self, column: str, text: str) -> None:
        self.failed = True
        self.problems.add(self.row.file, self.row.row, column, self.row[column] if column else "", text)

    def number(self, column: str, least: int, most: int | None = None) -> int | None:
        value = whole_number(self.row[column])
        if value is None or value < least or (most is not None and value > most):
            allowed = f"of {least} or more" if most is None else f"from {least} to {most}"
            self.wrong(column, f"it must be a whole number {allowed}.")
            return None
        return value

    def measure(self, column: str) -> int | None:
        return self.number(column, 0) if self.row[column] else None

    def moment(self, column: str) -> datetime | None:
        try:
            return _moment(self.row[column])
        except ValueError:
            self.wrong(column, "it must be a time in ISO 8601 with its zone, such as 2026-01-05T09:00:00Z.")
            return None


@dataclass
class _Seen:
    """What earlier rows say, by (reader, read, ...): no two may contradict each other."""

    answers: dict[tuple[str, str, str, str, int | None], int] = field(default_factory=dict)
    methods: dict[tuple[str, str, str], str] = field(default_factory=dict)
    places: dict[tuple[str, str, str], str] = field(default_factory=dict)

    def agree(self, check: _Checks, revision: int | None, place: int | None) -> None:
        row = check.row
        view = (row["reader"], row["read"], row["example"])
        key = (*view, row["question"], revision)
        if key in self.answers:
            check.wrong("", f"this answer is in row {self.answers[key]} already.")
        if self.methods.setdefault(view, row["method"]) != row["method"]:
            check.wrong("method", f"the same view has method {self.methods[view]} in another row.")
        at = (row["reader"], row["read"], row["position"])
        if place and self.places.setdefault(at, row["example"]) != row["example"]:
            check.wrong("position", f"example {self.places[at]} has this position in the same read.")
        self.answers[key] = row.row


def _answers(
    rows: list[_Row], methods: set[str], questions: list[LoadedQuestion], problems: Problems
) -> tuple[list[LoadedAnswer], list[Skipped]]:
    asked = {question.key: question for question in questions}
    answers: list[LoadedAnswer] = []
    skipped: list[Skipped] = []
    seen = _Seen()
    for row in rows:
        check = _Checks(row, problems)
        question = asked.get(row["question"])
        if question is None:
            check.wrong("question", f"the study has no such question; there are {', '.join(asked)}.")
            continue
        found = _answer(check, question, methods, seen)
        if isinstance(found, LoadedAnswer):
            answers.append(found)
        elif found:
            skipped.append(found)
    return answers, skipped


def _answer(check: _Checks, question: LoadedQuestion, methods: set[str], seen: _Seen) -> LoadedAnswer | Skipped | None:
    """One row: an answer, one that was not given, or None when something is wrong with it."""
    row = check.row
    score = None if is_nothing(row["score"]) else check.number("score", question.minimum, question.maximum)
    revision = check.number("revision", 1) if row["revision"] else 1
    read = check.number("read", 0)
    place = check.number("position", 1) if row["position"] else 0
    if not row["reader"]:
        check.wrong("reader", "it is empty.")
    if row["method"] not in methods:
        check.wrong("method", f"the study has no such method; there are {', '.join(sorted(methods))}.")
    if row["source"] and row["source"] not in SOURCES:
        check.wrong("source", f"it must be {', '.join(SOURCES)} or empty.")
    seen.agree(check, revision, place)
    opened_at, answered_at, received_at = map(check.moment, ("opened_at", "answered_at", "received_at"))
    visit = _visit(check, opened_at)
    elapsed, visible, looking = map(check.measure, ("answered_ms", "answered_visible_ms", "looking_ms"))
    if check.failed or read is None or revision is None or place is None:
        return None
    if score is None:
        return Skipped(row["reader"], read, row["example"], question.key)
    return LoadedAnswer(
        reader=row["reader"],
        read=read,
        position=place,
        example=row["example"],
        method=row["method"],
        question=question.key,
        score=score,
        revision=revision,
        source=row["source"] or "spreadsheet",
        answered_at=answered_at,
        received_at=received_at,
        elapsed_ms=elapsed,
        visible_ms=visible,
        looking_ms=looking,
        visit=visit,
        excluded=row.flag("excluded"),
    )


def _visit(check: _Checks, opened_at: datetime | None) -> LoadedVisit | None:
    measures = ("visible_ms", "idle_ms", "images_ready_ms", "first_input_ms", "animation_loops")
    visible, idle, ready, first_input, loops = map(check.measure, measures)
    if opened_at is None:
        return None
    return LoadedVisit(opened_at, visible, idle, ready, first_input, loops or 0, check.row["comment"] or None)


def _examples(rows: list[_Row], problems: Problems) -> dict[str, LoadedExample]:
    """Examples by name. What a row says of its example must be what the other rows say."""
    about = ("case", "patient_key", "pathology", "truth", "practice", "dataset", "model", "prediction")
    first: dict[str, _Row] = {}
    examples: dict[str, LoadedExample] = {}
    images: dict[tuple[str, str, str], str] = {}
    for row in rows:
        name = row["example"]
        check = _Checks(row, problems)
        if name in first:
            for column in (*about, "prediction_reconstruction"):
                if row[column] != first[name][column]:
                    check.wrong(column, f"example {name} has “{first[name][column]}” in row {first[name].row}.")
            continue
        first[name] = row
        place = whole_number(name.removeprefix("P"))
        if place is None or place < 1:
            check.wrong("example", "it must be a number from 1, or P and a number for practice.")
        if name.startswith("P") != row.flag("practice"):
            check.wrong("practice", "practice examples, and only those, are called P1, P2, ...")
        if row["practice"].lower() not in TRUE_WORDS | FALSE_WORDS:
            check.wrong("practice", "it must be 0 or 1.")
        if row["truth"] not in ("TP", "FP", ""):
            check.wrong("truth", "it must be TP, FP or empty.")
        if not row["pathology"]:
            check.wrong("pathology", "it is empty.")
        probability = _probability(row, "prediction", check)
        case = row["case"] or f"example {name}"
        image = (case, row["pathology"], row["model"])
        if images.setdefault(image, name) != name:
            check.wrong("case", f"example {images[image]} has the same case, pathology and model.")
        if not check.failed:
            examples[name] = LoadedExample(
                name=name,
                case=case,
                pathology=row["pathology"],
                truth={"TP": True, "FP": False}.get(row["truth"]),
                probability=probability if probability is not None else 0.5,
                model=row["model"] or "not recorded",
                patient_key=row["patient_key"],
                dataset=row["dataset"],
                reconstruction=_probability(row, "prediction_reconstruction", check),
            )
    return examples


def _probability(row: Mapping[str, str], column: str, check: _Checks) -> float | None:
    if not row[column]:
        return None
    value = number(row[column])
    if value is None or not 0 <= value <= 1:
        check.wrong(column, "it must be a number from 0 to 1.")
        return None
    return value


def _moment(text: str | None) -> datetime | None:
    """A time with its zone, or None for nothing. ValueError for anything else."""
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("no time zone")
    return moment
