"""One real Chromium and one real server for all browser tests, and the reading room in it.

`reading_room` makes a study, logs its reader in and opens the page against Django's own API, database and files.
"""

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.sessions.models import Session
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from playwright.sync_api import Browser, BrowserContext, Error, Locator, Page, Request, Route, expect

from tests.browser.trial import SLUG, Trial, session_cookie

SCREENSHOTS = Path(__file__).parent / "screenshots"
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--no-first-run"]  # fmt: skip
# What the page keeps of a display check; two seconds saved in every test that is not about it.
CHECKED = """{
    const said = { checked_at: new Date().toISOString(), dark_square_seen: true, light_square_seen: true };
    sessionStorage.setItem("display:chest:R1", JSON.stringify(said));
}"""

WCAG = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


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


def assert_accessible(page: Page) -> None:
    found = Axe().run(page, options=WCAG).response["violations"]
    assert [(rule["id"], [node["html"][:120] for node in rule["nodes"]]) for rule in found] == []


def take_picture(page: Page | Locator, path: Path) -> None:
    """A screenshot. Headless Chromium sometimes has no frame to give on a busy machine, so it is asked again."""
    for attempt in range(5):
        try:
            page.screenshot(path=path)
            return
        except Error as error:
            if "Unable to capture screenshot" not in error.message or attempt == 4:
                raise
            time.sleep(0.5)


class ReadingRoom:
    """A reader at the page: what tests do and look at, in the reader's words."""

    def __init__(self, page: Page, trial: Trial | None, address: str) -> None:
        self.page, self.trial, self.address = page, trial, address
        self.troubles: list[str] = []
        self.requests: list[str] = []
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on("console", lambda message: self.troubles.append(message.text) if message.type == "error" else None)
        self.files_fetched = 0
        page.on("request", lambda request: self.requests.append(f"{request.method} {request.url}"))
        page.on("requestfinished", self._count_file)

    def _count_file(self, request: Request) -> None:
        self.files_fetched += "/files/" in request.url

    def open(self, position: int | None = None, *, practice: bool = False, check: bool = True) -> Page:
        """Open the page, as if the sitting's display check were done, and wait for the images; or leave it there."""
        if check:
            self.page.add_init_script(CHECKED)
        place = "practice" if practice else "read"
        self.page.goto(f"{self.address}/reading/{SLUG}/{place}/" + (f"#{position}" if position else ""))
        if check:
            self.wait_for(position or 1)
        return self.page

    def pass_display_check(self) -> None:
        self.page.check("[name=dark_square][value=yes]")
        self.page.check("[name=light_square][value=no]")
        self.press("Enter")

    def wait_for(self, position: int) -> None:
        self.page.wait_for_selector(f"body[data-shown='{position}']", timeout=12_000)

    def wait_for_files(self, of_examples: int) -> None:
        """Until all images of the first so many examples are on this computer: four with Method A, three with B."""
        expected = sum(4 if position % 2 else 3 for position in range(1, of_examples + 1))
        self.wait_until(lambda: self.files_fetched >= expected)
        self.page.wait_for_timeout(100)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def dialog_is_gone(self) -> None:
        """The page has heard that the last dialog closed; what is pressed in the moment before does nothing."""
        expect(self.page.locator("dialog[open]")).to_have_count(0)
        self.page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")

    def read_on(self, position: int, first: int, second: int) -> None:
        """Answer both questions of an example and go to the next."""
        self.wait_for(position)
        self.press(str(first), str(second), "Enter")

    def all_saved(self) -> None:
        expect(self.page.locator("#save-state")).to_contain_text("Saved", timeout=20_000)

    def scores(self) -> list[tuple[int, str, int, int]]:
        """(position, question, score, revision) as stored, in order of arrival."""
        return self.trial.scores()

    def stores(self, expected: list[tuple[int, str, int, int]]) -> None:
        """Wait until just these scores are stored: the page goes on before the server has answered."""
        deadline = time.monotonic() + 10
        while (found := self.scores()) != expected and time.monotonic() < deadline:
            self.page.wait_for_timeout(50)
        assert found == expected

    def chosen(self) -> list[str]:
        """The scores that the page shows as chosen."""
        checked = self.page.locator("#questions input:checked")
        return checked.evaluate_all("(inputs) => inputs.map((input) => input.value)")

    def kept_scores(self) -> list[int]:
        """Scores in the browser's outbox, on disk."""
        return [row["body"]["score"] for row in self.kept_rows() if row["kind"] == "response"]

    def kept_rows(self) -> list[dict[str, Any]]:
        """All rows of the browser's outbox, on disk."""
        return self.page.evaluate(
            """() => new Promise((resolve) => {
                indexedDB.open("reading-room").onsuccess = ({ target: { result: database } }) => {
                    database.transaction("outbox").objectStore("outbox").getAll().onsuccess = (event) => {
                        database.close();
                        resolve(event.target.result);
                    };
                };
            })"""
        )

    def wait_until(self, happened: Callable[[], bool], seconds: float = 12) -> None:
        """Wait for something on the server (the page's own wait_for_function needs eval, which the CSP forbids)."""
        for _ in range(int(seconds * 20)):
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
        take_picture(self.page, SCREENSHOTS / f"{name}.png")

    # --- what may go wrong ---

    def cut_network(self) -> None:
        self.page.context.set_offline(True)

    def restore_network(self) -> None:
        self.page.context.set_offline(False)

    def lose_reply(self, path: str, before: Callable[[], None] = lambda: None) -> None:
        """The server takes the next request of this path; its answer never comes. `before`: what happens between."""

        def take(route: Route) -> None:
            route.fetch()
            before()
            route.abort()

        self.page.route(path, take, times=1)

    def end_session(self) -> None:
        self.wait_for_rest()
        Session.objects.all().delete()

    def delete_cookies(self, name: str | None = None) -> None:
        self.wait_for_rest()
        self.page.context.clear_cookies(**({"name": name} if name else {}))

    def wait_for_rest(self) -> None:
        """Until no request is under way: else an image asked for ahead finds the session gone, not the next key."""
        self.page.wait_for_load_state("networkidle")


