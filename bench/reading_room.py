"""From Enter to the next example's images on the screen, in real Chromium against a server on this machine.

The target is a median of 150 ms. Images are 12-bit, 1024 x 1024 and 2048 x 2500: a usual and a large radiograph. The
time is the browser's own, from the key's event to the frame after the one that draws the images.
"""

import os
import shutil
import statistics

from playwright.sync_api import sync_playwright

from bench._measure import report
from tests.browser.conftest import QUIET, ReadingRoom
from tests.browser.contract_server import Contract, serve

EXAMPLES = 24
SECONDS_TO_READ = 1.5  # a fast reader; fetching ahead has this long
WATCH = """() => {
    window.measured = [];
    let pressed = 0;
    addEventListener("keydown", (event) => { if (event.key === "Enter") pressed = event.timeStamp; }, true);
    new MutationObserver(() => {
        if (document.body.dataset.shown && pressed) { measured.push(performance.now() - pressed); pressed = 0; }
    }).observe(document.body, { attributeFilter: ["data-shown"] });
}"""


def measure(size: tuple[int, int]) -> list[float]:
    """Milliseconds from Enter to images, one per example."""
    contract = Contract(total=EXAMPLES + 1, size=size)
    with sync_playwright() as playwright, serve(contract) as address:
        found = os.environ.get("CHROMIUM") or shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=found, args=QUIET)
        page = browser.new_page(viewport={"width": 1920, "height": 1080})
        room = ReadingRoom(page, contract, address)
        room.open()
        page.evaluate(WATCH)
        for position in range(1, EXAMPLES + 1):
            page.wait_for_timeout(1000 * SECONDS_TO_READ)
            room.read_on(position, 4, 3)
        room.wait_for(EXAMPLES + 1)
        times: list[float] = page.evaluate("() => measured")
        browser.close()
    return times


def main() -> None:
    for size in ((1024, 1024), (2048, 2500)):
        times = sorted(measure(size))
        report(
            f"Enter to images, {size[0]} x {size[1]} px, 12 bits",
            median_ms=statistics.median(times), fastest_ms=times[0], slowest_ms=times[-1], examples=len(times),
        )  # fmt: skip


if __name__ == "__main__":
    main()
