"""Every window: nothing overlaps, pictures are as large as there is room for, and what is answered is seen."""

import base64
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import ReadingRoom
from tests.browser.test_viewer import settle

PICTURE = ".panel:visible .view canvas:not(.loupe)"
Make = Callable[..., ReadingRoom]

# Width, height, device scale, touch; the side of the four panels' pictures before this layout, and the least now.
SCREENS = [
    (1366, 768, 1, False, 326, 334),
    (1366, 625, 1, False, 265, 320),
    (1920, 1080, 1, False, 465, 472),
    (1536, 2048, 1, False, 369, 750),
    (2560, 1440, 2, False, 625, 632),
    (1024, 768, 1, True, 241, 248),
    (1093, 514, 1, False, 200, 215),
    (960, 540, 1, False, 200, 215),
    (911, 512, 1, False, 200, 200),
    (640, 480, 1, False, 295, 300),
]  # fmt: skip
PAIRS = {(1366, 768): 500, (1366, 625): 380, (1920, 1080): 780, (1536, 2048): 750, (2560, 1440): 1100, (1024, 768): 370}

# Every visible part that may not lie over another, as [name, left, top, right, bottom] in the page.
BOXES = """() => {
    const parts = ["header.bar > *", ".view", ".panel-title", ".panel-links > *", ".panel-controls > *", ".tools",
                   ".question", "#feedback", "#notice", "footer.bar > *"];
    return parts.flatMap((part) => [...document.querySelectorAll(part)]
        .filter((e) => e.checkVisibility({ visibilityProperty: true }))
        .map((e) => [e, e.getBoundingClientRect()]).filter(([, b]) => b.width > 1 && b.height > 1)
        .map(([e, b]) => [`${part} ${e.id || e.textContent.slice(0, 20)}`, b.left + scrollX, b.top + scrollY,
                          b.right + scrollX, b.bottom + scrollY]));
}"""
# Controls whose middle, brought into the window, belongs to something else.
COVERED = """() => [...document.querySelectorAll("button, input, a, .choice")].filter((e) => {
    if (!e.checkVisibility({ visibilityProperty: true }) || e.closest("dialog")) return false;
    e.scrollIntoView({ block: "nearest" });
    const box = e.getBoundingClientRect();
    const hit = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
    return !hit || !(e.contains(hit) || hit.contains(e));
}).map((e) => e.outerHTML.slice(0, 90))"""

# What of the controls under a picture reaches beyond its panel, and the scales whose choices stand in several rows.
LOOSE = """() => [...document.querySelectorAll(".panel-controls > *, .panel-controls > * > *")].filter((e) => {
    if (!e.checkVisibility({ visibilityProperty: true })) return false;
    const box = e.getBoundingClientRect(), panel = e.closest(".panel").getBoundingClientRect();
    return box.right > panel.right + 1 || box.bottom > panel.bottom + 1;
}).map((e) => e.outerHTML.slice(0, 90))"""
BROKEN = """() => [...document.querySelectorAll(".choices")].filter((choices) =>
    new Set([...choices.children].map((e) => Math.round(e.getBoundingClientRect().top))).size > 1).length"""


def overlaps(page: Page) -> list[tuple[str, str]]:
    boxes = page.evaluate(BOXES)
    found = []
    for i, (one, left, top, right, bottom) in enumerate(boxes):
        for other, x0, y0, x1, y1 in boxes[i + 1 :]:
            if min(right, x1) - max(left, x0) > 1 and min(bottom, y1) - max(top, y0) > 1:
                found.append((one, other))
    return found


def check(page: Page) -> None:
    """Nothing covers anything, nothing is cut off, and where the page does not scroll all of it is in the window."""
    settle(page)
    assert overlaps(page) == []
    assert page.evaluate(LOOSE) == []
    width, height = page.evaluate("() => [innerWidth, innerHeight]")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    if page.locator("body").get_attribute("data-arrangement") != "flow":
        assert page.evaluate("() => document.documentElement.scrollHeight") <= height
        outside = [
            name
            for name, x0, y0, x1, y1 in page.evaluate(BOXES)
            if min(x0, y0) < -1 or x1 > width + 1 or y1 > height + 1
        ]
        assert outside == []
    assert page.evaluate(COVERED) == []
    page.evaluate("() => scrollTo(0, 0)")


def sides(page: Page) -> set[int]:
    return set(
        page.locator(PICTURE).evaluate_all("(all) => all.map((e) => Math.round(e.getBoundingClientRect().width))")
    )


def cut_titles(page: Page) -> list[str]:
    """Titles that are cut off."""
    cut = "(all) => all.filter((e) => e.scrollHeight > e.clientHeight + 3 || e.scrollWidth > e.clientWidth)"
    return page.locator(".panel-title:visible").evaluate_all(f"{cut}.map((e) => e.textContent)")