@pytest.fixture(scope="session", autouse=True)
def one_request_at_a_time() -> Iterator[None]:
    """All threads of the test server share one in-memory database, where transactions must not overlap."""
    answer, lock = WSGIHandler.get_response, threading.Lock()

    def answer_in_turn(self: WSGIHandler, request: Any) -> Any:
        with lock:
            return answer(self, request)

    WSGIHandler.get_response = answer_in_turn
    yield
    WSGIHandler.get_response = answer


@pytest.fixture
def quiet_server(live_server: Any) -> Iterator[str]:
    """The server's address; the test ends only when every request has been answered, for its database goes then."""
    under_way: list[None] = []

    def begun(**_: Any) -> None:
        under_way.append(None)

    def ended(**_: Any) -> None:
        under_way.pop()

    request_started.connect(begun)
    request_finished.connect(ended)
    yield live_server.url
    for _ in range(100):
        time.sleep(0.02)
        if not under_way:
            break
    request_started.disconnect(begun)
    request_finished.disconnect(ended)


@pytest.fixture
def reading_room(page: Page, context: BrowserContext, quiet_server: str) -> Iterator[Callable[..., ReadingRoom]]:
    """Make a reading room: reading_room(total=6, bits=12, page=...). One study a test."""

    def make(page: Page = page, **study: Any) -> ReadingRoom:
        trial = Trial(**study)
        page.context.add_cookies([session_cookie(trial.reader, quiet_server)])
        return ReadingRoom(page, trial, quiet_server)

    yield make
    for opened in context.pages:
        opened.close()  # before its study


@pytest.fixture
def window(browser: Browser) -> Any:
    """A page in a window of its own: window(width, height, scale, touch)."""
    contexts = []

    def open_window(width: int, height: int, scale: float = 1, touch: bool = False, **more: Any) -> Page:
        contexts.append(browser.new_context(
            viewport={"width": width, "height": height}, device_scale_factor=scale, has_touch=touch, **more
        ))  # fmt: skip
        return contexts[-1].new_page()

    yield open_window
    for context in contexts:
        context.close()
