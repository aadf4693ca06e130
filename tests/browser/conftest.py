"""One real Chromium for all browser tests, and the reading room in it.

`reading_room` opens the page against the contract server. To run the same tests against another server, give another
`ReadingRoom` whose `contract` has the same switches.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.contract_server import Contract, serve

SCREENSHOTS = Path(__file__).parent / "screenshots"
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--no-first-run"]  # fmt: skip
# What the page keeps of a display check; two seconds saved in every test that is not about it.
CHECKED = """for (const base of ["/api/reading/chest/", "/api/reading/chest/practice/"]) {
    const said = { checked_at: new Date().toISOString(), dark_square_seen: true, light_square_seen: true };
    sessionStorage.setItem(`display:${base}:R1`, JSON.stringify(said));
}"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("browser")


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    found = {"executable_path": chromium} if chromium else {}  # else the one that playwright has installed
    return {**browser_type_launch_args, **found, "args": QUIET}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_context_args, "viewport": {"width": 1366, "height": 768}}


class ReadingRoom:
    """A reader at the page: what tests do and look at, in the reader's words."""

    def __init__(self, page: Page, contract: Contract, address: str) -> None:
        self.page, self.contract, self.address = page, contract, address
        self.troubles: list[str] = []
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on("console", lambda message: self.troubles.append(message.text) if message.type == "error" else None)

    def open(self, position: int | None = None, *, practice: bool = False, check: bool = True) -> Page:
        """Open the page, as if the sitting's display check were done, and wait for the images; or leave it there."""
        if check:
            self.page.add_init_script(CHECKED)
        path = "/practice/" if practice else "/read/"
        self.page.goto(f"{self.address}{path}" + (f"#{position}" if position else ""))
        if check:
            self.wait_for(position or 1)
        return self.page

    def pass_display_check(self) -> None:
        self.page.check("[name=dark_square][value=yes]")
        self.page.check("[name=light_square][value=no]")
        self.press("Enter")

    def wait_for(self, position: int) -> None:
        self.page.wait_for_selector(f"body[data-shown='{position}']", timeout=8000)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def read_on(self, position: int, first: int, second: int) -> None:
        """Answer both questions of an example and go to the next."""
        self.wait_for(position)
        self.press(str(first), str(second), "Enter")

    def all_saved(self) -> None:
        expect(self.page.locator("#save-state")).to_contain_text("Saved", timeout=20_000)

    def scores(self) -> list[tuple[int, str, int, int]]:
        """(position, question, score, revision) as stored, in order of arrival."""
        with self.contract.lock:
            return [(r["position"], r["question"], r["score"], r["revision"]) for r in self.contract.responses]

    def chosen(self) -> list[str]:
        """The scores that the page shows as chosen."""
        checked = self.page.locator("#questions input:checked")
        return checked.evaluate_all("(inputs) => inputs.map((input) => input.value)")

    def kept_scores(self) -> list[int]:
        """Scores in the browser's outbox, on disk."""
        return self.page.evaluate(
            """() => new Promise((resolve) => {
                indexedDB.open("reading-room").onsuccess = ({ target: { result: database } }) => {
                    database.transaction("outbox").objectStore("outbox").getAll().onsuccess = (event) => {
                        database.close();
                        resolve(event.target.result.filter((e) => e.kind === "response").map((e) => e.body.score));
                    };
                };
            })"""
        )

    def wait_until(self, happened: Callable[[], bool], seconds: float = 8) -> None:
        """Wait for something on the server (the page's own wait_for_function needs eval, which the CSP forbids)."""
        for _ in range(int(seconds * 20)):
            with self.contract.lock:
                if happened():
                    break
            self.page.wait_for_timeout(50)
        else:
            raise AssertionError("it did not happen in time")
        self.page.wait_for_timeout(50)

    def message(self) -> str:
        return self.page.locator("#message").inner_text()

    def photograph(self, name: str) -> None:
        SCREENSHOTS.mkdir(exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png")


@pytest.fixture
def reading_room(page: Page, context: BrowserContext) -> Iterator[Callable[..., ReadingRoom]]:
    """Make a reading room: reading_room(total=6, bits=12, page=...)."""
    with ExitStack() as stack:

        def make(page: Page = page, **study: Any) -> ReadingRoom:
            contract = Contract(**study)
            return ReadingRoom(page, contract, stack.enter_context(serve(contract)))

        yield make
        for opened in context.pages:
            opened.close()  # before its server
