"""What the reader set up stays from example to example; what belongs to an image does not. And the animation's pace."""

from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ReadingRoom
from tests.browser.test_viewer import frame_shown, pixels, settle

Make = Callable[..., ReadingRoom]
SLOW_ENOUGH_MS = 700


def overlay(page: Page) -> str | None:
    return page.get_by_role("button", name="Overlay").get_attribute("aria-pressed")


def test_overlay_opacity_and_invert_live_on_and_one_key_resets(reading_room: Make) -> None:
    room = reading_room(total=3)
    page = room.open()
    first = pixels(page)
    room.press("[", "[", "o", "i", "+")
    settle(page)
    room.read_on(1, 3, 3)
    room.wait_for(2)
    assert overlay(page) == "false" and page.get_by_label("Overlay opacity").input_value() == "60"
    assert np.abs(255 - pixels(page).astype(int) - first).max() <= 1, "inverted, and the whole field again"
    assert np.array_equal(pixels(page, "latentshift_map"), pixels(page))
    room.press("r")
    settle(page)
    assert overlay(page) == "true" and page.get_by_label("Overlay opacity").input_value() == "80"
    assert np.array_equal(pixels(page), first)
    room.wait_until(lambda: bool(room.trial.visit(2)))
    view = room.trial.visit(2).display["view"]
    assert view["overlay"] is False and abs(view["opacity"] - 0.6) < 1e-9 and view["window"]["invert"] is True


def test_an_overlay_that_is_off_at_first_is_off_in_every_example(reading_room: Make) -> None:
    room = reading_room(total=3, overlay_at_first=False)
    page = room.open()
    assert overlay(page) == "false" and np.array_equal(pixels(page, "input_gradient"), pixels(page))
    room.press("o", "]")
    settle(page)
    assert overlay(page) == "true"
    room.read_on(1, 3, 3)
    room.wait_for(2)
    assert overlay(page) == "false" and page.get_by_label("Overlay opacity").input_value() == "90"
    room.press("o", "r")
    settle(page)
    assert overlay(page) == "false", "reset is how an example begins"


def test_the_grey_window_lives_on_as_an_offset_from_each_images_own(reading_room: Make) -> None:
    room = reading_room(total=1)
    windows = room.open().evaluate(
        """async () => {
            const { ViewState } = await import("/static/reading/view_state.js");
            const state = new ViewState();
            const seen = [];
            const look = () => seen.push([state.window.centre, state.window.width, state.window.invert]);
            state.startAt({ bits: 12, window: [1000, 3000] });
            state.windowBy(0.1, 0.5);  // brighter by a tenth of the width, twice as wide
            look();
            state.startAt({ bits: 8, window: [0, 255] });
            look();
            state.startAt({ bits: 8, window: [100, 110] });
            state.invert();
            look();
            state.startAt({ bits: 12, window: [1000, 3000] });
            look();
            state.reset();
            look();
            return seen;
        }"""
    )
    home, factor = (
        np.array([[2000 / 4095, 2000 / 4095], [0.5, 1], [105 / 255, 10 / 255], [2000 / 4095, 2000 / 4095]]),
        2,
    )
    shift = (windows[0][0] - home[0][0]) / home[0][1]
    assert shift == pytest.approx(-0.1 * min(1, home[0][1]) / home[0][1])
    for (centre, width), seen, invert in zip(home, windows[:4], (False, False, True, True), strict=True):
        assert seen == [pytest.approx(centre + shift * width), pytest.approx(factor * width), invert]
    assert windows[4] == [pytest.approx(home[0][0]), pytest.approx(home[0][1]), False]


def test_a_legend_stands_under_each_map_and_no_other_panel(reading_room: Make) -> None:
    room = reading_room(total=1, heatmap_scale="brightening")
    page = room.open()
    expect(page.locator(".panel[data-form=still] .legend")).to_have_count(3)
    expect(page.locator(".panel:not([data-form=still]) .legend")).to_have_count(0)
    assert page.locator(".legend").first.inner_text().split() == ["weaker", "stronger"]
    # The stimuli here came without their float maps, so their colours are those they were stored in.
    bar = page.locator(".legend-bar").first.evaluate("(bar) => getComputedStyle(bar).backgroundImage")
    assert bar.startswith("linear-gradient(to right, rgb(252, 138, 106)") and bar.endswith("rgb(103, 0, 13))")
    page.get_by_role("button", name="What is this? Input gradients").click()
    expect(page.locator("dialog[open]")).to_contain_text("Always the strongest 5 % of pixels")
    assert room.troubles == []


def frames_in(page: Page, milliseconds: int) -> int:
    """How often the animation moves on in a time by the page's own clock."""
    moves: int = page.evaluate(
        """(milliseconds) => new Promise((resolve) => {
            const slider = document.querySelector("[data-form=animation] input[type=range]");
            const begun = performance.now();
            let [last, moves] = [slider.value, 0];
            const look = () => {
                if (slider.value !== last) { moves += 1; last = slider.value; }
                if (performance.now() - begun < milliseconds) setTimeout(look, 5); else resolve(moves);
            };
            look();
        })""",
        milliseconds,
    )
    return moves


def test_the_animation_has_three_speeds_which_live_on(reading_room: Make) -> None:
    room = reading_room(total=4)
    page = room.open()
    room.read_on(1, 3, 3)
    room.wait_for(2)
    speed = page.get_by_role("button", name="Speed of the animation")
    asked = page.evaluate(
        """() => { window.paces = []; const real = window.setInterval;
            window.setInterval = (work, pace) => { paces.push(pace); return real(work, pace); }; }"""
    )
    assert asked is None and speed.inner_text() == "1×"
    room.press("f")
    assert speed.inner_text() == "2×"
    room.press("f")
    assert speed.inner_text() == "½×"
    assert page.evaluate("() => paces") == [50, 200]
    room.read_on(2, 3, 3)
    room.read_on(3, 3, 3)
    room.wait_for(4)
    assert speed.inner_text() == "½×" and page.evaluate("() => paces").count(200) == 2
    speed.click()
    assert speed.inner_text() == "1×" and page.evaluate("() => paces.at(-1)") == 100
    room.press("a", "f")
    expect(page.get_by_role("button", name="Play the animation")).to_be_visible()  # a speed does not start it


def test_the_animation_stands_behind_a_dialog(reading_room: Make) -> None:
    room = reading_room(total=2)
    page = room.open()
    room.read_on(1, 3, 3)
    room.wait_for(2)
    assert frames_in(page, SLOW_ENOUGH_MS) > 0
    room.press("?")
    page.locator("#help-dialog[open]").wait_for()
    shown = frame_shown(page)
    assert frames_in(page, SLOW_ENOUGH_MS) == 0 and frame_shown(page) == shown
    room.press("Escape")
    assert frames_in(page, SLOW_ENOUGH_MS) > 0


def test_no_digits_flicker_while_the_animation_plays(reading_room: Make) -> None:
    room = reading_room(total=2, show_frame_predictions=True)
    page = room.open()
    room.read_on(1, 3, 3)
    room.wait_for(2)
    readout = page.locator("[data-form=animation] output")
    seen = {readout.inner_text() for _ in range(8) if not page.wait_for_timeout(90)}
    assert seen == {""}
    room.all_saved()  # what the footer says has its final length
    settle(page)
    box = page.locator("[data-form=animation] .track").bounding_box()
    room.press("a")
    settle(page)
    assert readout.inner_text() != ""
    assert page.locator("[data-form=animation] .track").bounding_box() == box, "nothing moves when the digits come"
