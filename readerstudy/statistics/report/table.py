"""A table of the report: rows of text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Cell = str | int


@dataclass(frozen=True)
class TableRow:
    """Cells, a remark below them, and whether they are printed bold."""

    cells: Sequence[Cell]
    note: str | None = None
    strong: bool = False


@dataclass(frozen=True)
class Table:
    """Headings and rows; the first `labels` columns are words."""

    title: str
    headings: list[str]
    rows: list[TableRow]
    labels: int = 2
    caption: str = ""
