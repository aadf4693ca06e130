"""The linking table: which row and image of the source became which case. For the administrator to keep outside."""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from readerstudy.cases.loading.problems import refuse
from readerstudy.cases.loading.records import CaseRecord
from readerstudy.cases.models import Case
from readerstudy.common.csv_cells import safe_cell

COLUMNS = ("row", "image", "case")


class LinkingTable:
    """A new CSV file, readable by its owner alone. `remove` undoes `write`, and only that."""

    def __init__(self, path: Path) -> None:
        self.path, self.written = path, False

    def check(self) -> None:
        """Raises BatchRefused unless the file can be made there. An empty one, left by a killed load, is replaced."""
        if self.path.exists() and not _is_empty(self.path):
            raise refuse("the linking table's file is already there", "Give the path of a new file")
        if not self.path.parent.is_dir() or not os.access(self.path.parent, os.W_OK):
            raise refuse("the linking table's folder is not there or cannot be written", "Give another path")

    def write(self, links: Iterable[tuple[CaseRecord, Case]]) -> None:
        """Whole or not at all, also when the process is killed."""
        handle, part = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}-")  # readable by its owner
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(COLUMNS)
                for record, case in links:
                    writer.writerow((record.row, safe_cell(record.image), case.public_id))
                file.flush()
                os.fsync(file.fileno())
            self.check()  # nobody made a file of that name meanwhile
            Path(part).replace(self.path)
            self.written = True
        finally:
            Path(part).unlink(missing_ok=True)

    def remove(self) -> None:
        if self.written:
            self.path.unlink(missing_ok=True)


def _is_empty(path: Path) -> bool:
    return path.is_file() and path.read_bytes()[:64].decode("utf-8", "replace").strip() in ("", ",".join(COLUMNS))
