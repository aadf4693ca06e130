"""docs/reading-api.md is the contract: each answer holds the fields that its row names, and no others; every refusal
is listed; and a program made of the page's own example reads a study from start to finish."""

import ast
import re
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from readerstudy.accounts.models import User
from readerstudy.reading.api import requests as bodies
from readerstudy.reading.api.fields import OLDER_NAMES
from readerstudy.reading.api.session import page_of
from readerstudy.reading.models import Read, Response, Visit
from readerstudy.reading.refusals import CODES
from tests.browser.trial import PASSWORD, Trial
from tests.reading.api.calls import BASE, answer_all, open_visit, put

ROOT = Path(__file__).parents[3]
DOCS = (ROOT / "docs" / "reading-api.md").read_text(encoding="utf-8")
BY_NAME = ("answers", "sha256s")  # their fields are named by the study or the panel


def documented(request):
    """The words in code of the answer in the table's row of a request, and of the list of panel fields."""
    (row,) = re.findall(
        rf"^\| `{re.escape(request)}` \| (.+) \|$", DOCS.split("## Reading\n")[1].split("\n## ")[0], re.MULTILINE
    )
    answered = row.split("->")[-1]
    panels = re.search(r"^\* A panel: (.+?)^\* ", DOCS, re.MULTILINE | re.DOTALL)[1] if "panels" in answered else ""
    return set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]+)`", answered + panels))))


def fields(body):
    if isinstance(body, list):
        return set().union(*map(fields, body))
    if not isinstance(body, dict):
        return set()
    return set(body).union(*(fields(value) for name, value in body.items() if name not in BY_NAME))


def rows(heading: str) -> list[list[str]]:
    """The cells of the tables below a heading, without their header rows."""
    text = DOCS.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line.strip("| \n").split(" | ") for line in text.splitlines() if line.startswith("| `")]
    return [[cell.strip(" |") for cell in line] for line in lines]


@pytest.mark.django_db
def test_every_field_of_an_answer_is_documented(client, me):
    visit = open_visit(client)
    response = {"visit": visit, "question": "confidence", "score": 4}
    answers = {
        "POST start/": client.post(BASE + "start/", content_type="application/json"),
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


def test_every_field_that_is_taken_is_documented():
    prose = re.sub(r"^```.+?^```", "", DOCS, flags=re.MULTILINE | re.DOTALL)
    known = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]+)`", prose)) + prose.split("`display`: ")[1]))
    for body in (bodies.NewVisit, bodies.VisitMeasures, bodies.NewAnswer, bodies.FinishedRead, bodies.WantedPreferences,
                 bodies.FileShown, bodies.Display, bodies.Password):  # fmt: skip
        left = set(body().fields) - known
        assert not left, body.__name__


def test_the_actions_that_are_counted_are_listed_as_the_code_has_them():
    (listed,) = re.findall(r"^\* `actions` counts ([\w, ]+)\.", DOCS, re.MULTILINE)
    assert tuple(listed.split(", ")) == bodies.ACTIONS


def test_refusals_are_listed_as_the_code_has_them():
    listed = {code.strip("`"): (when, page) for code, when, *page in rows("Refusals")}
    assert {code: listed[code][0] for code in CODES} == CODES
    stops = re.search(r"const STOPS = \[(.+?)\]", (ROOT / "static/reading/api.js").read_text(encoding="utf-8"))[1]
    assert {code for code in CODES if listed[code][1] == ["ends"]} == set(re.findall(r"\w+", stops))


def test_every_refusal_of_the_list_is_raised_somewhere():
    raised = set()
    for path in (ROOT / "readerstudy" / "reading").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "ReadRefused":
                raised.add(node.args[0].value)
    assert raised == set(CODES)


@pytest.mark.django_db
def test_the_other_codes_are_answered_with_their_statuses(client, me, monkeypatch):
    json = {"content_type": "application/json"}
    unknown = page_of(me.membership.user)
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(me.membership.user)
    answers = [
        Client().get(BASE + "state/"),
        careful.put(BASE + "preferences/", "{}", **json),
        client.get(BASE + "assignments/99/"),
        client.get(BASE + "nowhere/"),
        client.get(BASE + "visits/"),
        client.post(BASE + "visits/", "{", **json),
        client.post(BASE + "visits/", {"position": 1}),
        client.post(BASE + "visits/", {}, **json),
        client.post(BASE + "visits/", {"truth": 1}, **json),
        Client().post("/api/session/", {"password": "x", "page": unknown}, **json),
    ]
    monkeypatch.setattr("readerstudy.reading.progress.reads_of", None)
    client.raise_request_exception = False
    answers.append(client.get(BASE + "state/"))
    monkeypatch.undo()
    me.withdrawn_at = "2026-01-01T00:00Z"
    me.save()
    answers.append(client.get(BASE + "state/"))
    User.objects.update(is_active=False)
    answers.append(Client().post("/api/session/", {"password": "x", "page": unknown}, **json))
    others = {code.strip("`"): rest for code, *rest in rows("Refusals") if code.strip("`") not in CODES}
    listed = {code: status.split(", ") for code, (status, _) in others.items()}
    seen = {answer.json()["code"]: str(answer.status_code) for answer in answers}
    assert set(listed) - set(seen) == {"disk_full"}, "tests/test_full_disk.py has that"
    assert all(status in listed[code] for code, status in seen.items())


def test_older_names_are_listed_as_the_code_has_them():
    bodies_of = {
        "`POST visits/`": "NewVisit", "`PUT visits/<id>/`": "VisitMeasures", "`PUT responses/<id>/`": "NewAnswer",
        "`files`": "FileShown",
    }  # fmt: skip
    listed: dict[str, dict[str, str | None]] = {}
    for where, old, new in rows("Older names"):
        listed.setdefault(bodies_of[where], {})[old.strip("`")] = new.strip("`") if new.startswith("`") else None
    assert listed == OLDER_NAMES


@pytest.mark.django_db(transaction=True)
def test_the_program_of_the_page_reads_from_start_to_finish(live_server):
    (code,) = re.findall(r"^```python\n(.*?)^```", DOCS, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(code, "docs/reading-api.md", "exec"), names)
    trial = Trial(total=2, bits=8, size=(64, 64), practice=1)
    trial.change(washout_days=14)
    trial.reader.reads.filter(number=0).update(opened_at=None)  # nothing has been started
    program = names["Reader"](live_server.url, trial.study.slug, trial.reader.membership.user.username, PASSWORD)
    judged = []

    def judge(example: dict[str, Any], question: dict[str, Any]) -> int:
        judged.append((example["practice"], example["position"], question["key"]))
        return int(question["maximum"])

    assert "next read is ready" in program.read(judge)["detail"]
    program.read(judge)
    keys = ["confidence", "feature"]
    assert judged == [(True, 1, key) for key in keys] + [(False, n, key) for n in (1, 2) for key in keys]
    assert [read.finished_at is not None for read in Read.objects.order_by("number")] == [True, True, False]
    assert Visit.objects.filter(visible_ms__isnull=False, client_opened_at__isnull=False).count() == 3
    stored = Response.objects.filter(elapsed_ms__isnull=False, answered_at__isnull=False, source="browser")
    assert list(stored.values_list("score", flat=True)) == [5] * 6
    with pytest.raises(RuntimeError, match=r"washout: This read opens on"):
        program.read(judge)
