"""The study's instrument: what is on the screen is what was sent, and every way of handling it works."""

import base64
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import ReadingRoom
from tests.browser.stimuli import average

Make = Callable[..., ReadingRoom]
PANEL = ".panel[data-panel={}] canvas:not(.loupe)"


def pixels(page: Page, panel: str = "input") -> np.ndarray:
    """What a panel's canvas shows: side x side x 3, uint8."""
    url = page.locator(PANEL.format(panel)).evaluate("(canvas) => canvas.toDataURL('image/png')")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))).convert("RGB"))


def image_url(room: ReadingRoom) -> str:
    facts = room.page.evaluate("async () => (await fetch('/api/reading/chest/assignments/1/')).json()")
    return facts["case"]["image"]["url"]


def settle(page: Page) -> None:
    """Two frames later, everything asked for is drawn."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def middle(page: Page, panel: str = "input") -> tuple[float, float, float]:
    box = page.locator(PANEL.format(panel)).bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, box["width"]


def drag(page: Page, dx: float, dy: float, button: str = "left") -> None:
    x, y, _ = middle(page)
    page.mouse.move(x, y)
    page.mouse.down(button=button)
    page.mouse.move(x + dx / 2, y + dy / 2)
    page.mouse.move(x + dx, y + dy)
    page.mouse.up(button=button)
    settle(page)


@pytest.mark.parametrize("bits", [8, 12])
def test_every_pixel_value_arrives_and_goes_through_the_table(reading_room: Make, bits: int) -> None:
    room = reading_room(total=1, bits=bits, size=(300, 340))
    page = room.open()
    decoded = page.evaluate(
        """async ([url, facts]) => {
            const { decodeImage } = await import("/static/reading/pixels.js");
            const { buildLut, FULL_WINDOW } = await import("/static/reading/lut.js");
            const image = await decodeImage(await (await fetch(url)).blob(), facts);
            const narrow = buildLut(facts.bits, { centre: 0.5, width: 0.01, invert: false });
            const greys = (lut) => [...lut].map((pixel) => pixel & 255).join();
            const full = greys(buildLut(facts.bits, FULL_WINDOW));
            return { samples: image.samples.join(), full, narrow: greys(narrow) };
        }""",
        [image_url(room), {"bits": bits, "width": 300, "height": 340}],
    )
    sent = room.trial.pixels if bits == 12 else room.trial.pixels >> 4
    samples, full, narrow = (np.fromstring(decoded[name], sep=",") for name in ("samples", "full", "narrow"))
    assert np.array_equal(samples.reshape(340, 300), sent)
    top = 2**bits - 1
    assert np.array_equal(full, np.floor(255 * np.arange(top + 1) / top + 0.5))
    assert len(set(narrow)) >= (40 if bits == 12 else 3), "a window of 1 % still has all its grey levels"


def test_panels_show_the_field_of_view_with_maps_area_true(reading_room: Make) -> None:
    room = reading_room(size=(640, 768))
    page = room.open()
    crop = room.trial.crop
    shown = pixels(page).astype(float)
    field = room.trial.pixels[crop["y"] : crop["y"] + crop["size"], crop["x"] : crop["x"] + crop["size"]] * (255 / 4095)
    side = shown.shape[0]
    rows = ((np.arange(side) + 0.5) * crop["size"] / side).astype(int)
    assert np.abs(shown[..., 0] - field[np.ix_(rows, rows)]).mean() < 6  # the same picture, scaled
    assert np.array_equal(shown[..., 0], shown[..., 1]), "the radiograph is grey"
    with_map = pixels(page, "input_gradient").astype(float)
    layer = np.asarray(Image.open(io.BytesIO(room.trial.files["input_gradient"])))
    share = average(layer, 0, 0, side, side)[..., 3:] / 255
    # Area-true: each screen pixel is mixed with 0.8 of the layer's red by the share of it that the map covers.
    expected = shown + 0.8 * share * (np.array([222, 45, 38]) - shown)
    assert share.max() == 1 and np.abs(with_map - expected).max() <= 2
    room.press("o")
    settle(page)
    assert np.array_equal(pixels(page, "input_gradient"), pixels(page))
    room.press("]", "]")
    settle(page)
    assert page.get_by_label("Overlay opacity").input_value() == "100"
    full = pixels(page, "input_gradient")[share[..., 0] == 1]
    assert np.abs(full - np.array([222.0, 45, 38])).max() <= 2


def test_zoom_keeps_the_point_under_the_cursor_in_every_panel(reading_room: Make) -> None:
    room = reading_room()
    page = room.open()
    x, y, width = middle(page)
    at = (0.3, 0.7)
    u, v = x + (at[0] - 0.5) * width, y + (at[1] - 0.5) * width
    before = pixels(page)
    page.mouse.move(u, v)
    page.mouse.wheel(0, -600)
    settle(page)
    after = pixels(page)
    side = before.shape[0]
    row, column = int(at[1] * side), int(at[0] * side)
    spot = np.s_[row - 2 : row + 3, column - 2 : column + 3]
    assert abs(before[spot].mean() - after[spot].mean()) < 12 and not np.array_equal(before, after)
    assert np.array_equal(pixels(page, "input_gradient")[:40, :40], after[:40, :40]), "the panels are linked"
    zoomed = after
    page.get_by_role("button", name="Move right").click()
    settle(page)
    moved = pixels(page)
    assert not np.array_equal(moved, zoomed)
    room.press("Shift+ArrowLeft")
    settle(page)
    assert np.abs(pixels(page).astype(int) - zoomed).mean() < 0.5
    room.press("r")
    settle(page)
    assert np.array_equal(pixels(page), before)


def test_zooming_in_reaches_every_pixel_of_a_large_radiograph(reading_room: Make) -> None:
    """Small panels draw from a reduced copy; magnified, each pixel is the original's."""
    room = reading_room(total=1, size=(1300, 1400))
    page = room.open()
    assert page.evaluate("() => document.querySelector('.view').clientWidth") < 1300 / 2
    for _ in range(15):
        room.press("+")
    settle(page)
    shown = pixels(page)[..., 0].astype(float)
    crop, side = room.trial.crop, shown.shape[0]
    first = crop["size"] * (0.5 - 1 / 32)  # of the visible square, 16 times magnified
    numbers = np.arange(np.ceil(first) + 1, first + crop["size"] / 16 - 2).astype(int)
    centres = ((numbers + 0.5 - first) * side * 16 / crop["size"]).astype(int)
    sent = room.trial.pixels[np.ix_(crop["y"] + numbers, crop["x"] + numbers)] * (255 / 4095)
    assert np.abs(shown[np.ix_(centres, centres)] - sent).mean() < 1


