"""What a loader gives before anything is stored, and the problems it found. No database here."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

MAX_VALUE = 60


class RefusedReads(ValueError):
    """Reads that cannot be loaded: nothing was. `problems` has every reason, one sentence each."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


@dataclass
class Problems:
    """Collects problems, so that one run lists all of them."""

    found: list[str] = field(default_factory=list)

    def add(self, file: str, row: int, column: str, value: object, text: str) -> None:
        """row: as a spreadsheet counts, the header is row 1; 0 for the file as a whole."""
        shown = "" if value in (None, "") else f" “{str(value)[:MAX_VALUE]}”"
        place = ", ".join(part for part in (file, f"row {row}" if row else "", column) if part)
        self.found.append(f"{place}{shown}: {text}")

    def refuse_if_any(self) -> None:
        if self.found:
            raise RefusedReads(self.found)


@dataclass(frozen=True)
class LoadedMethod:
    key: str
    label: str
    kinds: list[str]


@dataclass(frozen=True)
class LoadedQuestion:
    key: str
    text: str
    minimum: int = 1
    maximum: int = 5
    low_label: str = ""
    high_label: str = ""


@dataclass(frozen=True)
class LoadedExample:
    """`name` is the number, or P and the number for practice; `case` joins examples of one image."""

    name: str
    case: str
    pathology: str
    truth: bool | None
    probability: float
    model: str
    patient_key: str = ""
    dataset: str = ""
    sex: str = ""
    age: int | None = None
    view: str = ""
    reconstruction: float | None = None

    @property
    def practice(self) -> bool:
        return self.name.startswith("P")

    @property
    def number(self) -> int:
        return int(self.name.removeprefix("P"))


@dataclass(frozen=True)
class LoadedVisit:
    opened_at: datetime
    visible_ms: int | None
    images_ready_ms: int | None
    first_input_ms: int | None
    animation_loops: int
    comment: str | None


@dataclass(frozen=True)
class LoadedAnswer:
    reader: str
    read: int
    position: int
    example: str
    method: str
    question: str
    score: int
    revision: int = 1
    source: str = "spreadsheet"
    answered_at: datetime | None = None
    received_at: datetime | None = None
    elapsed_ms: int | None = None
    visible_ms: int | None = None
    visit: LoadedVisit | None = None
    excluded: bool = False


@dataclass
class LoadedReads:
    """A whole study's reads. `settings`: fields of Study; `exclusions`, `looks`: as analysis.records writes them."""

    source: str
    content_sha256: str
    methods: list[LoadedMethod]
    questions: list[LoadedQuestion]
    examples: dict[str, LoadedExample]
    sequences: dict[tuple[str, str], list[str]]
    answers: list[LoadedAnswer]
    title: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    exclusions: list[dict[str, Any]] = field(default_factory=list)
    looks: list[dict[str, Any]] = field(default_factory=list)


def read_table(path: Path) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """Header, and (row number, cells) of each line that is not empty. RefusedReads when it is no readable CSV."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            separator = _separator(file.readline())
            file.seek(0)
            lines = [(row, cells) for row, cells in enumerate(csv.reader(file, delimiter=separator), 1) if any(cells)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise RefusedReads([f"{path.name}: it cannot be read as a UTF-8 CSV file ({error})."]) from error
    if not lines:
        raise RefusedReads([f"{path.name}: the file is empty."])
    return [name.strip() for name in lines[0][1]], iter(lines[1:])


def _separator(header: str) -> str:
    """Comma, semicolon (spreadsheet programs where the comma is decimal) or tab: the one that ends the first name."""
    found = re.match(r"""\s*("[^"]*"|[^",;\t]*)\s*([,;\t])""", header)
    return found[2] if found else ","


def whole_number(text: str) -> int | None:
    """4, " 4" and "4.0" are 4; anything else is None."""
    found = re.fullmatch(r"\s*([+-]?\d{1,9})(\.0+)?\s*", text)
    return int(found[1]) if found else None
