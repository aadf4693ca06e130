"""Reading beside 30 slow connections: what p95 is, with deploy/nginx.conf as it is and without its limits.

A stranger opens SLOW connections that send one byte of a form each and no more, while READERS ask for examples and
images one after another. Loopback only; each of the four parts takes at most SECONDS. PostgreSQL as in bench.load.
"""

import os
import re
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench._house import house
from bench._measure import report

SLOW, READERS, SECONDS, PATIENCE = 30, 4, 15, 5
POSTGRES = os.environ.get("POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres")


def without_limits(text: str) -> str:
    """nginx.conf as it was: every request is passed on as it comes, from as many connections as there are."""
    text = re.sub(r"limit_conn [^;]*;", "", text)
    return text.replace("    location / {", "    location / {\nproxy_request_buffering off;")


@contextmanager
def slow_connections(site) -> Iterator[None]:
    from tests.proxy.site import connect, slow_head

    with ExitStack() as stack:
        for _ in range(SLOW):
            connection = connect(site.nginx.port)
            connection.connect()
            stack.callback(connection.close)
            connection.sock.sendall(slow_head("/accounts/login/"))
        yield


def read(site, cookie: str) -> tuple[list[float], int]:
    """Milliseconds of each answer, and how many never came within PATIENCE seconds."""
    from tests.proxy.site import ask, connect

    times: list[float] = []
    lost = [0]

    def one_reader() -> None:
        end, position = time.monotonic() + SECONDS, 0
        connection = connect(site.nginx.port, timeout=PATIENCE)
        while time.monotonic() < end:
            position = position % 20 + 1
            started = time.perf_counter()
            try:
                answer = ask(connection, f"/api/reading/chest/assignments/{position}/", Cookie=cookie)
                assert answer.status == 200, answer
                times.append(1000 * (time.perf_counter() - started))
            except OSError:
                lost[0] += 1
                connection.close()
                connection = connect(site.nginx.port, timeout=PATIENCE)

    readers = [threading.Thread(target=one_reader) for _ in range(READERS)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    return sorted(times), lost[0]


def main() -> None:
    with house(POSTGRES) as (url, media), tempfile.TemporaryDirectory(prefix="static-") as static:
        from tests.browser.trial import Trial
        from tests.proxy.site import Site, collect_static, cookie_of

        cookie = cookie_of(Trial(total=20, size=(64, 64)).reader.membership.user)
        collect_static(Path(static))
        for name, edit in (("with the limits of deploy/nginx.conf", None), ("without them", without_limits)):
            with tempfile.TemporaryDirectory(prefix="site-") as folder:
                site = Site(Path(folder), url, Path(media), Path(static), edit)
                with site.running():
                    for beside in (False, True):
                        with slow_connections(site) if beside else ExitStack():
                            times, lost = read(site, cookie)
                        report(
                            f"{READERS} readers, {SLOW if beside else 0} slow connections, {name}",
                            answers=len(times), never_answered=lost,
                            p95_ms=times[int(0.95 * len(times))] if times else float("inf"),
                        )  # fmt: skip


if __name__ == "__main__":
    main()