def in_window(page: Page, question: int) -> bool:
    return (
        page.locator(".question")
        .nth(question)
        .evaluate(
            "(e) => { const b = e.getBoundingClientRect(), c = e.querySelector('.choices').getBoundingClientRect();"
            " const fits = b.height <= innerHeight; const { top, bottom } = fits ? b : c;"
            " return top >= -1 && bottom <= innerHeight + 1; }"
        )
    )


def answer_by_digits(room: ReadingRoom) -> None:
    """Both questions; a digit counts only for a question that is in the window when it is pressed."""
    for question in (0, 1):
        for _ in range(3):
            seen, before = in_window(room.page, question), len(room.chosen())
            room.press("4")
            settle(room.page)
            assert (len(room.chosen()) > before) == seen
            if seen:
                assert in_window(room.page, question), "what was answered is seen"
                break
    assert room.chosen() == ["4", "4"]


@pytest.mark.parametrize(("width", "height", "scale", "touch", "before", "least"), SCREENS)
def test_nothing_overlaps_and_pictures_are_large(
    reading_room: Make, window: Any, width: int, height: int, scale: float, touch: bool, before: int, least: int
) -> None:
    room = reading_room(page=window(width, height, scale, touch), total=2)
    page = room.open()
    [four] = sides(page)
    assert four >= least >= before
    check(page)
    room.photograph(f"four-{width}x{height}")
    assert page.evaluate(BROKEN) == 0
    answer_by_digits(room)
    room.press("s")
    settle(page)
    check(page)
    assert page.evaluate(BROKEN) == 0, "the steps of a scale are even"
    [pair] = sides(page)
    shown = page.locator(PICTURE)
    assert shown.count() == 2 and pair >= PAIRS.get((width, height), four)
    left, right = (shown.nth(i).bounding_box() for i in (0, 1))
    assert left["y"] == right["y"] and left["x"] < right["x"], "side by side"
    cut = cut_titles(page)
    assert cut == [], "titles are read whole"
    room.photograph(f"pair-{width}x{height}")
    room.press("e")
    settle(page)
    check(page)
    assert page.locator(PICTURE).count() == 1 and sides(page).pop() >= pair
    room.press("Escape", "Enter")
    room.wait_for(2)
    assert sides(page) == {pair}, "the pair lives on, equally large in the other method"
    room.press("Escape")
    settle(page)
    assert sides(page) == {four}
    check(page)
    room.photograph(f"animation-{width}x{height}")
    page.get_by_role("button", name="Tools").click()
    check(page)


@pytest.mark.parametrize(("width", "height", "touch"), [(1366, 768, False), (1093, 514, False), (1024, 768, True)])
@pytest.mark.parametrize("predictions", [False, True])
def test_the_row_of_an_animation_stays_in_its_panel(
    reading_room: Make, window: Any, width: int, height: int, touch: bool, predictions: bool
) -> None:
    room = reading_room(page=window(width, height, 1, touch), total=2, show_frame_predictions=predictions)
    page = room.open()
    room.read_on(1, 4, 4)
    room.wait_for(2)
    check(page)
    assert page.locator(".track").evaluate("(e) => e.offsetWidth") >= 40
    room.press("a", "z")
    check(page)
    readout = page.locator("output.frame-readout")
    assert readout.inner_text() == ("unchanged, 40 %" if predictions else "unchanged")


@pytest.mark.parametrize(("width", "height"), [(1366, 768), (1093, 514), (640, 480)])
def test_nothing_overlaps_with_text_at_200_percent(reading_room: Make, window: Any, width: int, height: int) -> None:
    room = reading_room(page=window(width, height), total=1)
    page = room.open()
    page.evaluate("() => { document.documentElement.style.fontSize = '200%'; }")
    settle(page)
    assert page.locator("h1").evaluate("(e) => parseFloat(getComputedStyle(e).fontSize)") >= 36
    for keys in ((), ("s",), ("e",)):
        room.press(*keys)
        settle(page)
        check(page)
        room.photograph(f"text-200-{width}x{height}-{page.locator('body').get_attribute('data-view')}")
    room.press("Escape", "Escape")
    settle(page)
    answer_by_digits(room)


@pytest.mark.parametrize(("width", "height"), [(320, 256), (342, 192)])
def test_nothing_overlaps_at_400_percent_zoom(reading_room: Make, window: Any, width: int, height: int) -> None:
    room = reading_room(page=window(width, height, 4), total=1)
    page = room.open()
    check(page)
    answer_by_digits(room)
    expect(page.locator("#message")).to_be_hidden()


# --- the pair, the loupe, the whole radiograph ---


