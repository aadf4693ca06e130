"""Fifty readers at once: each answers every 2 seconds for a minute, against gunicorn with 2 workers on PostgreSQL.

No error, no answer lost or doubled, and 95 of 100 requests within 150 ms. Readers send what the page sends: the next
example, its visit, two answers, the visit's times. Loopback only, bounded by SECONDS; the database is made and dropped.
PostgreSQL: POSTGRES_URL, else postgres://postgres@127.0.0.1:5432/postgres.

--hosts 2: as many gunicorns behind deploy/nginx.conf, with files in an object store (moto), from which each reader
also gets the radiograph. --kill-one: half-way, the first host dies as by a power cut.
"""

import argparse
import http.client
import json
import os
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench._house import house
from bench._measure import report

READERS = 50
SECONDS = 60
EVERY = 2.0  # seconds between two answers of one reader
EXAMPLES = 60
NO_HOST = (502, 503, 504)  # nginx has nobody to ask: the page, too, waits and sends again
AGAIN = 20  # times, a quarter of a second apart
Connect = Callable[[], http.client.HTTPConnection]
POSTGRES = os.environ.get("POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres")


class SimulatedReader(threading.Thread):
    """One browser: its cookies, its connection, and what the server acknowledged."""

    def __init__(self, connect: Connect, headers: dict[str, str], session: str, delay: float, files: bool) -> None:
        super().__init__()
        self.connection, self.files = connect(), files
        token = "t" * 32
        self.headers = {
            "Cookie": f"sessionid={session}; csrftoken={token}", "X-CSRFToken": token,
            "Content-Type": "application/json", **headers,
        }  # fmt: skip
        self.delay = delay
        self.milliseconds: list[float] = []
        self.of_files: list[float] = []
        self.acknowledged: dict[str, int] = {}
        self.errors: list[str] = []
        self.resent = 0

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        sent = method, f"/api/reading/chest/{path}", json.dumps(body) if body else None
        return json.loads(self.fetch(self.milliseconds, *sent))

    def fetch(self, milliseconds: list[float], method: str, path: str, body: str | None = None) -> bytes:
        """One request, sent again while there is no answer to it; its time runs from the first try."""
        started = time.perf_counter()
        for _ in range(AGAIN):
            try:
                self.connection.request(method, path, body, self.headers)
                response = self.connection.getresponse()
                content = response.read()
            except (OSError, http.client.HTTPException):  # an idle connection that was closed, or a server that died
                self.connection.close()
            else:
                if response.status not in NO_HOST:
                    break
                time.sleep(0.25)
            self.resent += 1
        else:
            raise RuntimeError(f"{method} {path}: no answer in {AGAIN} tries")
        milliseconds.append(1000 * (time.perf_counter() - started))
        if response.status >= 300:
            raise RuntimeError(f"{method} {path}: {response.status} {content[:200]!r}")
        return content

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
        if self.files:
            assert self.fetch(self.of_files, "GET", facts["case"]["image"]["url"])
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


@contextmanager
def one_host(url: str, media: Path) -> Iterator[tuple[Connect, dict[str, str], Any]]:
    """gunicorn alone; how to connect, what to say besides, and its processor seconds at the end."""
    from tests.browser.server import Gunicorn

    with Gunicorn(url, media, workers=2, threads=4) as server:
        yield lambda: http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=30), {}, server


@contextmanager
def several_hosts(number: int, url: str, media: Path, store: dict[str, str]) -> Iterator[Any]:
    """The same of `number` hosts behind nginx, with their files in an object store."""
    from tests.proxy.site import HOST, Site, collect_static, connect

    with tempfile.TemporaryDirectory(prefix="site-") as folder, tempfile.TemporaryDirectory() as static:
        collect_static(Path(static))
        site = Site(Path(folder), url, media, Path(static), None, hosts=number, **store)
        with site.running():
            yield lambda: connect(site.nginx.port), {"Host": HOST, "Origin": f"https://{HOST}"}, site


@contextmanager
def object_store(wanted: bool) -> Iterator[dict[str, str]]:
    """A bucket on this machine, where this process keeps its files from now on; its environment."""
    if not wanted:
        yield {}
        return
    from django.conf import settings
    from django.test.utils import override_settings

    from tests.object_store import new_bucket, served, storage_setting

    with tempfile.TemporaryDirectory() as folder, served(Path(folder) / "log") as endpoint:
        environment = new_bucket(endpoint)
        with override_settings(STORAGES={**settings.STORAGES, "default": storage_setting(environment)}):
            yield environment


def read_all(
    server: Any, connect: Connect, headers: dict[str, str], sessions: list[str], hosts: int, kill: bool
) -> Any:
    """All readers at once, to their end; half-way the first host dies, if it shall."""
    readers = [
        SimulatedReader(connect, headers, session, EVERY * index / READERS, files=hosts > 1)
        for index, session in enumerate(sessions)
    ]
    death = threading.Timer(SECONDS / 2, lambda: server.kill(0))
    if kill:
        death.start()
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    death.cancel()
    return readers


def tell(readers: list[SimulatedReader], kept: dict[str, int], title: str, **more: float) -> None:
    acknowledged = {key: score for reader in readers for key, score in reader.acknowledged.items()}
    times = sorted(time for reader in readers for time in reader.milliseconds)
    files = sorted(time for reader in readers for time in reader.of_files)
    if files:
        more |= {"files": len(files), "files_p95_ms": files[int(0.95 * len(files))]}
    report(
        title, requests=len(times), errors=sum(len(reader.errors) for reader in readers), answers=len(acknowledged),
        resent=sum(reader.resent for reader in readers),
        lost=len(acknowledged.keys() - kept.keys()), doubled_or_unknown=len(kept.keys() - acknowledged.keys()),
        altered=sum(kept.get(key) != score for key, score in acknowledged.items()),
        median_ms=times[len(times) // 2], p95_ms=times[int(0.95 * len(times))], slowest_ms=times[-1], **more,
    )  # fmt: skip
    for reader in readers:
        print(*reader.errors, sep="\n", end="\n" if reader.errors else "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--hosts", type=int, default=1, help="Web hosts; from two on behind nginx, with an object store."
    )
    parser.add_argument(
        "--kill-one", action="store_true", help="Kill the first host half-way. Needs --hosts 2 or more."
    )
    asked = parser.parse_args()
    if asked.kill_one and asked.hosts < 2:
        parser.error("--kill-one needs --hosts 2 or more, or nobody is left to answer.")
    more: dict[str, float] = {}
    with house(POSTGRES) as (url, media), object_store(asked.hosts > 1) as store:
        sessions = make_readers()
        hosts = several_hosts(asked.hosts, url, media, store) if asked.hosts > 1 else one_host(url, media)
        with hosts as (connect, headers, server):
            readers = read_all(server, connect, headers, sessions, asked.hosts, asked.kill_one)
            if asked.hosts == 1:
                requests = sum(len(reader.milliseconds) for reader in readers)
                more["processor_ms_per_request"] = 1000 * server.processor_seconds() / requests
        kept = stored()
    killed = ", one killed half-way" if asked.kill_one else ""
    where = f"{asked.hosts} hosts of 2 workers behind nginx, object store{killed}" if asked.hosts > 1 else "2 workers"
    tell(readers, kept, f"{READERS} readers, an answer every {EVERY:g} s for {SECONDS} s, PostgreSQL, {where}", **more)


if __name__ == "__main__":
    main()
