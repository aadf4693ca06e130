"""How long a reader looked, and what they did, is stored however reading ends; a telephone call is not reading."""

import time
from collections import Counter
from collections.abc import Callable

import pytest
from django.db.models import Sum
from playwright.sync_api import Page, expect

from readerstudy.reading.models import Visit
from tests.browser.conftest import ReadingRoom
from tests.browser.trial import SLUG

Make = Callable[..., ReadingRoom]


class Clock:
    """The page's clock runs by itself and can be put forward; what it shows since the opening lies within bounds."""

    def __init__(self, room: ReadingRoom) -> None:
        self.room, self.added = room, 0
        room.page.clock.install()
        room.open()
        room.wait_until(Visit.objects.exists)
        self.shown = time.monotonic()

    def forward(self, seconds: int) -> None:
        self.room.page.clock.fast_forward(1000 * seconds)
        self.added += 1000 * seconds

    @property
    def most(self) -> float:
        """Milliseconds: what was added, the time since, and what loading may have taken."""
        return self.added + 1000 * (time.monotonic() - self.shown) + 12_000


def totals(position: int = 1) -> dict[str, int]:
    sums = Visit.objects.filter(assignment__position=position).aggregate(Sum("visible_ms"), Sum("idle_ms"))
    return {name.removesuffix("_ms__sum"): value or 0 for name, value in sums.items()}


def actions(position: int = 1) -> Counter[str]:
    done: Counter[str] = Counter()
    for visit in Visit.objects.filter(assignment__position=position):
        done.update(visit.actions)
    return done


def pause(page: Page) -> None:
    page.get_by_role("link", name="Pause").click()
    page.wait_for_url(f"**/reading/{SLUG}/")


LEAVING: dict[str, Callable[[Page], object]] = {
    "pause": pause,
    "reload": lambda page: page.reload(),
    "back": lambda page: page.go_back(),
    "close": lambda page: page.close(run_before_unload=True),
}


@pytest.mark.parametrize("answered", [False, True], ids=["not answered", "answered"])
@pytest.mark.parametrize("leave", LEAVING.values(), ids=LEAVING)
def test_time_and_actions_are_stored_however_the_reader_leaves(
    reading_room: Make, leave: Callable[[Page], object], answered: bool
) -> None:
    room = reading_room()
    room.page.goto(f"{room.address}/reading/{SLUG}/")  # what Back goes to
    clock = Clock(room)
    room.press("i")
    if answered:
        room.press("4")
        room.all_saved()
    clock.forward(7)
    room.press("i", "i")
    most = clock.most
    keeper = room.page.context.new_page()  # so that closing the page does not close the browser
    room.page.bring_to_front()
    leave(room.page)
    deadline = time.monotonic() + 10
    while (totals()["visible"] < 7000 or actions()["invert"] < 3) and time.monotonic() < deadline:
        keeper.wait_for_timeout(50)
    assert 7000 <= totals()["visible"] <= most
    assert totals()["idle"] == 0
    assert actions()["invert"] == 3


def test_the_record_is_kept_every_ten_seconds(reading_room: Make) -> None:
    room = reading_room()
    clock = Clock(room)
    room.press("o")
    for seconds in (11, 22):
        clock.forward(11)
        room.wait_until(lambda least=1000 * seconds: totals()["visible"] >= least)
        assert totals()["visible"] <= clock.most
    assert actions() == {"overlay": 1}


def test_a_pause_and_a_second_look_are_summed(reading_room: Make) -> None:
    room = reading_room()
    clock = Clock(room)
    clock.forward(5)
    pause(room.page)
    room.open()
    clock.forward(6)
    room.press("4", "2", "Enter")
    room.wait_for(2)
    room.wait_until(lambda: totals()["visible"] >= 11_000)
    assert totals()["visible"] <= clock.most
    assert Visit.objects.filter(assignment__position=1).count() == 2


def test_a_telephone_call_is_idle_time(reading_room: Make) -> None:
    room = reading_room()
    clock = Clock(room)
    room.press("i")
    clock.forward(30)
    room.press("i")
    clock.forward(95)  # 60 s may be looking, 35 are not
    room.page.mouse.move(300, 300)
    room.page.mouse.move(310, 310)
    clock.forward(20)
    room.press("4", "2", "Enter")
    room.wait_for(2)
    room.wait_until(lambda: totals()["visible"] >= 145_000)
    assert totals()["visible"] <= clock.most
    assert 35_000 <= totals()["idle"] <= clock.most - 110_000


def test_a_page_that_nobody_uses_keeps_no_session_alive(reading_room: Make) -> None:
    """Sessions end after a time without requests: an unattended page makes none by itself."""
    room = reading_room()
    clock = Clock(room)
    clock.forward(11)
    room.wait_until(lambda: totals()["visible"] >= 11_000)
    clock.forward(60)
    before = len(room.requests)
    for _ in range(6):
        clock.forward(600)
    room.page.wait_for_timeout(300)
    assert room.requests[before:] == []
    room.press("i")
    clock.forward(11)
    room.wait_until(lambda: totals()["idle"] >= 3_600_000)
    assert totals()["visible"] - totals()["idle"] <= clock.most - 3_600_000


def test_the_time_under_a_dialog_is_neither_looking_nor_idle(reading_room: Make) -> None:
    room = reading_room()
    clock = Clock(room)
    room.press("?")
    clock.forward(300)
    room.press("Escape")
    expect(room.page.locator("#help-dialog")).to_be_hidden()
    pause(room.page)
    room.wait_until(lambda: totals()["visible"] > 0)
    assert totals()["visible"] < 100_000
    assert totals()["idle"] == 0


def test_an_answer_given_as_the_page_closes_arrives(reading_room: Make) -> None:
    """The disk may not answer a page that is going away: the request goes without it."""
    room = reading_room()
    page = room.open()
    room.wait_until(Visit.objects.exists)
    page.evaluate("() => { IDBDatabase.prototype.transaction = () => ({ objectStore: () => ({ add: () => ({}) }) }); }")
    keeper = page.context.new_page()
    page.bring_to_front()
    room.press("ArrowRight", "ArrowRight")  # not come to rest
    page.close(run_before_unload=True)
    deadline = time.monotonic() + 10
    while not room.scores() and time.monotonic() < deadline:
        keeper.wait_for_timeout(50)
    assert room.scores() == [(1, "confidence", 2, 1)]
