"""What a reader's page asks of the API."""

import uuid

from django.utils import timezone

BASE = "/api/reading/trial/"


def put(client, path, body):
    return client.put(BASE + path, body, content_type="application/json")


def open_visit(client, position=1):
    token = client.get(f"{BASE}assignments/{position}/").json()["visit_token"]
    visit = str(uuid.uuid4())
    body = {"id": visit, "position": position, "visit_token": token}
    assert client.post(BASE + "visits/", body, content_type="application/json").status_code == 201
    return visit


def answer(client, visit, question="confidence", score=4, answer_id=None):
    return put(
        client, f"responses/{answer_id or uuid.uuid4()}/", {"visit": visit, "question": question, "score": score}
    )


def answer_all(client, read):
    for assignment in read.assignments.all():
        visit = open_visit(client, assignment.position)
        for question in ("confidence", "feature"):
            assert answer(client, visit, question, 3).status_code in (200, 201)


def close(study):
    study.state, study.closed_at = "closed", timezone.now()
    study.save()