def test_one_key_goes_through_the_explanations_beside_the_radiograph(reading_room: Make) -> None:
    room = reading_room(total=2)
    page = room.open()

    def seen() -> list[str]:
        settle(page)
        panels = page.locator(".panel:visible")
        return panels.evaluate_all("(all) => all.map((e) => e.dataset.panel)")

    explanations = ["input_gradient", "guided_backprop", "integrated_gradients"]
    assert seen() == ["input", *explanations]
    for expected in (*explanations, explanations[0]):
        room.press("x")
        assert seen() == ["input", expected]
    page.get_by_role("button", name="Next explanation").click()
    assert seen() == ["input", explanations[1]]
    expect(page.locator(".panel-title:visible").nth(1)).to_have_text("Guided backprop (2 of 3)")
    room.read_on(1, 4, 3)
    room.wait_for(2)
    assert seen() == ["input", "latentshift_map"], "the wish lives on, from the first explanation"
    room.press("Escape")
    assert len(seen()) == 3
    room.press("Enter", "4", "4", "Enter")
    room.wait_until(lambda: room.trial.visit(1).actions.get("next_explanation", 0) == 5)
    room.wait_until(lambda: room.trial.visit(2) is not None)
    assert room.trial.visit(1).display["panels_shown"] == "all"
    assert room.trial.visit(2).display["panels_shown"] == "pair"


def loupe_pixels(page: Page, panel: str) -> np.ndarray:
    url = page.locator(f"[data-panel={panel}] .loupe").evaluate("(canvas) => canvas.toDataURL('image/png')")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))).convert("RGB"))


def test_the_loupe_shows_the_same_place_in_every_panel_magnified(reading_room: Make) -> None:
    room = reading_room(size=(1300, 1400))
    page = room.open()
    room.press("l")
    box = page.locator("[data-panel=guided_backprop] .view").bounding_box()
    assert box
    for u, v in ((0.3, 0.35), (0.55, 0.6)):
        page.mouse.move(box["x"] + u * box["width"], box["y"] + v * box["height"])
        settle(page)
        glasses = page.locator(".loupe")
        assert glasses.count() == 4
        for number in range(4):
            glass = glasses.nth(number).bounding_box()
            view = page.locator(PICTURE).nth(number).bounding_box()
            at = (glass["x"] + glass["width"] / 2 - view["x"], glass["y"] + glass["height"] / 2 - view["y"])
            assert at == pytest.approx((u * view["width"], v * view["height"]), abs=2)
    room.press("o")
    settle(page)
    shown = loupe_pixels(page, "input")
    assert np.array_equal(shown, loupe_pixels(page, "guided_backprop")), "the same place"
    crop, side = room.trial.crop, shown.shape[0]
    size = crop["size"] * 0.4 / 2.5
    first = [crop[axis] + at * crop["size"] - size / 2 for axis, at in (("y", v), ("x", u))]
    centres = (np.arange(side) + 0.5) * size / side
    rows, columns = ((start + centres).astype(int) for start in first)
    sent = room.trial.pixels[np.ix_(rows, columns)] * (255 / 4095)
    assert np.abs(shown[..., 0] - sent).mean() < 3, "the radiograph's own pixels"
    before = glasses.first.bounding_box()["x"]
    room.press("Shift+ArrowRight")
    settle(page)
    assert glasses.first.bounding_box()["x"] > before, "by key as well"
    room.press("l")
    settle(page)
    assert glasses.count() == 0


@pytest.mark.parametrize("size", [(400, 400), (400, 480)])
def test_the_whole_radiograph_is_offered_where_there_is_more_of_it(reading_room: Make, size: tuple[int, int]) -> None:
    room = reading_room(total=1, size=size)
    page = room.open()
    more = size[0] != size[1]
    expect(page.get_by_role("button", name="Whole radiograph")).to_have_count(int(more))
    room.press("w")
    settle(page)
    assert page.locator("body").get_attribute("data-view") == ("one" if more else "all")
    expect(page.locator(".panel-title:visible").first).to_have_text(
        "Whole radiograph (box: what the model sees)" if more else "Input image"
    )


def test_waiting_for_an_example_shows_nothing_of_the_one_before(reading_room: Make) -> None:
    room = reading_room()
    page = room.page
    held: list[Route] = []
    page.route("**/assignments/2/**", lambda route: held.append(route))
    room.open()
    room.press("m")
    page.keyboard.type("a word")
    room.press("Escape", "4", "4", "Enter")
    expect(page.locator("#message")).to_contain_text("Loading example 2")
    text = page.locator("body").inner_text()
    for told in ("Cardiomegaly", "60 %", "Method A", "Example 1", "40 y"):
        assert told not in text
    assert page.locator("#comment").input_value() == ""
    for route in held:
        route.continue_()
    room.wait_for(2)
    expect(page.locator("#prediction")).not_to_be_empty()
