"""Reads kept in spreadsheets, one per reader and read, with a record of the trials: the published study's layout.

A spreadsheet has the column Example (the trial's number) and one per question; "(1-5)" at the end of a question is its
range. The record is JSON (or .json.gz): a list of trials, each with trialid, target (pathology), label (1 true, 0 false
positive), trial (0: Method A in read 0; 1: Method B in read 0), pred (probability), dataset, idx and source.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from explain.images import facts
from explain.methods.kinds import COMPARED_2021
from readerstudy.cases.loading.records import OLDEST
from readerstudy.common.csv_tables import is_nothing, whole_number
from readerstudy.common.identity import keyed_hash, patient_key
from readerstudy.exchange.loading.shape import (
    LoadedAnswer,
    LoadedExample,
    LoadedMethod,
    LoadedQuestion,
    LoadedReads,
    Problems,
    RefusedReads,
    Skipped,
    read_table,
)

METHODS = [LoadedMethod(key, f"Method {key}", list(kinds)) for key, kinds in zip("AB", COMPARED_2021, strict=True)]
QUESTION_KEYS = ("confidence", "feature")
COUNTED = "in a file's name read0 is read 1 and read1 is read 2"
_FILE_NAME = re.compile(r"read(\d+)-reader(\d+)", re.IGNORECASE)
_RANGE = re.compile(r"\s*\((-?\d+)\s*[-–]\s*(-?\d+)\)\s*$")
_FIELDS = ("trialid", "target", "label", "trial", "pred")


def load_spreadsheets(
    files: Sequence[Path],
    record: Path,
    *,
    reader: str = "",
    read: int | None = None,
    question_keys: Sequence[str] = QUESTION_KEYS,
) -> LoadedReads:
    """Parse and check all files. Raises RefusedReads with every problem.

    reader, read: say whose a single file is; else names like read0-reader1.csv do (read0 is read 1, read1 read 2).
    """
    problems = Problems()
    trials = _trials(record, problems)
    problems.refuse_if_any()
    sheets: dict[tuple[str, int], Path] = {}
    for path in files:
        who = _who(path, reader, read, problems)
        if who in sheets:
            problems.add(path.name, 0, "", "", f"{who[0]}'s read {who[1]} is in {sheets[who].name} already.")
        elif who is not None:
            sheets[who] = path
    questions = _questions(files[0], question_keys)
    answers: list[LoadedAnswer] = []
    skipped: list[Skipped] = []
    for who, path in sorted(sheets.items()):
        given, left_out = _answers(path, who, questions, trials, problems)
        answers, skipped = answers + given, skipped + left_out
    if not answers:
        problems.add(files[0].name, 0, "", "", "there is not one answer in the files.")
    problems.refuse_if_any()
    readers = {name for name, _ in sheets}
    return LoadedReads(
        source=", ".join([record.name, *(path.name for path in files)])[:200],
        content_sha256=_sha256([record, *files]),
        methods=METHODS,
        questions=questions,
        examples={str(number): _example(trial) for number, trial in trials.items()},
        sequences={
            (name, str(number)): ["B", "A"] if trial["trial"] else ["A", "B"]
            for name in readers
            for number, trial in trials.items()
        },
        answers=answers,
        settings={"allocation": "published"},
        skipped=skipped,
    )


def _who(path: Path, reader: str, read: int | None, problems: Problems) -> tuple[str, int] | None:
    named = _FILE_NAME.search(path.name)
    name = reader or (f"R{int(named[2])}" if named else "")
    number = read if read is not None else (int(named[1]) + 1 if named else None)
    if not name or number is None:
        problems.add(
            path.name,
            0,
            "",
            "",
            "whose read is it? Name it like read0-reader1.csv (read0 is read 1, read1 is read 2), or give "
            "--reader R1 --read 1.",
        )
        return None
    if number not in (1, 2):
        problems.add(path.name, 0, "", "", f"the record knows two reads, so this cannot be read {number}; {COUNTED}.")
        return None
    return name, number


def _trials(path: Path, problems: Problems) -> dict[int, dict[str, Any]]:
    """Trials by number, checked."""
    try:
        content = path.read_bytes()
        parsed = json.loads(gzip.decompress(content) if path.suffix == ".gz" else content)
    except (OSError, ValueError, EOFError) as error:
        raise RefusedReads([f"{path.name}: it cannot be read as JSON ({error})."]) from error
    if not isinstance(parsed, list) or not all(isinstance(trial, dict) for trial in parsed) or not parsed:
        raise RefusedReads([f"{path.name}: it must be a list of trials."])
    trials: dict[int, dict[str, Any]] = {}
    seen: dict[tuple[str, str], int] = {}
    for place, trial in enumerate(parsed, start=1):
        where = f"trial {trial.get('trialid', f'at place {place}')}"
        missing = [name for name in _FIELDS if trial.get(name) is None]
        wrong = [
            name
            for name, right in (
                ("trialid", lambda value: type(value) is int and value > 0),
                ("target", lambda value: isinstance(value, str) and value.strip()),
                ("label", lambda value: value in (0, 1)),
                ("trial", lambda value: value in (0, 1)),
                ("pred", lambda value: isinstance(value, int | float) and 0 <= value <= 1),
            )
            if name not in missing and not right(trial[name])
        ]
        for name in missing:
            problems.add(path.name, 0, f"{where}, {name}", "", "it is missing.")
        for name in wrong:
            problems.add(path.name, 0, f"{where}, {name}", trial[name], "it is not a usable value.")
        if missing or wrong:
            continue
        number, image = trial["trialid"], (_image(trial), trial["target"])
        if number in trials:
            problems.add(path.name, 0, where, "", "it is there twice.")
        elif image in seen:
            problems.add(path.name, 0, where, "", f"it has the image and pathology of trial {seen[image]}.")
        else:
            trials[number], seen[image] = trial, number
    return dict(sorted(trials.items()))


def _questions(path: Path, keys: Sequence[str]) -> list[LoadedQuestion]:
    header, _ = read_table(path)
    texts = [name for name in header[1:] if name]
    if not header or header[0].lower() != "example" or len(texts) != len(keys):
        raise RefusedReads(
            [f"{path.name}, row 1: it must have the column Example and {len(keys)} questions ({', '.join(keys)})."]
        )
    return [_question(key, text) for key, text in zip(keys, texts, strict=True)]


def _question(key: str, text: str) -> LoadedQuestion:
    found = _RANGE.search(text)
    if not found:
        return LoadedQuestion(key, text)
    return LoadedQuestion(key, text[: found.start()], int(found[1]), int(found[2]))


def _answers(
    path: Path,
    who: tuple[str, int],
    questions: list[LoadedQuestion],
    trials: dict[int, dict[str, Any]],
    problems: Problems,
) -> tuple[list[LoadedAnswer], list[Skipped]]:
    """The answers of one file in the order of its rows, and those that it leaves out."""
    header, lines = read_table(path)
    columns = [name for name in header[1:] if name]
    if header[0].lower() != "example" or [_question(q.key, c) for q, c in zip(questions, columns)] != questions:
        problems.add(path.name, 1, "", ", ".join(header), "its columns are not those of the first file.")
        return [], []
    reader, read = who
    answers: list[LoadedAnswer] = []
    skipped: list[Skipped] = []
    seen: dict[int, int] = {}
    for row, cells in lines:
        number = whole_number(cells[0])
        if number is None or number not in trials:
            problems.add(path.name, row, header[0], cells[0], "the record has no such example.")
            continue
        if number in seen:
            problems.add(path.name, row, header[0], number, f"the example is in row {seen[number]} already.")
            continue
        seen[number] = row
        extra = [cell for cell in cells[1 + len(questions) :] if cell.strip()]
        if extra:
            problems.add(path.name, row, "", extra[0], "there are more cells than columns.")
        method = "AB"[(trials[number]["trial"] + read - 1) % 2]
        for index, question in enumerate(questions, start=1):
            cell = cells[index].strip() if index < len(cells) else ""
            if is_nothing(cell):
                skipped.append(Skipped(reader, read, str(number), question.key))
                continue
            score = _score(path.name, row, question, header[index], cell, problems)
            if score is not None:
                answers.append(LoadedAnswer(reader, read, len(seen), str(number), method, question.key, score))
    without_row = [number for number in trials if number not in seen]
    skipped += [Skipped(reader, read, str(number), question.key) for number in without_row for question in questions]
    return answers, skipped


def _score(file: str, row: int, question: LoadedQuestion, column: str, cell: str, problems: Problems) -> int | None:
    score = whole_number(cell)
    if score is None or not question.minimum <= score <= question.maximum:
        allowed = f"a whole number from {question.minimum} to {question.maximum}"
        problems.add(file, row, column, cell, f"the answer must be {allowed}; leave it empty if it was not given.")
        return None
    return score


def _example(trial: dict[str, Any]) -> LoadedExample:
    source = trial.get("source") or {}
    sex = str(source.get("Patient Gender") or source.get("PatientSex") or "")
    age = facts.or_unknown(facts.age_years, str(source.get("Patient Age", source.get("PatientAge", ""))), None)
    return LoadedExample(
        name=str(trial["trialid"]),
        case=_image(trial),
        pathology=trial["target"],
        truth=bool(trial["label"]),
        probability=float(trial["pred"]),
        model=str(trial.get("model_used") or "as published"),
        patient_key=patient_key(str(source.get("Patient ID") or source.get("patientid") or "")),
        dataset=str(trial.get("dataset") or ""),
        sex=facts.or_unknown(facts.sex, sex, ""),
        age=None if age is None else min(age, OLDEST),
        view=facts.or_unknown(facts.view, str(source.get("view") or ""), ""),
    )


def _image(trial: dict[str, Any]) -> str:
    """One name per image; a keyed hash, because it outlives the loading only as an order of cases."""
    name = trial.get("idx") if trial.get("idx") is not None else f"trial {trial['trialid']}"
    return keyed_hash("image", f"{trial.get('dataset')} {name}")[:24]


def _sha256(files: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()
