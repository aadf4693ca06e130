"""The uploads that wait on the disk, as the page of batches lists them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from readerstudy.cases.loading.expiry import expired, since
from readerstudy.cases.loading.staged import TOKEN, Gone, Staged
from readerstudy.common.storage import staging_root


@dataclass(frozen=True)
class Waiting:
    """An upload as the page of batches lists it. since: seconds since 1970."""

    token: str
    batch: str
    since: float
    state: str

    @property
    def received(self) -> datetime:
        return datetime.fromtimestamp(self.since, UTC)


def listed() -> list[Waiting]:
    """Every upload on the disk, newest first, those included whose check never ended."""
    found = []
    for folder in staging_root().glob("*/"):
        if not TOKEN.fullmatch(folder.name) or expired(folder):
            continue
        try:
            staged = Staged.read(folder)
            if not staged.loaded or staged.has_links:
                found.append(Waiting(folder.name, staged.batch, since(folder), _state(folder, staged)))
        except Gone:
            found.append(Waiting(folder.name, "", since(folder), "being checked, or its check was interrupted"))
    return sorted(found, key=lambda waiting: waiting.since, reverse=True)


def _state(folder: Path, staged: Staged) -> str:
    if staged.loaded:
        return "loaded; its linking table was not taken"
    if staged.problems:
        return "has problems to mend" if staged.may_be_mended else "refused"
    if not staged.checked:
        return "being checked, or its check was interrupted"
    return "being loaded" if (folder / "loading").exists() else "waits to be loaded"
