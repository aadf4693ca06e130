"""Files of a batch that is being loaded: removed if it fails, also, at the next load, if its process was killed."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

from django.core.files.storage import default_storage

from readerstudy.cases.loading.linking import LinkingTable
from readerstudy.cases.models import Batch, Case, save_file
from readerstudy.common.identity import file_name
from readerstudy.common.storage import staging_root

# A load writes a file every few seconds at most; a journal this old belongs to a process that is gone.
DEAD_AFTER_SECONDS = 3600


class WrittenFiles:
    """Context of a load. Leaving it by an exception removes every file saved, and the linking table.

    Names go into a journal before their files are written, so that `remove_leftovers` can do the same for a load that
    was killed. It removes nothing of a batch whose rows made it into the database.
    """

    def __init__(self, batch: Batch, table: LinkingTable | None = None) -> None:
        self.batch, self.table = batch, table
        self.names: list[str] = []

    def __enter__(self) -> WrittenFiles:
        remove_leftovers()
        folder = _folder()
        folder.mkdir(parents=True, exist_ok=True)
        self.journal = folder / f"{secrets.token_hex(8)}.journal"
        self.lines = self.journal.open("w", buffering=1)
        self._note([self.batch.name, self.batch.content_sha256])
        return self

    def save(self, field: Any, content: bytes, suffix: str, salt: str) -> str:
        """cases.models.save_file, noted before it is written."""
        name = field.field.generate_filename(field.instance, file_name(content, suffix, salt))
        self.names.append(name)
        self._note(name)
        return save_file(field, content, suffix, salt)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.lines.close()
        if error is not None:
            _delete(self.names)
            if self.table:
                self.table.remove()
        self.journal.unlink(missing_ok=True)

    def _note(self, what: Any) -> None:
        self.lines.write(json.dumps(what) + "\n")


def remove_leftovers() -> int:
    """Remove files of loads that were killed before their batch was in the database; returns how many loads."""
    count = 0
    for journal in _folder().glob("*.journal"):
        if journal.stat().st_mtime < time.time() - DEAD_AFTER_SECONDS:
            lines = journal.read_text().split("\n")[:-1]  # the last line may be half written, its file not begun
            batch, digest = json.loads(lines[0]) if lines else ("", "")
            names = [json.loads(line) for line in lines[1:]]
            # The first file is a case's. The batch may be there by another load, which wrote files of other names.
            loaded = Case.objects.filter(batch__name=batch, batch__content_sha256=digest, pixels__in=names[:1])
            if not loaded.exists():
                _delete(names)
            journal.unlink(missing_ok=True)
            count += 1
    return count


def _folder() -> Path:
    return staging_root()


def _delete(names: Iterable[str]) -> None:
    for name in names:
        default_storage.delete(name)
