"""Where every reader of a study stands, from stored answers only. As many queries for one reader as for fifty."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Max
from django.utils import timezone

from readerstudy.common.counting import counted
from readerstudy.reading import progress
from readerstudy.reading.models import Assignment, Read, Reader, Response, Visit
from readerstudy.reading.progress import ReadProgress
from readerstudy.studies.asking import asked_counts, fully_answered
from readerstudy.studies.models import Study

CSV_COLUMNS = (
    "study", "reader", "withdrawn_at", "read", "state", "total", "done", "missing",
    "opened_at", "last_activity", "finished_at", "opens_at",
)  # fmt: skip


def unfinished(study: Study) -> str:
    """Sentences on what is not finished: of readers who take part, and what readers who withdrew left undone."""
    found = study_progress(study, timezone.now())
    left = [row for row in found.scored if row.progress.state != "finished"]
    gone = [
        f"{row.reader.code}'s {str(row.read).lower()} at {row.progress.done} of {row.progress.total}"
        for row in found.rows
        if row.reader.withdrawn_at and row.read.number != Read.PRACTICE and 0 < row.progress.done < row.progress.total
    ]
    said = f"{len(left)} of {counted(len(found.scored), 'read')} are not finished."
    if not left:
        said = "No read of a reader who takes part is unfinished." if gone else "No read is unfinished."
    return f"{said} Readers who withdrew left {', '.join(gone)}." if gone else said


@dataclass(frozen=True)
class ReadRow:
    """One read; by_pathology: (done, total).

    state : finished; reading or paused (open, and silent for longer than a break takes); ready, waiting (washout) or
    locked (after the one before); ended (unfinished, and the reader has withdrawn or the study is closed); loaded
    (from a spreadsheet).
    """

    reader: Reader
    progress: ReadProgress
    state: str
    last_activity: datetime | None
    by_pathology: dict[str, tuple[int, int]]

    @property
    def read(self) -> Read:
        return self.progress.read


@dataclass(frozen=True)
class StudyProgress:
    readers: list[Reader]
    rows: list[ReadRow]
    pathologies: list[str]

    @property
    def scored(self) -> list[ReadRow]:
        """Reads that count: no practice, no reader who has withdrawn."""
        return [row for row in self.rows if row.read.number != Read.PRACTICE and row.reader.withdrawn_at is None]

    @property
    def done(self) -> int:
        return sum(row.progress.done for row in self.scored)

    @property
    def total(self) -> int:
        return sum(row.progress.total for row in self.scored)


def study_progress(study: Study, now: datetime) -> StudyProgress:
    """Every read of every reader, practice first."""
    readers = list(study.readers.select_related("membership__user").order_by("id"))
    reads = Read.objects.filter(reader__study=study).order_by("reader_id", "number")
    name = "example__prediction__pathology"
    everything = Assignment.objects.filter(read__reader__study=study)
    total: dict[int, dict[str, int]] = defaultdict(dict)
    for read_id, pathology, n in everything.order_by().values_list("read_id", name).annotate(n=Count("pk")):
        total[read_id][pathology] = n
    answered = fully_answered(everything, asked_counts(study))
    done = Counter(answered.values_list("read_id", name))
    last = _last_activity(study)
    rows: list[ReadRow] = []
    by_reader = {reader.pk: reader for reader in readers}
    before: ReadProgress | None = None
    for read in reads:
        reader = by_reader[read.reader_id]
        reader.study = study
        if before is not None and before.read.reader_id != reader.pk:
            before = None
        counts = {key: (done[read.pk, key], n) for key, n in sorted(total[read.pk].items())}
        before = progress.read_progress(read, before, reader, _sum(counts, 1), _sum(counts, 0))
        rows.append(ReadRow(reader, before, _state(before, reader, last.get(read.pk), now), last.get(read.pk), counts))
    return StudyProgress(readers, rows, sorted({key for counts in total.values() for key in counts}))


def _sum(counts: dict[str, tuple[int, int]], index: int) -> int:
    return sum(pair[index] for pair in counts.values())


def _state(item: ReadProgress, reader: Reader, last: datetime | None, now: datetime) -> str:
    if item.state == "finished":
        return item.state
    if reader.study.from_spreadsheets:
        return "loaded"
    if reader.withdrawn_at is not None or reader.study.state == Study.State.CLOSED:
        return "ended"
    if item.state == "open":
        return "reading" if last is not None and now - last < progress.PAUSE else "paused"
    return item.state


def _last_activity(study: Study) -> dict[int, datetime]:
    """Read -> when the server last heard of it: a visit or an answer."""
    latest: dict[int, datetime] = {}
    heard = (
        Visit.objects.filter(assignment__read__reader__study=study)
        .values_list("assignment__read")
        .annotate(at=Max("last_received_at")),
        Response.objects.filter(assignment__read__reader__study=study)
        .values_list("assignment__read")
        .annotate(at=Max("received_at")),
    )
    for rows in heard:
        for read, at in rows.order_by():
            latest[read] = max(at, latest.get(read, at))
    return latest


def csv_rows(study: Study, found: StudyProgress) -> Iterator[list[Any]]:
    """Rows of CSV_COLUMNS, then answered and total per pathology. Readers by code only."""
    for row in found.rows:
        item = row.progress
        times = [item.read.opened_at, row.last_activity, item.read.finished_at, item.opens_at]
        facts = [study.slug, row.reader.code, _iso(row.reader.withdrawn_at), item.read.number, row.state]
        counts = [row.by_pathology.get(name, (0, 0)) for name in found.pathologies]
        yield [
            *facts,
            item.total,
            item.done,
            item.remaining,
            *map(_iso, times),
            *(number for pair in counts for number in pair),
        ]


def csv_columns(found: StudyProgress) -> list[str]:
    return [*CSV_COLUMNS, *(f"{name} {what}" for name in found.pathologies for what in ("done", "total"))]


def _iso(at: datetime | None) -> str:
    return at.isoformat(timespec="seconds") if at else ""
