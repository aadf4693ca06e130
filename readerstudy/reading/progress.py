"""Where a reader stands, from stored answers only: what is done, what is next, when the next read opens."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from django.db.models import Count, Exists, OuterRef
from django.utils import timezone

from readerstudy.reading.models import Assignment, Read, Reader, Response, Visit
from readerstudy.reading.viewing_time import LOOKING_MS
from readerstudy.studies.asking import asked_counts, fully_answered

PAUSE = timedelta(minutes=10)  # nothing heard of a reader for longer: not reading now
FEWEST_EXAMPLES = 5  # before that, a median says little about a reader's pace


@dataclass(frozen=True)
class ReadProgress:
    """One read: `state` is locked (an earlier read is unfinished), waiting (washout), ready, open or finished."""

    read: Read
    total: int
    done: int
    state: str
    opens_at: datetime | None

    @property
    def remaining(self) -> int:
        return self.total - self.done

    @property
    def percent(self) -> int:
        return round(100 * self.done / self.total) if self.total else 100


def reads_of(reader: Reader) -> list[ReadProgress]:
    """The reader's reads, practice first, each with its state. Four queries."""
    asked = asked_counts(reader.study)
    reads = list(reader.reads.annotate(total=Count("assignments")).order_by("number"))
    done = _done_by_read(reader, asked)
    result: list[ReadProgress] = []
    for read in reads:
        before = result[-1] if result else None
        result.append(read_progress(read, before, reader, read.total, done[read.pk]))
    return result


def read_progress(read: Read, before: ReadProgress | None, reader: Reader, total: int, done: int) -> ReadProgress:
    """One read's state, given that of the reader's read before it."""
    opens_at = _opens_at(read, before, reader)
    return ReadProgress(read, total, done, _state(read, before, opens_at), opens_at)


def _done_by_read(reader: Reader, asked: dict[int, int]) -> Counter[int]:
    done = fully_answered(Assignment.objects.filter(read__reader=reader), asked)
    return Counter(done.values_list("read_id", flat=True))


def _opens_at(read: Read, before: ReadProgress | None, reader: Reader) -> datetime | None:
    """Washout runs from one scored read's finish to the next one's opening."""
    if before is None or before.read.finished_at is None or before.read.number == Read.PRACTICE:
        return None
    return before.read.finished_at + reader.study.washout


def _state(read: Read, before: ReadProgress | None, opens_at: datetime | None) -> str:
    if read.finished_at:
        return "finished"
    if before is not None and before.state != "finished":
        return "locked"
    if opens_at and opens_at > timezone.now():
        return "waiting"
    return "open" if read.opened_at else "ready"


def current(progress: list[ReadProgress]) -> ReadProgress | None:
    """The read to go on with: the first one that is not finished; None when all are."""
    return next((item for item in progress if item.state != "finished"), None)


def first_unanswered(read: Read, asked: dict[int, int]) -> int | None:
    """Position to resume at; None when every example is answered."""
    done = fully_answered(read.assignments.all(), asked).values("pk")
    return read.assignments.exclude(pk__in=done).order_by("position").values_list("position", flat=True).first()


def by_pathology(read: Read, asked: dict[int, int]) -> list[dict[str, str | int]]:
    """Rows of pathology, total and done, in alphabetical order."""
    name = "example__prediction__pathology"
    total = Counter(read.assignments.values_list(name, flat=True))
    done = Counter(fully_answered(read.assignments.all(), asked).values_list(name, flat=True))
    return [{"pathology": key, "total": total[key], "done": done[key]} for key in sorted(total)]


def seconds_per_example(reader: Reader) -> float | None:
    """Median time looking at an example, in seconds, over those with an answer; None before five are known.

    Looking is visible less idle time, summed over all visits of the example. The page estimates by the same rule.
    """
    answers = Response.objects.filter(assignment=OuterRef("assignment"))
    timed = Visit.objects.filter(Exists(answers), assignment__read__reader=reader, visible_ms__isnull=False)
    looked = timed.order_by().values("assignment").annotate(looking=LOOKING_MS).values_list("looking", flat=True)
    return median(looked) / 1000 if len(looked) >= FEWEST_EXAMPLES else None
