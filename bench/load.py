"""Fifty readers at once: each answers every 2 seconds for a minute, against gunicorn with 2 workers on PostgreSQL.

No error, no answer lost or doubled, and 95 of 100 requests within 150 ms. Readers send what the page sends: the next
example, its visit, two answers, the visit's times. Loopback only, bounded by SECONDS; the database is made and dropped.
PostgreSQL: POSTGRES_URL, else postgres://postgres@127.0.0.1:5432/postgres.
"""

import http.client
import json
import os
import threading
import time
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench._house import house
from bench._measure import report

READERS = 50
SECONDS = 60
EVERY = 2.0  # seconds between two answers of one reader
EXAMPLES = 60
POSTGRES = os.environ.get("POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres")


class SimulatedReader(threading.Thread):
    """One browser: its cookies, its connection, and what the server acknowledged."""

    def __init__(self, url: str, session: str, delay: float) -> None:
        super().__init__()
        self.connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
        token = "t" * 32
        self.headers = {
            "Cookie": f"sessionid={session}; csrftoken={token}", "X-CSRFToken": token,
            "Content-Type": "application/json",
        }  # fmt: skip
        self.delay = delay
        self.milliseconds: list[float] = []
        self.acknowledged: dict[str, int] = {}
        self.errors: list[str] = []
        self.resent = 0

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        started = time.perf_counter()
        sent = method, f"/api/reading/chest/{path}", json.dumps(body) if body else None, self.headers
        try:
            self.connection.request(*sent)
            response = self.connection.getresponse()
        except ConnectionError:  # the server had closed the idle connection: a browser, too, sends again
            self.resent += 1
            self.connection.close()
            self.connection.request(*sent)
            response = self.connection.getresponse()
        content = response.read()
        self.milliseconds.append(1000 * (time.perf_counter() - started))
        if response.status >= 300:
            raise RuntimeError(f"{method} {path}: {response.status} {content[:200]!r}")
        return json.loads(content)

    def run(self) -> None:
        time.sleep(self.delay)
        try:
            self.headers["X-Reader"] = self.ask("GET", "state/")["reader"]
            begun = time.monotonic()
            answers = 0
            while answers * EVERY < SECONDS:
                position = 1 + (answers // 2) % EXAMPLES
                if answers % 2 == 0:
                    visit = self.open(position)
                self.answer(visit, ("confidence", "feature")[answers % 2], 1 + answers % 5)
                answers += 1
                if answers % 2 == 0:
                    self.ask("PUT", f"visits/{visit}/", {"visible_ms": 3500, "actions": {"overlay": 1}})
                time.sleep(max(0.0, begun + answers * EVERY - time.monotonic()))
        except (OSError, RuntimeError, http.client.HTTPException) as error:
            self.errors.append(str(error))

    def open(self, position: int) -> str:
        facts, visit = self.ask("GET", f"assignments/{position}/"), str(uuid.uuid4())
        self.ask("POST", "visits/", {
            "id": visit, "position": position, "visit_token": facts["visit_token"], "images_ready_ms": 90, "files": [],
        })  # fmt: skip
        return visit

    def answer(self, visit: str, question: str, score: int) -> None:
        answer = str(uuid.uuid4())
        self.ask("PUT", f"responses/{answer}/", {"visit": visit, "question": question, "score": score})
        self.acknowledged[answer] = score


def make_readers() -> list[str]:
    """A study with fifty readers in the middle of their first read; returns their session keys."""
    from tests.browser.trial import Trial, session_cookie

    trial = Trial(total=EXAMPLES, size=(64, 64))
    readers = [trial.reader, *(trial.joined(f"R{number}") for number in range(2, READERS + 1))]
    return [session_cookie(reader, "http://127.0.0.1")["value"] for reader in readers]


def stored() -> dict[str, int]:
    from readerstudy.reading.models import Response

    rows = [(str(key), score) for key, score in Response.objects.values_list("client_id", "score")]
    assert len(rows) == len(dict(rows))
    return dict(rows)


def main() -> None:
    with house(POSTGRES) as (url, media):
        from tests.browser.server import Gunicorn

        sessions = make_readers()
        with Gunicorn(url, Path(media), workers=2, threads=4) as server:
            readers = [
                SimulatedReader(server.url, session, EVERY * index / READERS) for index, session in enumerate(sessions)
            ]
            for reader in readers:
                reader.start()
            for reader in readers:
                reader.join()
            processor = server.processor_seconds()
        acknowledged = {key: score for reader in readers for key, score in reader.acknowledged.items()}
        kept = stored()
    times = sorted(time for reader in readers for time in reader.milliseconds)
    report(
        f"{READERS} readers, an answer every {EVERY:g} s for {SECONDS} s, PostgreSQL, 2 workers",
        requests=len(times), errors=sum(len(reader.errors) for reader in readers), answers=len(acknowledged),
        resent=sum(reader.resent for reader in readers),
        lost=len(acknowledged.keys() - kept.keys()), doubled_or_unknown=len(kept.keys() - acknowledged.keys()),
        altered=sum(kept.get(key) != score for key, score in acknowledged.items()),
        processor_ms_per_request=1000 * processor / len(times),
        median_ms=times[len(times) // 2], p95_ms=times[int(0.95 * len(times))], slowest_ms=times[-1],
    )  # fmt: skip
    for reader in readers:
        print(*reader.errors, sep="\n", end="\n" if reader.errors else "")


if __name__ == "__main__":
    main()
