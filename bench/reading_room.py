"""The reading room's speed, against the real server (gunicorn, SQLite) on this machine.

* The server's time for the next example: at most 10 queries and a median of 30 ms.
* From Enter to the next example's images on the screen: a median of 150 ms in Chromium, for a usual (1024 x 1024) and
  a large (2048 x 2500) radiograph of 12 bits. The time is the browser's own, from the key's event to the frame after
  the one that draws the images.
"""

import os
import shutil
import statistics
import subprocess
import sys
import time

from bench._house import house
from bench._measure import report

EXAMPLES = 24
ASKED = 200
SECONDS_TO_READ = 1.5  # a fast reader; fetching ahead has this long
WATCH = """() => {
    window.measured = [];
    let pressed = 0;
    addEventListener("keydown", (event) => { if (event.key === "Enter") pressed = event.timeStamp; }, true);
    new MutationObserver(() => {
        if (document.body.dataset.shown && pressed) { measured.push(performance.now() - pressed); pressed = 0; }
    }).observe(document.body, { attributeFilter: ["data-shown"] });
}"""


def server_time() -> tuple[list[float], int]:
    """Milliseconds of each request for an example, Django from end to end, and the most queries of any."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from tests.browser.trial import Trial

    trial = Trial(total=60)
    client = Client()
    client.force_login(trial.reader.membership.user)
    times, queries = [], 0
    for number in range(ASKED):
        address = f"/api/reading/chest/assignments/{1 + number % 60}/"
        started = time.perf_counter()
        assert client.get(address).status_code == 200
        times.append(1000 * (time.perf_counter() - started))
        if number < 60:
            with CaptureQueriesContext(
                connection,
            ) as captured:
                client.get(address)
            queries = max(queries, len(captured))
    return times[5:], queries


def enter_to_images(url: str, size: tuple[int, int]) -> list[float]:
    """Milliseconds from Enter to images, one per example."""
    from django.conf import settings
    from playwright.sync_api import sync_playwright

    from tests.browser.conftest import QUIET, ReadingRoom
    from tests.browser.server import Gunicorn
    from tests.browser.trial import Trial, session_cookie

    trial = Trial(total=EXAMPLES + 1, size=size)
    with sync_playwright() as playwright, Gunicorn(url, settings.MEDIA_ROOT) as server:
        found = os.environ.get("CHROMIUM") or shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=found, args=QUIET)
        page = browser.new_page(viewport={"width": 1920, "height": 1080})
        page.context.add_cookies([session_cookie(trial.reader, server.url)])
        room = ReadingRoom(page, trial, server.url)
        room.open()
        page.evaluate(WATCH)
        for position in range(1, EXAMPLES + 1):
            page.wait_for_timeout(1000 * SECONDS_TO_READ)
            room.read_on(position, 4, 3)
        room.wait_for(EXAMPLES + 1)
        times: list[float] = page.evaluate("() => measured")
        browser.close()
    return times


def measure(width: int, height: int) -> None:
    with house() as (url, _):
        times = enter_to_images(url, (width, height))
    report(
        f"Enter to images, {width} x {height} px, 12 bits",
        median_ms=statistics.median(times), fastest_ms=min(times), slowest_ms=max(times), examples=len(times),
    )  # fmt: skip


def main() -> None:
    """Everything; or with a width and a height only that size (a process has one database)."""
    if len(sys.argv) == 3:
        measure(int(sys.argv[1]), int(sys.argv[2]))
        return
    with house():
        times, queries = server_time()
    report("Next example, server", median_ms=statistics.median(times), slowest_ms=max(times), queries=queries)
    for size in (("1024", "1024"), ("2048", "2500")):
        subprocess.run([sys.executable, "-m", "bench.reading_room", *size], check=True)


if __name__ == "__main__":
    main()
