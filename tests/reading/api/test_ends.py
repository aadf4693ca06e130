"""When reads open and end, and what is taken no more after that."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from readerstudy.reading.models import Exclusion, Read, Visit
from tests.reading.api.calls import BASE, answer, answer_all, close, open_visit, put

pytestmark = pytest.mark.django_db


def test_a_visit_of_another_read_is_refused(client, me):
    token = client.get(BASE + "assignments/1/").json()["visit_token"]
    answer_all(client, me.reads.get(number=1))
    client.post(BASE + "finish/", content_type="application/json")
    me.reads.filter(number=2).update(opened_at=timezone.now())
    stale = {"id": str(uuid.uuid4()), "position": 1, "visit_token": token}
    assert client.post(BASE + "visits/", stale, content_type="application/json").json()["code"] == "stale_visit"


def test_finishing_names_what_is_missing_and_then_closes_the_read(client, me):
    read = me.reads.get(number=1)
    visit = open_visit(client, 1)
    answer(client, visit)
    refused = client.post(BASE + "finish/", content_type="application/json")
    assert refused.status_code == 409
    assert "4 examples are not answered yet: positions 1, 2, 3, 4" in refused.json()["detail"]
    answer_all(client, read)
    assert client.post(BASE + "finish/", content_type="application/json").status_code == 200
    assert client.post(BASE + "finish/", content_type="application/json").status_code == 200
    assert answer(client, visit, score=1).json()["code"] == "read_finished"


def test_a_late_finish_of_one_read_never_finishes_the_next(client, me):
    finish = lambda number: client.post(BASE + "finish/", {"read": number}, content_type="application/json")
    answer_all(client, me.reads.get(number=1))
    first = finish(1).json()["finished_at"]
    me.reads.filter(number=2).update(opened_at=timezone.now())
    answer_all(client, me.reads.get(number=2))
    assert finish(1).json()["finished_at"] == first
    assert me.reads.get(number=2).finished_at is None
    assert finish(3).json()["code"] == "stale_read"
    assert finish(2).status_code == 200


def test_an_excluded_example_does_not_hold_a_reader_up(client, me):
    read = me.reads.get(number=1)
    for position in (1, 2, 3):
        visit = open_visit(client, position)
        for question in ("confidence", "feature"):
            answer(client, visit, question)
    assert client.post(BASE + "finish/", content_type="application/json").status_code == 409
    broken = read.assignments.get(position=4).example
    Exclusion.objects.create(study=me.study, example=broken, why="the image is damaged")
    assert client.post(BASE + "finish/", content_type="application/json").status_code == 200


def test_changes_can_be_forbidden(client, me):
    type(me.study).objects.filter(pk=me.study.pk).update(allow_changes=False)
    visit = open_visit(client)
    assert answer(client, visit, score=4).status_code == 201
    assert answer(client, visit, score=5).json()["code"] == "changes_not_allowed"


def test_washout_is_enforced_by_the_server(client, me):
    type(me.study).objects.filter(pk=me.study.pk).update(washout_days=7)
    answer_all(client, me.reads.get(number=1))
    client.post(BASE + "finish/", content_type="application/json")
    client.post("/reading/trial/start/")
    assert me.reads.get(number=2).opened_at is None
    page = client.get("/reading/trial/").content.decode()
    assert f"{timezone.now() + timedelta(days=7):%Y}" in page and "opens on" in page
    Read.objects.filter(reader=me, number=1).update(
        opened_at=timezone.now() - timedelta(days=9), finished_at=timezone.now() - timedelta(days=8)
    )
    client.post("/reading/trial/start/")
    assert me.reads.get(number=2).opened_at is not None


def test_the_second_read_is_locked_until_the_first_is_finished(client, me):
    client.post("/reading/trial/start/")
    assert me.reads.get(number=2).opened_at is None


def test_a_closed_study_takes_nothing_more(client, me):
    visit = open_visit(client)
    token = client.get(BASE + "assignments/2/").json()["visit_token"]
    answer_all(client, me.reads.get(number=1))
    close(me.study)
    opening = {"id": str(uuid.uuid4()), "position": 2, "visit_token": token}
    for refused in (
        client.post(BASE + "visits/", opening, content_type="application/json"),
        put(client, f"visits/{visit}/", {"comment": "on second thoughts"}),
        client.post(BASE + "finish/", content_type="application/json"),
    ):
        assert (refused.status_code, refused.json()["code"]) == (409, "study_closed")
    assert Visit.objects.get(id=visit).comment is None


def test_a_closed_study_takes_no_answer(client, me):
    visit = open_visit(client)
    close(me.study)
    assert answer(client, visit).json()["code"] == "study_closed"