@pytest.mark.parametrize(("direction", "sense"), [("standard", 1), ("inverted", -1)])
def test_dragging_sets_window_and_level(reading_room: Make, direction: str, sense: int) -> None:
    room = reading_room(drag_direction=direction)
    page = room.open()
    page.keyboard.press("t")  # the right button does the other thing: now the window
    before = pixels(page).astype(float)
    drag(page, 0, 60, "right")
    assert np.sign(pixels(page).mean() - before.mean()) == -sense, "standard: down darkens"
    room.press("r")
    drag(page, 60, 0, "right")
    assert np.sign(pixels(page).std() - before.std()) == -sense, "standard: right widens, so contrast falls"
    room.press("r", "i")
    settle(page)
    assert np.abs(255 - pixels(page).astype(int) - before).max() <= 1
    page.get_by_role("button", name="Brighter").click()
    settle(page)
    assert pixels(page).mean() > (255 - before).mean(), "brighter is brighter, inverted or not"
    room.press("Backspace")  # nothing before the first example
    assert room.page.locator("body").get_attribute("data-shown") == "1"


def test_a_panel_is_enlarged_by_click_and_key_and_the_whole_radiograph_shown(reading_room: Make) -> None:
    room = reading_room()
    page = room.open()
    small = middle(page)[2]
    # A double click is not two clicks, though the page has moved a question under the pointer meanwhile.
    page.locator(PANEL.format("guided_backprop")).dblclick()
    assert page.evaluate("() => document.activeElement.dataset.question") == "confidence"
    settle(page)
    assert middle(page, "guided_backprop")[2] > 1.5 * small
    expect(page.locator(PANEL.format("input"))).to_be_hidden()
    room.photograph("enlarged-1366")
    room.press("4", "3")
    assert room.chosen() == ["4", "3"], "answering goes on beside the enlarged image"
    room.press("Escape")
    expect(page.locator(PANEL.format("input"))).to_be_visible()
    room.press("w")
    settle(page)
    room.photograph("whole-1366")
    whole = pixels(page)
    assert whole[0, whole.shape[0] // 2].max() > 0 and whole[whole.shape[0] // 2, 0].max() == 0, (
        "portrait, black beside"
    )
    room.press("w", "p", "p")
    expect(page.locator(PANEL.format("input_gradient"))).to_be_visible()
    expect(page.locator(PANEL.format("guided_backprop"))).to_be_hidden()
    page.get_by_role("button", name="Enlarge: Input gradients").click()
    expect(page.locator(PANEL.format("guided_backprop"))).to_be_visible()


