"""One contract: what the API describes is what it takes and answers, all named and typed, and nothing else."""

import uuid
from typing import Any
from unittest.mock import Mock

import jsonschema
import pytest
from django.contrib.sessions.backends.base import UpdateError
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

from readerstudy.accounts.middleware import SEEN
from readerstudy.reading.api import requests as bodies
from readerstudy.reading.api.fields import OLDER_NAMES
from readerstudy.reading.models import Read, Reader, Response, Visit
from tests.reading.api.calls import BASE, answer_all, open_visit, put

pytestmark = pytest.mark.django_db
SCHEMA = "/api/reading/{slug}/"


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return SchemaGenerator().get_schema(request=None, public=True)


def bare(part: Any, where: str) -> list[str]:
    """Objects whose fields have neither names nor types, and values without a type."""
    if isinstance(part, list):
        return [found for number, value in enumerate(part) for found in bare(value, f"{where}/{number}")]
    if not isinstance(part, dict):
        return []
    found = []
    if "object" in str(part.get("type")) and not part.get("properties") and not part.get("additionalProperties"):
        found.append(where)
    for name, field in (part.get("properties") or {}).items():
        if not set(field) & {"type", "$ref", "oneOf", "allOf", "anyOf"}:
            found.append(f"{where}.{name}")
    return found + [one for name, value in part.items() for one in bare(value, f"{where}/{name}")]


def test_every_body_has_named_and_typed_fields(schema) -> None:
    validate_schema(schema)
    assert bare(schema["components"]["schemas"], "") == []
    assert bare(schema["paths"], "") == []
    for path, methods in schema["paths"].items():
        for method, described in methods.items():
            assert all("content" in answer or status == "204" for status, answer in described["responses"].items())
            if method in ("put", "post") and not path.endswith("/start/"):
                assert list(described["requestBody"]["content"]) == ["application/json"], path


