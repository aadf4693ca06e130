"""People in a real browser: how they log in and join, and how readers read by keyboard, also when things break."""

import os
import random
import re
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
from PIL import Image
from playwright.sync_api import BrowserContext, BrowserType, Locator, Page, Request, expect

from tests.browser.conftest import SCREENSHOTS, take_picture

DOCS_IMAGES = Path(__file__).parents[2] / "docs" / "images"
PASSWORD = "chest-film-42"
QUESTIONS = ("confidence", "feature")
VIEWPORT = {"width": 1366, "height": 768}


def photograph(page: Page | Locator, name: str) -> None:
    """A screenshot to look at; with DOCS_IMAGES set, those that docs/images has are made anew, in few colours."""
    SCREENSHOTS.mkdir(exist_ok=True)
    take_picture(page, SCREENSHOTS / f"walk-{name}.png")
    if os.environ.get("DOCS_IMAGES") and (DOCS_IMAGES / f"{name}.png").exists():
        with Image.open(SCREENSHOTS / f"walk-{name}.png") as picture:
            few = picture.convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
            few.save(DOCS_IMAGES / f"{name}.png", optimize=True)


def log_in(page: Page, address: str, name: str) -> None:
    page.goto(f"{address}/accounts/login/")
    page.get_by_label("User name or email").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "login" not in url)


def accept(page: Page, link: str) -> None:
    page.goto(link)
    for field in ("new_password1", "new_password2"):
        page.fill(f"[name={field}]", PASSWORD)
    page.get_by_role("button", name="Join").click()


# (reader, read, position, method, question) -> score: a reader never sees the number of an example.
Given = dict[tuple[str, int, int, str, str], int]


class Reader:
    """A reader at the keyboard, who writes down what they answered to what."""

    def __init__(self, context: BrowserContext, address: str, slug: str, total: int) -> None:
        self.list_page, self.total, self.code = f"{address}/reading/{slug}/", total, ""
        self.address = address
        self.answers: Given = {}
        self.seen: set[str] = set()
        self.use(context)

    def use(self, context: BrowserContext) -> None:
        self.context = context
        self.page = context.pages[0] if context.pages else context.new_page()
        self.last_traffic = time.monotonic()
        for event in ("request", "requestfinished", "requestfailed"):
            self.page.on(event, self.heard)

    def heard(self, request: Request) -> None:
        self.last_traffic = time.monotonic()

    def let_the_browser_fetch_ahead(self) -> None:
        """People look for longer than a test does: the next examples have arrived before anything goes wrong."""
        while time.monotonic() < self.last_traffic + 0.5:
            self.page.wait_for_timeout(100)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def join(self, link: str, name: str) -> None:
        page, self.name = self.page, name
        accept(page, link)
        page.get_by_label("I have read this and agree to take part.").check()
        self.press("Enter")
        page.get_by_label("Specialty").fill("thoracic radiology")
        page.get_by_label("Years of experience").fill("11")
        page.get_by_label("Experience with AI").select_option("tried")
        page.get_by_role("button", name="Save and go on").click()
        photograph(page, "instructions")
        page.get_by_role("button", name="I have read this").click()
        self.code = re.search(r"You are reader (R\d+)", page.inner_text("main"))[1]

    def practise(self) -> None:
        self.start()
        for position in (1, 2):
            self.wait_for(position)
            self.press("3", "3", "Enter")
            expect(self.page.locator("#feedback")).to_be_visible()
            if position == 1:
                photograph(self.page, "practice")
            self.press("Enter")
        self.finish("Practice is finished")

    def read_everything(self) -> None:
        rng = random.Random(self.name)
        for number in (1, 2):
            self.start()
            self.read(rng, number)
            self.finish(f"Read {number} of 2 is finished")
        expect(self.page.locator("main")).to_contain_text("You have finished every read")

    def start(self) -> None:
        """From the reading list, whose one button has the focus, past the check of the screen."""
        page = self.page
        page.locator("button:focus").wait_for()
        self.press("Enter")
        page.wait_for_selector("body[data-shown], #display-dialog[open]")
        if page.locator("#display-dialog[open]").count():
            self.press("Space", "Tab", "ArrowRight", "Enter")  # yes to one square; to the other: no

    def read(self, rng: random.Random, number: int) -> None:
        for position in range(1, self.total + 1):
            self.wait_for(position)
            if position > 1 and self.method() not in self.seen:
                self.seen.add(self.method())
                expect(self.page.locator("#save-state")).to_contain_text("Saved")
                photograph(self.page, f"reading-room-method-{self.method().lower()}")
            self.answer(rng, number, position)

    def wait_for(self, position: int) -> None:
        self.page.wait_for_selector(f"body[data-shown='{position}']", timeout=15_000)

    def method(self) -> str:
        return "A" if "Method A" in self.page.inner_text("#facts") else "B"

    def answer(self, rng: random.Random, read: int, position: int) -> None:
        """Two answers, with B a little higher than A; written down before they are typed."""
        method = self.method()
        for question in QUESTIONS:
            score = rng.randint(2, 5) if method == "B" else rng.randint(1, 4)
            self.answers[self.code, read, position, method, question] = score
            self.press(str(score))
        self.press("Enter")

    def finish(self, said: str) -> None:
        dialog = self.page.locator("#ask-dialog")
        expect(dialog.get_by_role("button", name="Stay here")).to_be_focused()
        self.press("Tab", "Enter")
        expect(self.page.locator("#message")).to_contain_text(said, timeout=15_000)
        self.press("Enter")
        self.page.wait_for_url(self.list_page)


class KilledReader(Reader):
    """In the first read the network is cut for three examples; later the browser dies with answers not yet sent."""

    def __init__(self, kind: BrowserType, arguments: dict[str, Any], folder: Path, *place: Any) -> None:
        self.kind, self.arguments, self.folder = kind, arguments, folder
        super().__init__(self.launch(), *place)

    def launch(self) -> BrowserContext:
        return self.kind.launch_persistent_context(str(self.folder), **self.arguments, viewport=VIEWPORT)

    def read(self, rng: random.Random, number: int) -> None:
        if number > 1:
            super().read(rng, number)
            return
        for position in range(1, self.total + 1):
            self.wait_for(position)
            if position in (3, 6):
                self.let_the_browser_fetch_ahead()
                self.context.set_offline(True)
            self.answer(rng, number, position)
            if position == 5:
                expect(self.page.locator("#save-state")).to_contain_text("Not sent yet")
                photograph(self.page, "network-cut")
                self.context.set_offline(False)
                expect(self.page.locator("#save-state")).to_contain_text("Saved", timeout=20_000)
            if position == 7:
                self.wait_for(8)
                expect(self.page.locator("#save-state")).to_contain_text("Not sent yet: 4")
                self.die_and_come_back()

    def die_and_come_back(self) -> None:
        family = [(process, process.cmdline()) for process in psutil.Process().children(recursive=True)]
        browser = [  # and, where there is one, the script that started it and waits for its end
            process
            for process, words in family
            if f"--user-data-dir={self.folder}" in words and not any(word.startswith("--type=") for word in words)
        ]
        assert browser
        for process in browser:
            process.kill()
        assert not psutil.wait_procs(browser, timeout=10)[1]
        with suppress(Exception):  # the browser behind it is gone
            self.context.close()
        self.use(self.launch())
        self.page.goto(self.list_page)
        if "login" in self.page.url:  # a browser that crashed may or may not remember who was logged in
            log_in(self.page, self.address, self.name)
            self.page.goto(self.list_page)
        self.start()
