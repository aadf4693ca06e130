"""docs/reading-api.md is the contract: each answer holds the fields that its row names, and no others."""

import re
import uuid
from pathlib import Path

import pytest

from tests.reading.api.calls import BASE, answer_all, open_visit, put

pytestmark = pytest.mark.django_db
DOCS = (Path(__file__).parents[3] / "docs" / "reading-api.md").read_text(encoding="utf-8")
BY_NAME = ("answers", "sha256s")  # their fields are named by the study or the panel


def documented(request):
    """The words in code of the answer in the table's row of a request, and of the list of panel fields."""
    (row,) = re.findall(rf"^\| `{re.escape(request)}` \| (.+) \|$", DOCS, re.MULTILINE)
    answered = row.split("->")[-1]
    panels = re.search(r"^\* A panel: (.+?)^\* ", DOCS, re.MULTILINE | re.DOTALL)[1] if "panels" in answered else ""
    return set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]+)`", answered + panels))))


def fields(body):
    if isinstance(body, list):
        return set().union(*map(fields, body))
    if not isinstance(body, dict):
        return set()
    return set(body).union(*(fields(value) for name, value in body.items() if name not in BY_NAME))


def test_every_field_of_an_answer_is_documented(client, me):
    visit = open_visit(client)
    response = {"visit": visit, "question": "confidence", "score": 4}
    answers = {
        "GET state/": client.get(BASE + "state/"),
        "GET assignments/<position>/": client.get(BASE + "assignments/1/"),
        "GET answers/": client.get(BASE + "answers/"),
        "PUT visits/<id>/": put(client, f"visits/{visit}/", {"visible_ms": 1}),
        "PUT responses/<id>/": put(client, f"responses/{uuid.uuid4()}/", response),
    }
    answer_all(client, me.reads.get(number=1))
    answers["POST finish/"] = client.post(BASE + "finish/", content_type="application/json")
    assert {request: fields(got.json()) - documented(request) for request, got in answers.items()} == {
        request: set() for request in answers
    }
