"""What a loader gives before anything is stored, and the problems it found. No database here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from readerstudy.common.csv_tables import TableError, read_rows, without_empty_end
from readerstudy.common.refusals import Refusal

MAX_VALUE = 60


class RefusedReads(Refusal):
    """Reads that cannot be loaded: nothing was. `problems` has every reason, one sentence each."""

    code, status = "reads_refused", 400

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


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
    about_explanation: bool = False


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
    idle_ms: int | None
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
    looking_ms: int | None = None  # at the example, over all its visits
    visit: LoadedVisit | None = None
    excluded: bool = False


@dataclass(frozen=True)
class Skipped:
    """An answer that a reader did not give: a blank cell, N/A, or a row that is not there. It is not an answer."""

    reader: str
    read: int
    example: str
    question: str


@dataclass
class LoadedReads:
    """A whole study's reads. `settings`: fields of Study; `exclusions`, `looks`: as analysis.records writes them;
    `skipped`: answers that are missing, which are counted and never made up."""

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
    skipped: list[Skipped] = field(default_factory=list)


def read_table(path: Path) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """Header, and (row number, cells) of each line that is not blank. RefusedReads when it is no readable table."""
    try:
        lines = list(read_rows(path.read_bytes(), "the file"))
    except OSError as error:
        raise RefusedReads([f"{path.name}: it cannot be read ({error.strerror})."]) from error
    except TableError as error:
        raise RefusedReads([f"{path.name}: {error}"]) from error
    header = [name.strip() for name in without_empty_end(lines[0][1])]
    return header, ((row, without_empty_end(cells, len(header))) for row, cells in lines[1:])
