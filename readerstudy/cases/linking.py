"""The linking table: which row and image of the manifest became which case. For the administrator to keep outside."""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from readerstudy.cases.models import Case
from readerstudy.cases.problems import refuse
from readerstudy.cases.records import CaseRecord

COLUMNS = ("row", "image", "case")


class LinkingTable:
    """A CSV file that appears under its name only once the batch is loaded, readable by its owner alone."""

    def __init__(self, path: Path, links: Iterable[tuple[CaseRecord, Case]]) -> None:
        self.path = path
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".linking-", suffix=".csv")  # mode 0600
        self.temporary = Path(temporary)
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            for record, case in links:
                writer.writerow((record.row, record.image, case.public_id))

    @staticmethod
    def check(path: Path) -> None:
        """Raises Refused unless a new file can be made there."""
        if path.exists():
            raise refuse("the linking table's file is already there", "Give the path of a new file")
        if not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
            raise refuse("the linking table's folder is not there or cannot be written", "Give another path")

    def publish(self) -> None:
        os.link(self.temporary, self.path)  # never overwrites, unlike a rename
        self.temporary.unlink()

    def remove(self) -> None:
        """As if it had never been written."""
        if self.temporary.exists():
            self.temporary.unlink()
        else:
            self.path.unlink(missing_ok=True)
