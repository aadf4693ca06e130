"""Two requests at once, on PostgreSQL: SQLite lets one writer in at a time by itself."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from threading import Barrier

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from readerstudy.reading.models import Reader, Response, Visit
from readerstudy.reading.presentation import visit_token
from readerstudy.reading.recording import Answer, finish_read, record_response, record_visit
from readerstudy.reading.refusals import ReadRefused
from tests.builders import make_reader, make_reads, make_response, make_study, make_user, open_now

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="needs a database with several writers"),
]
ROUNDS = 8


@pytest.fixture
def reader() -> Reader:
    study = make_study(examples=2)
    reader = make_reader(study, user=make_user("reader"))
    make_reads(reader)
    open_now(study)
    reader.refresh_from_db()
    return reader


@pytest.fixture
def visit(reader: Reader) -> Visit:
    return Visit.objects.create(assignment=reader.reads.get(number=1).assignments.get(position=1))


def at_once(*works: Callable[[], object]) -> list[object]:
    """Start all together, each with a connection of its own; returns results, refusals as their code."""
    barrier = Barrier(len(works))

    def run(work: Callable[[], object]) -> object:
        try:
            barrier.wait(10)
            return work()
        except ReadRefused as refused:
            return refused.code
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return [future.result(30) for future in [pool.submit(run, work) for work in works]]


def answer(reader: Reader, visit: Visit, score: int, answer_id: uuid.UUID) -> Callable[[], object]:
    return lambda: record_response(reader, Answer(answer_id, visit.pk, "confidence", score, None))


def test_one_answer_sent_twice_at_once_is_stored_once(reader: Reader, visit: Visit) -> None:
    for score in (1 + index % 5 for index in range(ROUNDS)):
        same = uuid.uuid4()
        at_once(*[answer(reader, visit, score, same)] * 3)
        assert Response.objects.filter(client_id=same, score=score).count() == 1
    assert list(Response.objects.order_by("id").values_list("revision", flat=True)) == list(range(1, ROUNDS + 1))


def test_two_answers_at_once_are_two_revisions(reader: Reader, visit: Visit) -> None:
    for _ in range(ROUNDS):
        at_once(answer(reader, visit, 1, uuid.uuid4()), answer(reader, visit, 5, uuid.uuid4()))
    stored = list(Response.objects.order_by("revision"))
    assert [row.revision for row in stored] == list(range(1, len(stored) + 1))
    assert all(before.score != after.score for before, after in pairwise(stored))


def test_where_answers_are_final_only_one_of_two_at_once_is_kept(reader: Reader, visit: Visit) -> None:
    type(reader.study).objects.update(allow_changes=False)
    reader.study.refresh_from_db()
    results = at_once(answer(reader, visit, 1, uuid.uuid4()), answer(reader, visit, 5, uuid.uuid4()))
    assert "changes_not_allowed" in results
    assert Response.objects.count() == 1


def test_no_answer_slips_in_while_the_read_is_finished(reader: Reader, visit: Visit) -> None:
    read = reader.reads.get(number=1)
    for assignment in read.assignments.all():
        for question in reader.study.questions.all():
            make_response(assignment, question, 3)
    at_once(lambda: finish_read(reader, read), *(answer(reader, visit, score, uuid.uuid4()) for score in (1, 2, 4, 5)))
    read.refresh_from_db()
    assert read.finished_at
    assert not Response.objects.filter(received_at__gt=read.finished_at).exists()


def test_a_visit_announced_twice_at_once_is_one(reader: Reader, visit: Visit) -> None:
    for _ in range(ROUNDS):
        same = uuid.uuid4()
        made = at_once(*[lambda same=same: record_visit(visit.assignment, same, {})] * 3)
        assert sorted(created for _, created in made) == [False, False, True]  # type: ignore[misc]


def test_the_times_of_a_visit_are_kept_though_its_opening_arrives_at_once(reader: Reader, visit: Visit) -> None:
    """A page that is being closed says the opening and the times in one request, while the opening is on its way."""
    assert reader.membership
    clients = [Client(), Client()]
    for client in clients:
        client.force_login(reader.membership.user)
    address, token = reverse("api_reading_visits", args=[reader.study.slug]), visit_token(visit.assignment)
    for _ in range(ROUNDS):
        opening = {"id": str(uuid.uuid4()), "position": 1, "read": 1, "visit_token": token}
        bodies = [opening, {**opening, "visible_ms": 7000, "comment": "rotated"}]
        works = [
            lambda client=client, body=body: client.post(address, body, content_type="application/json")
            for client, body in zip(clients, bodies, strict=True)
        ]
        at_once(*works)
        stored = Visit.objects.get(pk=opening["id"])
        assert (stored.visible_ms, stored.comment) == (7000, "rotated")


def test_one_id_for_two_scores_at_once_is_one_answer_and_a_conflict(reader: Reader, visit: Visit) -> None:
    for index in range(ROUNDS):
        same = uuid.uuid4()
        scores = (1, 2) if index % 2 else (3, 4)  # neither is the one that stands: that would be no revision
        results = at_once(*(answer(reader, visit, score, same) for score in scores))
        assert "id_conflict" in results
        assert Response.objects.filter(client_id=same).count() == 1


def test_one_id_for_two_examples_at_once_is_one_answer_and_a_conflict(reader: Reader, visit: Visit) -> None:
    other = Visit.objects.create(assignment=reader.reads.get(number=1).assignments.get(position=2))
    for _ in range(ROUNDS):
        standing = {row.assignment_id: row.score for row in Response.objects.order_by("revision")}
        score = min({1, 2, 3} - {*standing.values()})  # the same score again would be no revision
        same = uuid.uuid4()
        results = at_once(answer(reader, visit, score, same), answer(reader, other, score, same))
        assert "id_conflict" in results
        assert Response.objects.filter(client_id=same).count() <= 1


def test_one_visit_id_for_two_examples_at_once_is_one_visit_and_a_conflict(reader: Reader, visit: Visit) -> None:
    other = reader.reads.get(number=1).assignments.get(position=2)
    for _ in range(ROUNDS):
        same = uuid.uuid4()
        results = at_once(
            lambda same=same: record_visit(visit.assignment, same, {}), lambda same=same: record_visit(other, same, {})
        )
        assert "visit_conflict" in results
        assert Visit.objects.filter(pk=same).count() == 1