def frame_shown(page: Page) -> int:
    """The strip has each frame's number written into its first pixels."""
    return round(int(pixels(page, "latentshift_animation")[3, 3, 0]) / 20)


def test_the_animation_plays_pauses_and_steps_from_less_to_more(reading_room: Make) -> None:
    room = reading_room(show_frame_predictions=True)
    page = room.open()
    room.read_on(1, 3, 3)
    room.wait_for(2)
    seen = set()
    for _ in range(12):
        seen.add(frame_shown(page))
        page.wait_for_timeout(100)
    assert len(seen) > 4
    room.press("a", "z")
    settle(page)
    readout = page.locator("output.frame-readout")
    assert readout.inner_text() == "unchanged, 40 %" and frame_shown(page) == 8
    room.press(",")
    settle(page)
    assert readout.inner_text() == "less, 35 %" and frame_shown(page) == 7
    page.get_by_label("Latent Shift animation: frame").fill("10")
    settle(page)
    page.get_by_role("button", name="Next frame").click()
    settle(page)
    assert readout.inner_text() == "more, 50 %" and frame_shown(page) == 10, "the end is the end"
    page.get_by_role("button", name="Play the animation").click()
    page.wait_for_timeout(2300)
    room.read_on(2, 3, 3)
    room.wait_until(lambda: room.trial.visit(2).animation_loops >= 1)
    assert room.trial.visit(2).actions["step"] >= 3


def test_reduced_motion_starts_paused_at_the_unchanged_frame(reading_room: Make) -> None:
    room = reading_room()
    room.page.emulate_media(reduced_motion="reduce")
    page = room.open()
    room.read_on(1, 3, 3)
    room.wait_for(2)
    expect(page.get_by_role("button", name="Play the animation")).to_be_visible()
    assert frame_shown(page) == 8
    page.wait_for_timeout(300)
    assert frame_shown(page) == 8
    assert page.locator("output.frame-readout").inner_text() == "unchanged"


def test_touch_pinches_drags_and_taps(reading_room: Make, browser: Any) -> None:
    context = browser.new_context(has_touch=True, viewport={"width": 1366, "height": 768})
    room = reading_room(page=context.new_page())
    page = room.open()
    x, y, width = middle(page)
    touch = context.new_cdp_session(page)

    def fingers(kind: str, *points: tuple[float, float]) -> None:
        at = [{"x": px, "y": py, "id": i} for i, (px, py) in enumerate(points)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})

    before = pixels(page)
    fingers("touchStart", (x - 20, y), (x + 20, y))
    for spread in (30, 45, 60):
        fingers("touchMove", (x - spread, y), (x + spread, y))
    fingers("touchEnd")
    settle(page)
    assert page.get_by_role("button", name="Zoom out").is_enabled()
    assert not np.array_equal(pixels(page), before)
    room.press("r")
    fingers("touchStart", (x, y))
    fingers("touchMove", (x, y + 20))
    fingers("touchMove", (x, y + 60))
    fingers("touchEnd")
    settle(page)
    assert pixels(page).mean() < before.mean(), "one finger sets the window: down darkens"
    page.touchscreen.tap(x, y)
    settle(page)
    assert middle(page)[2] > 1.5 * width
    context.close()
