"""What is wrong with a batch, said to people: row, column, value, what to do. All is listed, then nothing loads."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from readerstudy.common.refusals import Refusal

# What a message may quote of data that are not public: short numbers, with a letter at most. A column that has slipped
# by one puts a name, a date or an id anywhere, and messages end in reports and logs.
HARMLESS = re.compile(r"[+-]?\d{0,4}([.,]\d{1,6})?[A-Za-z%]?|[^\w\s]{1,3}")
MAX_VALUE = 60


@dataclass(frozen=True)
class Problem:
    """One thing wrong. row: as a spreadsheet counts, the header is row 1; 0 for the source as a whole."""

    row: int
    column: str
    value: str
    text: str
    remedy: str

    def __str__(self) -> str:
        place = ", ".join(part for part in (f"row {self.row}" if self.row else "", self.column) if part)
        value = f" “{self.value}”" if self.value else ""
        return f"{place}{value}{': ' if place or value else ''}{self.text}. {self.remedy}."


SHOWN_ALIKE = 10
SHOWN_RANGES = 40


def folded(problems: list[Problem]) -> list[str]:
    """A line for each problem; where more than SHOWN_ALIKE are alike, the rest of these in one line with their rows."""
    alike: dict[tuple[str, str, str], list[Problem]] = defaultdict(list)
    for problem in problems:
        alike[problem.column, problem.text, problem.remedy].append(problem)
    lines: list[str] = []
    for same in alike.values():
        shown = SHOWN_ALIKE if len(same) > SHOWN_ALIKE + 1 else len(same)
        lines += map(str, same[:shown])
        if same[shown:]:
            place = f", {same[0].column}" if same[0].column else ""
            rows = _ranges([problem.row for problem in same[shown:]])
            lines.append(f"{len(same) - shown} more rows like these{place}: {same[0].text}. Rows {rows}.")
    return lines


def _ranges(rows: list[int]) -> str:
    """ "3 to 9, 12" for ascending numbers; the end is left out of a list no one would read."""
    ranges: list[list[int]] = []
    for row in rows:
        if ranges and row == ranges[-1][1] + 1:
            ranges[-1][1] = row
        else:
            ranges.append([row, row])
    parts = [str(first) if first == last else f"{first} to {last}" for first, last in ranges[:SHOWN_RANGES]]
    return ", ".join(parts) + (" and so on" if ranges[SHOWN_RANGES:] else "")


class BatchRefused(Refusal):
    """A batch that cannot be loaded: nothing was. `problems` has every reason, in the order of rows."""

    code, status, title = "batch_refused", 400, "This batch cannot be loaded"

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("\n".join(map(str, problems)))

    @classmethod
    def from_rows(cls, rows: list[dict[str, Any]]) -> BatchRefused:
        """The inverse of dataclasses.asdict of each problem."""
        return cls([Problem(**row) for row in rows])


@dataclass
class Problems:
    """Collects problems. show_ids: the data are public, so that messages may quote any value."""

    show_ids: bool = False
    found: list[Problem] = field(default_factory=list)

    def add(self, row: int, column: str, value: str, text: str, remedy: str) -> None:
        shown = value[:MAX_VALUE] + ("…" if len(value) > MAX_VALUE else "")
        if not self.show_ids and not HARMLESS.fullmatch(value):
            shown = ""
        self.found.append(Problem(row, column, shown, text, remedy))

    def refuse_if_any(self) -> None:
        if self.found:
            raise BatchRefused(sorted(self.found, key=lambda problem: problem.row))


def refuse(text: str, remedy: str, column: str = "") -> BatchRefused:
    """One problem of the source as a whole."""
    return BatchRefused([Problem(0, column, "", text, remedy)])
