"""The linking table: which row and image of the source became which case. For the administrator to keep outside."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from pathlib import Path

from readerstudy.cases.models import Case
from readerstudy.cases.problems import refuse
from readerstudy.cases.records import CaseRecord

COLUMNS = ("row", "image", "case")


class LinkingTable:
    """A new CSV file, readable by its owner alone. `remove` undoes `write`, and only that."""

    def __init__(self, path: Path) -> None:
        self.path, self.written = path, False

    def check(self) -> None:
        """Raises Refused unless a new file can be made there."""
        if self.path.exists():
            raise refuse("the linking table's file is already there", "Give the path of a new file")
        if not self.path.parent.is_dir() or not os.access(self.path.parent, os.W_OK):
            raise refuse("the linking table's folder is not there or cannot be written", "Give another path")

    def write(self, links: Iterable[tuple[CaseRecord, Case]]) -> None:
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self.written = True
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            for record, case in links:
                writer.writerow((record.row, record.image, case.public_id))
            file.flush()
            os.fsync(file.fileno())

    def remove(self) -> None:
        if self.written:
            self.path.unlink(missing_ok=True)
