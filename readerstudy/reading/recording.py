"""Storing what the reading room sends: visits and answers. Every write is idempotent by the id the browser made."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from readerstudy.common.counting import counted
from readerstudy.common.wording import when
from readerstudy.reading import progress
from readerstudy.reading.models import Assignment, Exclusion, Read, Reader, Response, Visit
from readerstudy.reading.refusals import ReadRefused
from readerstudy.studies.asking import asked_counts, fully_answered, is_asked
from readerstudy.studies.models import Question, Study


@dataclass(frozen=True)
class Answer:
    """One score on its way in. `id` and `client_` times are the browser's; durations are from the visit's opening.

    `position` and `read`, where the browser says them, must be those of the visit.
    """

    id: uuid.UUID
    visit: uuid.UUID
    question: str
    score: int
    client_answered_at: datetime | None = None
    answered_ms: int | None = None
    visible_ms: int | None = None
    position: int | None = None
    read: int | None = None


def record_visit(assignment: Assignment, visit_id: uuid.UUID, measures: dict[str, Any]) -> tuple[Visit, bool]:
    """Insert the visit unless it is there; returns it and whether it is new. ReadRefused once the study is closed."""
    _refuse_unless_open(assignment.read.reader.study)
    try:
        with transaction.atomic():
            visit, created = Visit.objects.get_or_create(
                id=visit_id,
                defaults={"assignment": assignment, **{k: v for k, v in measures.items() if v is not None}},
            )
    except IntegrityError:
        visit, created = Visit.objects.get(id=visit_id), False
    if visit.assignment_id != assignment.pk:
        raise ReadRefused("visit_conflict", "This visit belongs to another example: reload the page.")
    return visit, created


def _refuse_unless_open(study: Study) -> None:
    if study.state != Study.State.OPEN:
        raise ReadRefused("study_closed", "The study has been closed; nothing more is stored.")


@transaction.atomic
def update_visit(reader: Reader, visit_id: uuid.UUID, measures: dict[str, Any]) -> Visit:
    """Take later measures of a visit, by the names of its columns. Null says nothing of what was measured before.

    A late, out-of-order report never makes a duration or count smaller. Raises ReadRefused when the visit is not the
    reader's or the study is closed.
    """
    _refuse_unless_open(reader.study)
    visit = Visit.objects.select_for_update().filter(id=visit_id, assignment__read__reader=reader).first()
    if visit is None:
        raise ReadRefused("unknown_visit", "The server has not seen this visit: send it first.")
    changed = []
    for name, value in measures.items():
        before = getattr(visit, name)
        if name == "actions" and value is not None:
            value = {**before, **{action: max(count, before.get(action, 0)) for action, count in value.items()}}
        if value is None or value == before:
            continue
        if isinstance(value, int) and isinstance(before, int) and value < before:
            continue
        setattr(visit, name, value)
        changed.append(name)
    visit.last_received_at = timezone.now()
    visit.save(update_fields=[*changed, "last_received_at"])
    return visit


@transaction.atomic
def record_response(reader: Reader, answer: Answer) -> tuple[Response, bool]:
    """Append an answer; returns the stored row and whether it is new.

    The same id again returns the first row, and is refused (`id_conflict`) with another score, question or example.
    The same score again is no revision. Raises ReadRefused when the visit is not the reader's or is of another example,
    the read is finished, changes are not allowed, or the score is out of range.
    """
    known = _known(reader, answer)
    if known is not None:
        return known, False
    try:
        with transaction.atomic():
            return _append(reader, answer)
    except IntegrityError:
        known = _known(reader, answer)  # of another example, stored at the same moment
        if known is None:
            raise
        return known, False


def _known(reader: Reader, answer: Answer) -> Response | None:
    """The stored answer of this id, which must be this answer; None when there is none."""
    rows = Response.objects.select_related("question", "visit", "assignment__read")
    known = rows.filter(client_id=answer.id).first()
    if known is None:
        return None
    same = (known.assignment.read.reader_id, known.visit_id, known.question.key, known.score)
    if same != (reader.pk, answer.visit, answer.question, answer.score):
        raise ReadRefused("id_conflict", "Another answer is stored with this id already, so this one is not.")
    return known


def _append(reader: Reader, answer: Answer) -> tuple[Response, bool]:
    visit = Visit.objects.filter(id=answer.visit, assignment__read__reader=reader).first()
    if visit is None:
        raise ReadRefused("unknown_visit", "The server has not seen the visit of this answer: send the visit first.")
    # The read's row too: finishing it waits for this answer, or this answer finds it finished.
    locked = Assignment.objects.select_for_update(of=("self", "read")).select_related("read")
    assignment = locked.get(pk=visit.assignment_id)
    known = _known(reader, answer)  # stored while this one waited for the lock
    if known is not None:
        return known, False
    question = _question(reader.study, assignment, answer)
    last = assignment.responses.filter(question=question).order_by("-revision").first()
    if last and last.score == answer.score:
        return last, False
    if last and not reader.study.allow_changes:
        raise ReadRefused("changes_not_allowed", "In this study an answer cannot be changed once it is saved.")
    response = Response.objects.create(
        client_id=answer.id,
        assignment=assignment,
        question=question,
        visit=visit,
        revision=last.revision + 1 if last else 1,
        score=answer.score,
        minimum=question.minimum,
        maximum=question.maximum,
        source=Response.Source.SIMULATED if reader.study.simulated else Response.Source.BROWSER,
        answered_at=answer.client_answered_at,
        elapsed_ms=answer.answered_ms,
        visible_ms=answer.visible_ms,
    )
    return response, True


def _question(study: Study, assignment: Assignment, answer: Answer) -> Question:
    """The question answered; ReadRefused where the answer does not fit the study, the read or its example."""
    _refuse_unless_open(study)
    if assignment.read.finished_at:
        raise ReadRefused("read_finished", "This read is finished; its answers can no longer be changed.")
    if answer.position not in (None, assignment.position) or answer.read not in (None, assignment.read.number):
        raise ReadRefused("visit_conflict", "This answer names another example or read than its visit.")
    question = Question.objects.filter(study=study, key=answer.question).first()
    if question is None:
        raise ReadRefused("unknown_question", f"This study has no question “{answer.question}”.")
    if not is_asked(question, assignment.method):
        raise ReadRefused("not_asked", "This question asks about an explanation, and this method shows none.")
    if not question.minimum <= answer.score <= question.maximum:
        raise ReadRefused("out_of_range", f"The score must be from {question.minimum} to {question.maximum}.")
    return question


@transaction.atomic
def start_read(reader: Reader, read: Read) -> None:
    """Open a read. Raises ReadRefused when it is locked or in washout, or the study is not open."""
    state = next(item for item in progress.reads_of(reader) if item.read.pk == read.pk)
    if reader.study.state != Study.State.OPEN:
        raise ReadRefused("study_closed", "The study is not open for reading.")
    if state.state == "locked":
        raise ReadRefused("locked", "Finish the read before this one first.")
    if state.state == "waiting" and state.opens_at:
        raise ReadRefused("washout", f"This read opens on {when(state.opens_at)}.")
    Read.objects.filter(pk=read.pk, opened_at=None).update(opened_at=timezone.now())


@transaction.atomic
def finish_read(reader: Reader, read: Read) -> Read:
    """Finish a read in which every question of every example is answered; a repeat changes nothing.

    An example that has been excluded (its image is damaged, say) does not hold a reader up.
    """
    read = Read.objects.select_for_update().get(pk=read.pk)
    if read.finished_at:
        return read
    _refuse_unless_open(reader.study)
    done = fully_answered(read.assignments.all(), asked_counts(reader.study)).values("pk")
    excluded = Exclusion.objects.filter(study=reader.study, lifted_at=None).exclude(example=None).values("example")
    left = read.assignments.exclude(pk__in=done).exclude(example__in=excluded)
    missing = list(left.order_by("position").values_list("position", flat=True))
    if missing:
        shown = ", ".join(map(str, missing[:10])) + (" …" if len(missing) > 10 else "")
        raise ReadRefused(
            "incomplete",
            f"{counted(len(missing), 'example is', 'examples are')} not answered yet: "
            f"{'position' if len(missing) == 1 else 'positions'} {shown}. If an image does not load, tell the "
            "person who runs the study: they can exclude the example.",
        )
    read.finished_at = timezone.now()
    read.save(update_fields=["finished_at"])
    return read


def comments(visits: QuerySet[Visit]) -> QuerySet[Visit, str | None]:
    """What the reader wrote in each visit that touched the comment, the current one first; "" where it was cleared."""
    return visits.exclude(comment=None).order_by("-opened_at", "-last_received_at").values_list("comment", flat=True)


def last_comment(assignment: Assignment) -> str:
    """The reader's comment on an assignment as it stands, over all its visits."""
    return comments(assignment.visits.all()).first() or ""
