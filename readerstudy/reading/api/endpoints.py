"""The reading room's JSON API (docs/reading-api.md). `me = asking(request, slug)` is the first line of every view.

Paths under /practice/ are the same for the practice read; the others mean the reader's open scored read. Views let
refusals pass: common/api_errors.py makes the answer of them.
"""

import uuid
from collections.abc import Callable
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view, permission_classes
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response as ApiResponse

from readerstudy.common.api_errors import problems
from readerstudy.common.idle import IDLE_AFTER_S
from readerstudy.common.refusals import NotFound
from readerstudy.common.wording import when
from readerstudy.reading import keys, presentation, progress, recording, starting
from readerstudy.reading.access import reader
from readerstudy.reading.api import answers as shapes
from readerstudy.reading.api import requests as bodies
from readerstudy.reading.feedback import practice_feedback
from readerstudy.reading.models import Assignment, Read, Reader, Response, Visit
from readerstudy.reading.recording import Answer
from readerstudy.reading.refusals import ReadRefused
from readerstudy.studies.asking import asked_counts

FILE_URL_NAME = "reading_file"
Shape = type[serializers.BaseSerializer[Any]]
PAGE_OF = OpenApiParameter(
    "X-Reader", str, OpenApiParameter.HEADER, description="Whose page asks (R1); another reader's session is refused."
)


def endpoint(
    method: str, answer: Shape, body: Shape | None = None, created: bool = False
) -> Callable[[Callable[..., ApiResponse]], Callable[..., Any]]:
    """A view of one method, described by what it takes and answers. created: 201 the first time, 200 for a repeat."""
    answers: dict[Any, Any] = {200: answer} | ({201: answer} if created else {}) | problems(401, 403, 404, 409)
    answers |= {} if method == "GET" else problems(400)

    def decorate(view: Callable[..., ApiResponse]) -> Callable[..., Any]:
        view = permission_classes([AllowAny])(view)  # `asking` is the permission
        return extend_schema(parameters=[PAGE_OF], request=body, responses=answers)(api_view([method])(view))

    return decorate


def asking(request: Request, slug: str) -> Reader:
    """The reader, by the one access helper; refused when the page was opened by someone else on this workstation."""
    wrong = ReadRefused("wrong_reader", "Someone else has logged in on this computer: reload the page.")
    page_of = request.headers.get(PAGE_OF.name)
    try:
        me = reader(request, slug)
    except NotFound:
        # Somebody with no part in the study. A plain 404 would make the page give up its unsent answers.
        if page_of:
            raise wrong from None
        raise
    if page_of not in (None, me.code):
        raise wrong
    return me


def open_read(me: Reader, practice: bool) -> Read:
    """The practice read, or the scored read opened last: reads open one after the other."""
    reads = me.reads.filter(opened_at__isnull=False)
    reads = reads.filter(number=Read.PRACTICE) if practice else reads.exclude(number=Read.PRACTICE)
    latest = reads.order_by("-number").first()
    if latest is None:
        raise NotFound("No read is open. Go to your reading list to start one.")
    return latest


def assignment_at(me: Reader, practice: bool, position: int) -> Assignment:
    read = open_read(me, practice)
    assignment = (
        Assignment.objects.filter(read=read, position=position)
        .select_related("read__reader__study", "method", "example__prediction__case")
        .prefetch_related("example__explanations__files")
        .first()
    )
    if assignment is None:
        raise NotFound(f"There is no example at position {position} of this read.")
    return assignment


@endpoint("POST", shapes.Started)
def start(request: Request, slug: str) -> ApiResponse:
    """Open the read that is next (practice first), or go on with it. Reading needs this once for each read."""
    me = asking(request, slug)
    _valid(bodies.Nothing(data=request.data))
    read = starting.start_next(me)
    return ApiResponse({"read": read.number, "practice": read.number == Read.PRACTICE})


@endpoint("GET", shapes.State)
def state(request: Request, slug: str, practice: bool = False) -> ApiResponse:
    """Study, questions and where the reader stands."""
    me = asking(request, slug)
    read = open_read(me, practice)
    questions = list(me.study.questions.all())
    standing = next(item for item in progress.reads_of(me) if item.read.pk == read.pk)
    reads = 1 if practice else me.reads.exclude(number=Read.PRACTICE).count()
    return ApiResponse(
        {
            "study": presentation.study_facts(me.study, me.single_key_shortcuts, list(me.study.methods.all())),
            "reader": me.code,
            "read": presentation.read_facts(
                standing,
                reads,
                progress.first_unanswered(read, asked_counts(me.study)),
                progress.seconds_per_example(me),
            ),
            "questions": [presentation.question_facts(question) for question in questions],
            "keys": keys.table(me.keys),
            "simulated": me.study.simulated,
            "idle_after_ms": 1000 * IDLE_AFTER_S,
        }
    )


@endpoint("GET", shapes.Assignment)
def assignment(request: Request, slug: str, position: int, practice: bool = False) -> ApiResponse:
    """One example with its panels, and what this reader has answered so far."""
    me = asking(request, slug)
    found = assignment_at(me, practice, position)
    responses = list(Response.objects.filter(assignment=found).select_related("question"))
    facts = presentation.assignment_facts(
        found, found.read.assignments.count(), responses, recording.last_comment(found), FILE_URL_NAME
    )
    return ApiResponse(facts)