def closed(schema: Any) -> Any:
    """The same with no field beside those that are named."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: closed(part) for name, part in schema.items()}
    return found | ({"additionalProperties": False} if "properties" in found else {})


def check(schema, method: str, path: str, answered) -> None:
    """An answer has the fields of its description, of their types, and no others."""
    described = schema["paths"][path][method]["responses"][str(answered.status_code)]
    kind = answered["Content-Type"].split(";")[0]
    shape = {**closed(described["content"][kind]["schema"]), "components": closed(schema["components"])}
    jsonschema.Draft202012Validator(shape).validate(answered.json())


def test_every_answer_is_as_described(client, me, schema) -> None:
    visit, question = open_visit(client), {"question": "confidence", "score": 4}
    first = str(uuid.uuid4())
    check(schema, "post", f"{SCHEMA}start/", client.post(f"{BASE}start/", content_type="application/json"))
    for path in ("state/", "answers/"):
        check(schema, "get", SCHEMA + path, client.get(BASE + path))
    for position in range(1, 5):
        check(schema, "get", f"{SCHEMA}assignments/{{position}}/", client.get(f"{BASE}assignments/{position}/"))
    check(schema, "put", f"{SCHEMA}visits/{{visit_id}}/", put(client, f"visits/{visit}/", {"visible_ms": 5}))
    answers = [put(client, f"responses/{first}/", {"visit": visit, **question}) for _ in range(2)]
    assert [answered.status_code for answered in answers] == [201, 200]
    for answered in (*answers, put(client, f"responses/{first}/", {"visit": visit, **question, "score": 1})):
        check(schema, "put", f"{SCHEMA}responses/{{response_id}}/", answered)
    check(schema, "put", f"{SCHEMA}preferences/", put(client, "preferences/", {"single_key_shortcuts": False}))
    check(schema, "put", f"{SCHEMA}preferences/", put(client, "preferences/", {"keys": 7}))
    finish = lambda: client.post(f"{BASE}finish/", {"read": 1}, content_type="application/json")
    check(schema, "post", f"{SCHEMA}finish/", finish())
    answer_all(client, me.reads.get(number=1))
    check(schema, "post", f"{SCHEMA}finish/", finish())
    check(schema, "get", f"{SCHEMA}practice/feedback/{{position}}/", client.get(f"{BASE}practice/feedback/1/"))


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("get", "/api/nope/", 404, "no_such_address"),
        ("get", f"{BASE}nope/", 404, "no_such_address"),
        ("put", f"{BASE}visits/xyz/", 404, "no_such_address"),
        ("get", f"{BASE}assignments/one/", 404, "no_such_address"),
        ("delete", f"{BASE}state/", 405, "method_not_allowed"),
        ("post", "/api/studies/one/reads/", 405, "method_not_allowed"),
        ("get", f"{BASE}answers/", 500, "server_error"),
    ],
)
def test_what_no_view_answers_is_a_problem_too(client, monkeypatch, schema, method, path, status, code) -> None:
    monkeypatch.setattr("readerstudy.reading.presentation.answers_facts", None)  # so that the answers fail
    client.raise_request_exception = False
    answered = getattr(client, method)(path)
    assert (answered.status_code, answered["Content-Type"]) == (status, "application/problem+json")
    shape = closed(schema["components"]["schemas"]["Problem"])
    jsonschema.Draft202012Validator(shape).validate(answered.json())
    assert (answered.json()["status"], answered.json()["code"]) == (status, code)
    page = client.get("/no-such-page/")
    assert (page.status_code, page["Content-Type"].split(";")[0]) == (404, "text/html")


def test_a_session_that_ends_under_a_request_gets_no_answer_of_the_api(client, me, monkeypatch) -> None:
    """Pages of every version try again after it; a refusal they would set aside."""
    session = client.session
    del session[SEEN]  # so that this request writes it
    session.save()
    monkeypatch.setattr(type(session), "save", Mock(side_effect=UpdateError))
    answered = client.get(f"{BASE}state/")
    assert (answered.status_code, answered["Content-Type"].split(";")[0]) == (400, "text/html")


def test_the_refusals_of_every_endpoint_are_described(client, schema) -> None:
    described = {
        f"{method} {path}": one for path, methods in schema["paths"].items() for method, one in methods.items()
    }
    answers = [(int(status), answer) for one in described.values() for status, answer in one["responses"].items()]
    assert {kind for status, answer in answers if status >= 400 for kind in answer["content"]} == {
        "application/problem+json"
    }
    assert [request for request, one in described.items() if not {"403", "404"} <= set(one["responses"])] == [
        "get /api/session/", "post /api/session/",
    ]  # fmt: skip
    asked = {request for request, one in described.items() if "X-Reader" in str(one.get("parameters"))}
    assert asked == {request for request in described if " /api/reading/" in request}
    check(schema, "get", "/api/studies/{slug}/reads/", Client().get("/api/studies/one/reads/"))


def whole_visit(client) -> dict[str, Any]:
    """What the page sends of a visit, every field of it."""
    grey = {"centre": 0.5, "width": 1, "invert": False}
    offset = {"shift": 0, "factor": 1, "invert": False}
    said = {"checked_at": "2026-11-28T14:00:00Z", "dark_square_seen": True, "light_square_seen": False}
    display = {
        "screen": {"width": 1920, "height": 1080, "color_depth": 24}, "viewport": {"width": 1366, "height": 768},
        "device_pixel_ratio": 1.25, "panel_px": 448, "panels_shown": "all", "reduced_motion": False,
        "view": {"overlay": True, "opacity": 0.8, "window": grey, "window_offset": offset, "animation_speed": 1},
        "check": {**said, "panel_px": 448, "large_enough": True},
    }  # fmt: skip
    return {
        "id": str(uuid.uuid4()), "position": 1, "read": 1, "client_opened_at": "2026-11-28T14:00:00Z",
        "visit_token": client.get(f"{BASE}assignments/1/").json()["visit_token"],
        "images_ready_ms": 80, "first_input_ms": 200, "answered_ms": 900, "visible_ms": 1000, "idle_ms": 0,
        "animation_loops": 2, "actions": {"zoom": 1}, "comment": "unsure", "display": display,
        "files": [{"role": "image", "sha256": "0" * 64, "format": "image/png", "bytes": 9}], "failed_files": [],
    }  # fmt: skip


def test_what_is_sent_is_stored_as_it_was_sent(client) -> None:
    sent = whole_visit(client)
    assert client.post(f"{BASE}visits/", sent, content_type="application/json").status_code == 201
    stored = Visit.objects.get()
    assert {name: getattr(stored, name) for name in bodies.MEASURES} == {name: sent[name] for name in bodies.MEASURES}
    assert f"{stored.client_opened_at:%H:%M}" == "14:00"


PLACES = [
    (), ("display",), ("display", "view"), ("display", "view", "window"), ("display", "view", "window_offset"),
    ("display", "check"), ("display", "screen"), ("files", 0), ("actions",),
]  # fmt: skip


@pytest.mark.parametrize("place", PLACES, ids=str)
@pytest.mark.parametrize("name", ["truth", "\ud800"], ids=["a word", "half a surrogate"])
def test_an_unknown_field_is_named_and_nothing_is_stored(client, place, name) -> None:
    body = whole_visit(client)
    inner: Any = body
    for part in place:
        inner = inner[part]
    inner[name] = 1
    refused = client.post(f"{BASE}visits/", body, content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (400, "unknown_field")
    shown = "“truth”" if name == "truth" else "“?”"
    (field,) = refused.json()["errors"]
    assert field == ".".join(map(str, (*place, shown))) and field in refused.json()["detail"]
    assert not Visit.objects.exists()


IN_PATHS = {"slug": "trial", "visit_id": uuid.uuid4(), "response_id": uuid.uuid4(), "position": 1}
MISFITS = [('{"bogus": 1}', "unknown_field"), ("[1]", "invalid"), ("7", "invalid"), ("{{{", "parse_error")]


@pytest.mark.parametrize(("body", "code"), MISFITS)
def test_no_write_takes_a_body_that_does_not_fit(client, me, schema, body, code) -> None:
    """Of every endpoint that the API describes, those to come too; the body is looked at before anything is done."""
    me.reads.update(opened_at=None)  # or a start would have nothing to do
    before = list(Reader.objects.values()), list(Read.objects.values())
    answers = {
        f"{method} {path}": getattr(client, method)(path.format(**IN_PATHS), body, content_type="application/json")
        for path, methods in schema["paths"].items()
        for method in methods
        if method != "get"
    }
    assert {"post /api/session/", "post /api/reading/{slug}/start/"} <= set(answers)
    said = {request: (answered.status_code, answered.json()["code"]) for request, answered in answers.items()}
    assert said == dict.fromkeys(answers, (400, code))
    assert code != "unknown_field" or all(set(got.json()["errors"]) == {"“bogus”"} for got in answers.values())
    assert (list(Reader.objects.values()), list(Read.objects.values())) == before
    assert not Visit.objects.exists() and not Response.objects.exists()


def test_unknown_fields_of_every_body_are_refused(client, me) -> None:
    visit = open_visit(client)
    before = Visit.objects.values().get()
    answer = {"visit": visit, "question": "confidence", "score": 4}
    for refused in (
        put(client, f"visits/{visit}/", {"comment": "unsure", "seconds": 3}),
        put(client, f"responses/{uuid.uuid4()}/", answer | {"sure": True}),
        put(client, "preferences/", {"single_key_shortcuts": False, "theme": "dark"}),
        client.post(f"{BASE}finish/", {"number": 1}, content_type="application/json"),
    ):
        assert (refused.status_code, refused.json()["code"]) == (400, "unknown_field")
    assert Visit.objects.values().get() == before and not Response.objects.exists()
    assert Read.objects.get(reader=me, number=1).finished_at is None
    me.refresh_from_db()
    assert me.single_key_shortcuts is True


def test_older_names_are_taken_for_those_of_now(client) -> None:
    """As pages of before this version send, and as they wait in the outboxes of browsers."""
    sent = whole_visit(client)
    sent["opened_at"] = sent.pop("client_opened_at")
    sent["elapsed_ms"] = 4000  # of the first pages; never stored
    sent["files"][0]["url"] = "/reading/trial/files/x.png"
    assert client.post(f"{BASE}visits/", sent, content_type="application/json").status_code == 201
    assert put(client, f"visits/{sent['id']}/", {"visible_ms": 2000, "elapsed_ms": 5000}).status_code == 200
    answer = {"visit": sent["id"], "question": "confidence", "score": 4, "elapsed_ms": 900}
    assert put(client, f"responses/{uuid.uuid4()}/", answer).status_code == 201
    stored = Visit.objects.get()
    assert f"{stored.client_opened_at:%H:%M}" == "14:00" and "url" not in stored.files[0]
    assert (stored.visible_ms, Response.objects.get().elapsed_ms) == (2000, 900)


@pytest.mark.parametrize(("sent", "stored"), [(None, 900), (800, 800), ("left out", 900)])
def test_an_older_name_counts_beside_a_null_of_the_name_of_now(client, sent, stored) -> None:
    answer = {"visit": open_visit(client), "question": "confidence", "score": 4, "elapsed_ms": 900, "answered_ms": sent}
    if sent == "left out":
        del answer["answered_ms"]
    assert put(client, f"responses/{uuid.uuid4()}/", answer).status_code == 201
    assert Response.objects.get().elapsed_ms == stored


def test_the_table_of_older_names_names_fields_of_now() -> None:
    for serializer, names in OLDER_NAMES.items():
        fields = set(getattr(bodies, serializer)().fields)
        assert {new for new in names.values() if new} <= fields
        assert not set(names) & fields, "an older name is a field again"


def test_the_measures_of_a_visit_are_its_columns() -> None:
    ours = {"id", "assignment", "opened_at", "last_received_at", "client_opened_at"}
    assert set(bodies.MEASURES) == {field.name for field in Visit._meta.concrete_fields} - ours
