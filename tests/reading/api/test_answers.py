"""The reading API: answers are idempotent and append-only, and nothing is sent that is not on the list."""

import uuid

import pytest
from django.test import Client

from readerstudy.reading.models import Response, Visit
from tests.reading.api.calls import BASE, answer, open_visit, put

pytestmark = pytest.mark.django_db


def test_the_state_says_where_to_go_on(client, me):
    visit = open_visit(client, 1)
    answer(client, visit, "confidence")
    answer(client, visit, "feature")
    body = client.get(BASE + "state/").json()
    assert body["reader"] == "R1"
    assert body["read"]["done"] == 1
    assert body["read"]["resume_position"] == 2
    assert [question["key"] for question in body["questions"]] == ["confidence", "feature"]


def test_an_assignment_is_an_allow_list_and_takes_few_queries(client, django_assert_max_num_queries):
    with django_assert_max_num_queries(10):
        body = client.get(BASE + "assignments/2/").json()
    assert set(body) == {
        "position", "total", "practice", "example", "method", "case", "panels", "answers", "comment", "visit_token",
        "not_asked",
    }  # fmt: skip
    assert set(body["example"]) == {
        *("pathology", "probability_percent", "probability_band", "sex", "age", "view", "origin")
    }
    assert [panel["type"] for panel in body["panels"]] == ["input", "map"]


def test_the_same_answer_twice_is_stored_once(client):
    visit, answer_id = open_visit(client), uuid.uuid4()
    first = answer(client, visit, answer_id=answer_id)
    again = answer(client, visit, answer_id=answer_id)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert Response.objects.count() == 1


@pytest.mark.parametrize("change", [{"score": 1}, {"question": "feature"}, {"position": 2}], ids=str)
def test_an_id_used_for_something_else_is_a_conflict_and_changes_nothing(client, change):
    """Of another score, question or example: the first stays, the second is not called stored."""
    visits, answer_id = {1: open_visit(client), 2: open_visit(client, 2)}, uuid.uuid4()
    assert answer(client, visits[1], answer_id=answer_id).status_code == 201
    before = list(Response.objects.values())
    asked = {"question": "confidence", "score": 4, **change}
    refused = answer(client, visits[asked.pop("position", 1)], answer_id=answer_id, **asked)
    assert (refused.status_code, refused.json()["code"]) == (409, "id_conflict")
    assert list(Response.objects.values()) == before
    assert answer(client, visits[1], answer_id=answer_id).status_code == 200


def test_an_answer_must_be_of_the_example_and_read_of_its_visit(client):
    visit = open_visit(client)
    body = {"visit": visit, "question": "confidence", "score": 4}
    for other in ({"position": 2}, {"read": 2}):
        refused = put(client, f"responses/{uuid.uuid4()}/", body | other)
        assert (refused.status_code, refused.json()["code"]) == (409, "visit_conflict")
    assert not Response.objects.exists()
    assert put(client, f"responses/{uuid.uuid4()}/", body | {"position": 1, "read": 1}).status_code == 201


def test_a_changed_score_is_a_revision_and_the_same_score_is_not(client):
    visit = open_visit(client)
    revisions = [answer(client, visit, score=score).json()["revision"] for score in (4, 4, 2, 4)]
    assert revisions == [1, 1, 2, 3]
    assert client.get(BASE + "assignments/1/").json()["answers"] == {"confidence": 4}


@pytest.mark.parametrize("score", [0, 6, -1])
def test_a_score_out_of_range_is_refused_with_a_sentence(client, score):
    refused = answer(client, open_visit(client), score=score)
    assert refused.status_code == 409
    assert refused.json()["detail"] == "The score must be from 1 to 5."
    assert not Response.objects.exists()


def test_a_body_that_does_not_fit_is_named(client):
    refused = put(client, f"responses/{uuid.uuid4()}/", {"visit": "x", "question": "confidence"})
    assert refused.status_code == 400
    assert "score: This field is required." in refused.json()["detail"]


JUNK = [
    *([], "text", 7, None, {"id": []}, {"actions": {"a\0b": 1}}, {"actions": {"zoom": 10**400}}),
    *({"display": {"note": "half \ud800"}}, {"display": {"a": "\0"}}, {"display": []}, {"files": [1]}),
    *({"comment": "\0"}, {"comment": "\ud800"}, {"visible_ms": -1}, {"visible_ms": 1e300}, {"files": [{}] * 99}),
    *({"actions": {str(n): 1 for n in range(201)}}, {"score": 10**30}, {"score": "9" * 5000}, {"question": {}}),
]


@pytest.mark.parametrize("junk", JUNK, ids=range(len(JUNK)))
def test_junk_is_refused_with_a_sentence_and_stores_nothing(client, junk):
    visit = open_visit(client)
    before = Visit.objects.values().get(id=visit)
    token = client.get(BASE + "assignments/1/").json()["visit_token"]
    whole = {"id": str(uuid.uuid4()), "position": 1, "visit_token": token, "visit": visit, "question": "confidence"}
    body = {"score": 3, **whole, **junk} if isinstance(junk, dict) else junk
    answers = {
        "visits/": client.post(BASE + "visits/", body, content_type="application/json"),
        "visit": put(client, f"visits/{visit}/", body),
        "response": put(client, f"responses/{uuid.uuid4()}/", body),
        "preferences": put(client, "preferences/", body),
    }
    for path, answered in answers.items():
        assert answered.status_code < 500, path
    assert any(answered.status_code in (400, 409) and answered.json()["detail"] for answered in answers.values())
    if answers["visit"].status_code == 400:
        assert Visit.objects.values().get(id=visit) == before


def test_a_body_nested_too_deeply_is_refused(client):
    for asking, path in ((client, BASE + "visits/"), (Client(), "/api/session/")):
        answered = asking.post(path, "[" * 100_000, content_type="application/json")
        assert answered.status_code == 400
