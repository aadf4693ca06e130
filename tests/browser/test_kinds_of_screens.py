"""Touch screens, phones, and the colours that people force upon pages."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import ReadingRoom
from tests.browser.test_viewer import middle, settle
from tests.browser.test_viewer import pixels as canvas_pixels

Make = Callable[..., ReadingRoom]


def test_targets_are_44_px_on_touch_screens(reading_room: Make, window: Any) -> None:
    room = reading_room(page=window(1024, 768, 1, True), total=2, practice=0)
    page = room.open()
    small = """() => [...document.querySelectorAll("button, a, input, label.choice, label.check")].filter((e) => {
        if (!e.checkVisibility({ visibilityProperty: true })) return false;
        const b = (e.closest("label") ?? e).getBoundingClientRect();
        return b.width < 43.5 || b.height < 43.5;
    }).map((e) => e.outerHTML.slice(0, 90))"""
    for position in (1, 2):
        room.wait_for(position)
        for keys in ((), ("s",), ("e",), ("Escape",), ("Escape",)):
            room.press(*keys)
            settle(page)
            assert page.evaluate(small) == []
        room.press("?")
        assert page.evaluate(small) == []
        room.press("Escape", "4", "4", "Enter")


def test_one_finger_moves_after_a_pinch(reading_room: Make, window: Any) -> None:
    room = reading_room(page=window(1366, 768, 1, True))
    page = room.open()
    touch = page.context.new_cdp_session(page)

    def fingers(kind: str, *points: tuple[float, float]) -> None:
        at = [{"x": px, "y": py, "id": i} for i, (px, py) in enumerate(points)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})

    def moved(before: np.ndarray) -> int:
        """How many pixels down the picture has gone since, its greys unchanged; negative: up."""
        after, side = canvas_pixels(page, "input").astype(int), len(before)
        differences = {}
        for by in range(-90, 91):
            then, now = (before[: side - by], after[by:]) if by >= 0 else (before[-by:], after[:by])
            differences[by] = np.abs(now - then).mean()
        best = min(differences, key=lambda by: differences[by])
        assert differences[best] < 10, "the same picture elsewhere, resampled; a window set as far changes it by 40"
        return best

    x, y, _ = middle(page)
    fingers("touchStart", (x - 20, y), (x + 20, y))
    for spread in (30, 45, 60):
        fingers("touchMove", (x - spread, y), (x + spread, y))
    settle(page)
    before = canvas_pixels(page, "input")
    fingers("touchMove", (x - 60, y))  # the other is lifted
    for down in (20, 40, 60):
        fingers("touchMove", (x - 60, y + down))
        settle(page)
    fingers("touchEnd")
    settle(page)
    assert moved(before) > 15, "the finger that is left moves the image"
    before = canvas_pixels(page, "input")
    fingers("touchStart", (x, y))
    for up in (20, 40, 60):
        fingers("touchMove", (x, y - up))
        settle(page)
    fingers("touchEnd")
    settle(page)
    assert moved(before) < -15, "and so does the next one"
    expect(page.get_by_role("button", name="Drag: move")).to_be_visible()
    room.press("r")
    expect(page.get_by_role("button", name="Drag: window")).to_be_visible()


def test_forced_colours_show_what_is_chosen_pressed_and_current(reading_room: Make) -> None:
    room = reading_room(total=1)
    room.page.emulate_media(forced_colors="active")
    page = room.open()
    room.press("4")
    settle(page)
    look = """(e) => { const s = getComputedStyle(e); return [s.backgroundColor, s.outlineStyle, s.outlineWidth]; }"""

    def looks(selector: str) -> list[list[str]]:
        return page.locator(selector).evaluate_all(f"(all) => all.map({look})")

    chosen, others = looks(".choice input:checked + span"), looks(".choice input:not(:checked) + span")
    assert chosen[0][0] not in {other[0] for other in others}
    outlined = page.locator(".question").evaluate_all("(all) => all.map((e) => getComputedStyle(e).outlineStyle)")
    assert outlined == ["none", "solid"], "only the question that is next"
    assert looks("button[aria-pressed=true]")[0][0] != looks("button[aria-pressed=false]")[0][0]
    ground = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    assert (
        page.evaluate(
            "() => getComputedStyle(document.querySelector('.toolbar input[type=range]'),"
            " '::-webkit-slider-runnable-track').backgroundColor"
        )
        != ground
    )
    room.photograph("forced-colours")


@pytest.mark.parametrize(
    ("screen", "viewport", "touch", "refused"),
    [
        ((393, 851), (980, 2123), True, True),  # a phone that asks for the desktop page
        ((851, 393), (851, 393), True, True),
        ((744, 1133), (744, 1133), True, False),  # a small tablet
        ((1366, 768), (342, 192), False, False),  # a laptop at 400 %
        ((1024, 768), (320, 256), True, False),  # a window of a tablet, however small
    ],
)
def test_phones_are_told_that_the_study_needs_a_larger_screen(
    reading_room: Make, window: Any, screen: tuple[int, int], viewport: tuple[int, int], touch: bool, refused: bool
) -> None:
    sizes = {"width": screen[0], "height": screen[1]}
    room = reading_room(page=window(*viewport, 1, touch, screen=sizes), total=1, needs_large_screen=True)
    page = room.open(check=False)
    if refused:
        expect(page.locator("#message")).to_contain_text("This study needs a larger screen")
        assert not [request for request in room.requests if "/assignments/" in request]
        room.trial.change(needs_large_screen=False)  # as studies from before the setting have it
        page.reload()
    page.locator("#display-dialog[open]").wait_for()
