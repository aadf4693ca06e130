"""Whatever is typed into a form, put into an address or sent as a query: refused or taken, never a server error."""

import re
from collections.abc import Iterator
from html import unescape

import pytest
from django.db import transaction
from django.test import Client

from tests.test_access import TABLE, fill, quiet  # noqa: F401
from tests.worlds import make_world

JUNK = ("", "\0", "x" * 400, str(10**30), "1e400", "\r\nBcc: x@example.org", "🩻\u202e<b>%s{{7}}")
FIELD = re.compile(r'<(?:input|select|textarea|button)\b[^>]*?\bname="([^"]+)"(?:[^>]*?\bvalue="([^"]*)")?')
KEEP = ("csrfmiddlewaretoken", "-TOTAL_FORMS")
ROLES = ("researcher", "administrator", "reader")


def fields_of(html: str) -> dict[str, str]:
    return {name: unescape(value) for name, value in FIELD.findall(html)}


def bodies(fields: dict[str, str]) -> list[dict[str, str]]:
    """Junk in every field at once, and in one field at a time among good ones."""
    free = [name for name in fields if not name.endswith(KEEP)]
    whole = [{**fields, **dict.fromkeys(free, junk)} for junk in JUNK]
    single = [{**fields, name: JUNK[index * 7 % len(JUNK)]} for index, name in enumerate(free)]
    return [{}, *whole, *single]


def answers(client: Client, path: str) -> Iterator[tuple[str, int]]:
    """What was sent and the status it got, for the page itself, junk queries and junk forms. Nothing stays."""
    with transaction.atomic():
        page = client.get(path)
        transaction.set_rollback(True)
    yield "GET", page.status_code
    is_page = not page.streaming and "html" in page.headers.get("Content-Type", "")
    fields = fields_of(page.content.decode()) if is_page else {}
    names = ("page", "method", "q", "table", "question")
    queries = [{**dict.fromkeys(names, junk), "why": f"look {junk}"} for junk in JUNK[:3]]
    queries.append({"why": "look\0"})
    for method, data in [*(("get", query) for query in queries), *(("post", body) for body in bodies(fields))]:
        with transaction.atomic():
            answer = getattr(client, method)(path, data)
            transaction.set_rollback(True)
        yield f"{method} {str(data)[:300]}", answer.status_code


@pytest.mark.django_db
def test_no_form_and_no_address_is_a_server_error(quiet):  # noqa: F811
    """Researchers' pages of a draft, where everything can be edited; readers' pages of an open study."""
    worlds = {"draft": make_world("one", "draft"), "open": make_world("two", "open")}
    wrong = []
    for route, row in TABLE.items():
        state = "draft" if "draft" in row.states and "exclusions" not in route else "open"
        world, role = worlds[state], next((role for role in ROLES if role in row.who), None)
        if role is None or state not in row.states:
            continue
        client = Client(raise_request_exception=False)
        client.force_login(world.people[role])
        path = fill(route, row.values(world.study.slug, world))
        wrong += [f"{role} at {route}: {sent}" for sent, status in answers(client, path) if status >= 500]
    assert not wrong, "\n".join(wrong)
