"""Two web hosts behind nginx on one database and one object store: one dies in the middle, and no answer is lost."""

import json
import sqlite3
import uuid
from typing import Any

from readerstudy.reading.models import Response
from tests.proxy.site import HOST, Site, ask, connect, cookie_of
from tests.worlds import make_world

TOKEN = "t" * 32


class Browser:
    """What the page does: it sends each answer, under an id of its own, until the server has acknowledged it."""

    def __init__(self, site: Site, cookie: str) -> None:
        self.connection = connect(site.nginx.port)
        self.headers = {
            "Host": HOST, "Origin": f"https://{HOST}", "Cookie": f"{cookie}; csrftoken={TOKEN}", "X-CSRFToken": TOKEN,
            "Content-Type": "application/json",
        }  # fmt: skip
        self.acknowledged: dict[str, int] = {}

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        for _ in range(20):
            self.connection.request(method, f"/api/reading/one/{path}", json.dumps(body), self.headers)
            answer = self.connection.getresponse()
            content = answer.read()
            if answer.status not in (502, 504):
                assert answer.status in (200, 201), content
                return json.loads(content)
        raise AssertionError("no host answers")

    def answer(self, position: int, score: int) -> None:
        facts = self.ask("GET", f"assignments/{position}/")
        picture = ask(self.connection, facts["case"]["image"]["url"], Cookie=self.headers["Cookie"])
        assert picture.status == 200 and picture.body
        visit, answer = str(uuid.uuid4()), str(uuid.uuid4())
        self.ask("POST", "visits/", {"id": visit, "position": position, "visit_token": facts["visit_token"]})
        sent = {"visit": visit, "question": "confidence", "score": score}
        self.ask("PUT", f"responses/{answer}/", sent)
        self.ask("PUT", f"responses/{answer}/", sent)  # the acknowledgement was lost: perhaps the other host is asked
        self.acknowledged[answer] = score


def stored(database_url: str) -> dict[str, int]:
    """Answers in the site's database, which is a copy of the test's where that is SQLite."""
    if database_url.startswith("sqlite:///"):
        with sqlite3.connect(database_url.removeprefix("sqlite:///")) as database:
            rows = database.execute("SELECT client_id, score FROM reading_response").fetchall()
    else:
        rows = list(Response.objects.values_list("client_id", "score"))
    kept = {str(uuid.UUID(str(answer))): score for answer, score in rows}
    assert len(kept) == len(rows)
    return kept


def test_no_answer_is_lost_or_doubled_when_a_host_dies(transactional_db, in_object_store, start_site) -> None:
    world = make_world("one")
    before = Response.objects.count()
    cookie = cookie_of(world.people["reader"])
    site: Site = start_site(hosts=2, **in_object_store)
    browser = Browser(site, cookie)
    browser.ask("GET", "state/")
    for number in range(1, 13):
        if number == 6:
            site.kill(0)
        browser.answer(1 + number % 4, 1 + number % 5)
    kept = stored(site.environment["DATABASE_URL"])
    assert len(browser.acknowledged) == 12
    assert {answer: kept.get(answer) for answer in browser.acknowledged} == browser.acknowledged
    assert len(kept) == before + 12
