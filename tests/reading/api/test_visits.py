"""Visits: their measures and comments, in whatever order they arrive."""

import uuid

import pytest

from readerstudy.reading.models import Response, Visit
from tests.builders import make_response
from tests.reading.api.calls import BASE, answer, close, open_visit, put

pytestmark = pytest.mark.django_db


def test_a_visit_id_used_for_another_example_or_read_is_a_conflict(client):
    visit = open_visit(client)
    token = client.get(BASE + "assignments/2/").json()["visit_token"]
    post = lambda body: client.post(BASE + "visits/", body, content_type="application/json")
    assert post({"id": visit, "position": 2, "visit_token": token}).json()["code"] == "visit_conflict"
    fresh = {"id": str(uuid.uuid4()), "position": 2, "visit_token": token}
    assert post(fresh | {"read": 2}).json()["code"] == "stale_visit"
    assert Visit.objects.count() == 1
    assert post(fresh | {"read": 1}).status_code == 201


def test_visits_are_idempotent_and_measures_never_shrink(client, me):
    visit = open_visit(client)
    put(client, f"visits/{visit}/", {"visible_ms": 900, "actions": {"zoom": 2}, "comment": "unsure"})
    put(client, f"visits/{visit}/", {"visible_ms": 400})
    stored = Visit.objects.get(id=visit)
    assert (stored.visible_ms, stored.actions, stored.comment) == (900, {"zoom": 2}, "unsure")
    token = client.get(BASE + "assignments/1/").json()["visit_token"]
    again = {"id": visit, "position": 1, "visit_token": token}
    assert client.post(BASE + "visits/", again, content_type="application/json").status_code == 200
    assert Visit.objects.count() == 1
    assert client.get(BASE + "assignments/1/").json()["comment"] == "unsure"


def test_an_answer_carries_its_own_times_beside_the_servers(client):
    visit = open_visit(client)
    put(client, f"visits/{visit}/", {"images_ready_ms": 400})
    at = "2026-03-02T07:00:00Z"
    for question, elapsed in (("confidence", 2100), ("feature", 3900)):
        times = {"client_answered_at": at, "elapsed_ms": elapsed, "visible_ms": elapsed - 100}
        body = {"visit": visit, "question": question, "score": 4, **times}
        assert put(client, f"responses/{uuid.uuid4()}/", body).status_code == 201
    assert answer(client, visit, score=5).status_code == 201
    found = Response.objects.order_by("id").values_list("elapsed_ms", "visible_ms", "answered_at__year")
    assert list(found) == [(2100, 2000, 2026), (3900, 3800, 2026), (None, None, None)]


def comment_shown(client):
    return client.get(BASE + "assignments/1/").json()["comment"]


def test_a_visit_that_leaves_the_comment_alone_keeps_it(client):
    first, second = open_visit(client), open_visit(client)
    put(client, f"visits/{first}/", {"comment": "unsure"})
    for silent in ({"visible_ms": 5}, {"visible_ms": 6, "comment": None}):
        assert put(client, f"visits/{second}/", silent).status_code == 200
        assert put(client, f"visits/{first}/", silent).status_code == 200
    assert comment_shown(client) == "unsure"
    assert Visit.objects.get(id=second).comment is None


def test_clearing_the_comment_is_kept_as_a_revision(client):
    first, second, third = open_visit(client), open_visit(client), open_visit(client)
    put(client, f"visits/{first}/", {"comment": "unsure"})
    put(client, f"visits/{second}/", {"comment": ""})
    put(client, f"visits/{third}/", {"visible_ms": 5})
    put(client, f"visits/{first}/", {"visible_ms": 7})  # late: it does not bring its comment back
    assert comment_shown(client) == ""
    assert [Visit.objects.get(id=visit).comment for visit in (first, second, third)] == ["unsure", "", None]


def test_a_page_being_closed_says_in_one_request_what_it_opened_and_how_long(client, me):
    token = client.get(BASE + "assignments/1/").json()["visit_token"]
    opening = {"id": str(uuid.uuid4()), "position": 1, "read": 1, "visit_token": token}
    say = lambda **measures: client.post(BASE + "visits/", opening | measures, content_type="application/json")
    assert say(visible_ms=7000, idle_ms=0, actions={"zoom": 1}).status_code == 201
    assert say(visible_ms=90_000, idle_ms=20_000, actions={"zoom": 3}).status_code == 200
    assert say(visible_ms=8000, actions={"zoom": 2}).status_code == 200  # late: nothing grows smaller
    stored = Visit.objects.get()
    assert (stored.visible_ms, stored.idle_ms, stored.actions) == (90_000, 20_000, {"zoom": 3})
    close(me.study)
    assert say(visible_ms=95_000).json()["code"] == "study_closed"
    assert say().status_code == 200


def test_the_pace_is_the_median_time_looking_over_all_visits(client, me):
    read = me.reads.get(number=1)
    for number, assignment in enumerate(read.assignments.all(), start=1):
        Visit.objects.create(assignment=assignment, visible_ms=None)
        Visit.objects.create(assignment=assignment, visible_ms=1000 * number)
        Visit.objects.create(assignment=assignment, visible_ms=90_000, idle_ms=80_000)
        make_response(assignment, me.study.questions.first(), 3)
    assert client.get(BASE + "state/").json()["read"]["seconds_per_example"] is None  # of four examples
    second = me.reads.get(number=2).assignments.get(position=1)
    Visit.objects.create(assignment=second, visible_ms=60_000)
    assert client.get(BASE + "state/").json()["read"]["seconds_per_example"] is None  # a glance without an answer
    make_response(second, me.study.questions.first(), 3)
    assert client.get(BASE + "state/").json()["read"]["seconds_per_example"] == 13.0  # of 11, 12, 13, 14 and 60


def test_a_late_report_takes_no_viewer_action_back(client):
    visit = open_visit(client)
    put(client, f"visits/{visit}/", {"actions": {"zoom": 3, "pan": 1}})
    put(client, f"visits/{visit}/", {"actions": {"zoom": 2, "invert": 1}})
    assert Visit.objects.get(id=visit).actions == {"zoom": 3, "pan": 1, "invert": 1}


def test_a_page_left_open_for_weeks_still_gives_its_comment(client, me):
    visit = open_visit(client)
    month = 31 * 24 * 3600 * 1000
    assert put(client, f"visits/{visit}/", {"visible_ms": month, "comment": "unsure"}).status_code == 200
    assert Visit.objects.get(id=visit).comment == "unsure"