@endpoint("GET", shapes.Answers)
def answers(request: Request, slug: str, practice: bool = False) -> ApiResponse:
    """This reader's answers to every example of the read, with those that have none."""
    me = asking(request, slug)
    return ApiResponse({"examples": presentation.answers_facts(open_read(me, practice), me.study)})


@endpoint("POST", shapes.VisitOpened, bodies.NewVisit, created=True)
def visits(request: Request, slug: str, practice: bool = False) -> ApiResponse:
    """One opening of an assignment. The same id again brings its measures up to date, if it has any."""
    me = asking(request, slug)
    data = _valid(bodies.NewVisit(data=request.data))
    measures = _measures(data)
    visit_id, token = data["id"], data["visit_token"]
    known = Visit.objects.filter(id=visit_id, assignment__read__reader=me).select_related("assignment").first()
    created = False
    if known is None:
        found = assignment_at(me, practice, data["position"])
        if token != presentation.visit_token(found) or data.get("read") not in (None, found.read.number):
            raise ReadRefused("stale_visit", "This page is of another read: reload it.")
        opened = {**measures, "client_opened_at": data.get("client_opened_at")}
        _, created = recording.record_visit(found, visit_id, opened)
    elif token != presentation.visit_token(known.assignment):
        raise ReadRefused("visit_conflict", "A visit of another example is stored with this id already.")
    if not created and measures.get("visible_ms") is not None:
        # A page that is being closed says in one request what it opened and how long it was looked at.
        recording.update_visit(me, visit_id, measures)
    return ApiResponse({"id": str(visit_id), "saved_at": timezone.now()}, status=201 if created else 200)


@endpoint("PUT", shapes.Saved, bodies.VisitMeasures)
def visit(request: Request, slug: str, visit_id: uuid.UUID, practice: bool = False) -> ApiResponse:
    """Later measures of a visit, and its comment."""
    me = asking(request, slug)
    found = recording.update_visit(me, visit_id, _measures(_valid(bodies.VisitMeasures(data=request.data))))
    return ApiResponse({"saved_at": found.last_received_at})


@endpoint("PUT", shapes.AnswerStored, bodies.NewAnswer, created=True)
def response(request: Request, slug: str, response_id: uuid.UUID, practice: bool = False) -> ApiResponse:
    """One answer, appended. The same id again answers the same and stores nothing."""
    me = asking(request, slug)
    answer = Answer(response_id, **_valid(bodies.NewAnswer(data=request.data)))
    stored, created = recording.record_response(me, answer)
    body = {"saved_at": stored.received_at, "revision": stored.revision, "score": stored.score}
    return ApiResponse(body, status=201 if created else 200)


@endpoint("GET", shapes.Feedback)
def feedback(request: Request, slug: str, position: int) -> ApiResponse:
    """Whether the practice prediction was right, once every question is answered."""
    me = asking(request, slug)
    return ApiResponse(practice_feedback(assignment_at(me, True, position)))


@endpoint("POST", shapes.Finished, bodies.FinishedRead)
def finish(request: Request, slug: str, practice: bool = False) -> ApiResponse:
    """End the read; refused while an answer is missing. A repeat changes nothing, also once the next read is open."""
    me = asking(request, slug)
    data = _valid(bodies.FinishedRead(data=request.data))
    latest = open_read(me, practice)
    number = data.get("read", latest.number)
    named = latest if number == latest.number else me.reads.filter(number=number, finished_at__isnull=False).first()
    if named is None:
        raise ReadRefused("stale_read", f"Read {number} is not open: reload the page.")
    read = recording.finish_read(me, named)
    return ApiResponse({"finished_at": read.finished_at, "detail": _what_next(me)})


@endpoint("PUT", shapes.Preferences, bodies.WantedPreferences)
def preferences(request: Request, slug: str, practice: bool = False) -> ApiResponse:
    """How this reader likes to work: single-key shortcuts on or off, and keys of their own."""
    me = asking(request, slug)
    wanted = _valid(bodies.WantedPreferences(data=request.data))
    for name, value in wanted.items():
        setattr(me, name, value)
    me.save(update_fields=list(wanted))
    return ApiResponse({"single_key_shortcuts": me.single_key_shortcuts, "keys": keys.table(me.keys)})


def _what_next(me: Reader) -> str:
    following = progress.current(progress.reads_of(me))
    if following is None:
        return "You have finished every read. Thank you."
    if following.opens_at and following.state == "waiting":
        return f"The next read opens on {when(following.opens_at)}."
    return "The next read is ready when you are."


def _measures(data: dict[str, Any]) -> dict[str, Any]:
    """What is stored of a body with measures, by column; titles of failed files are kept with the display facts."""
    measures = {name: data[name] for name in bodies.MEASURES if name in data}
    if data.get("failed_files"):
        measures["display"] = {**measures.get("display", {}), "failed_files": data["failed_files"]}
    return measures


def _valid(serializer: serializers.BaseSerializer[Any]) -> dict[str, Any]:
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)
