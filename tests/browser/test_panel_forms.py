"""Panels by form: whatever the server says a kind shows, its panel has the place and the size of any other."""

import io
from collections.abc import Callable

import numpy as np
from PIL import Image
from playwright.sync_api import Page, Route, expect

from readerstudy.explanations import panel_forms
from tests.browser.conftest import ReadingRoom
from tests.browser.stimuli import average
from tests.browser.test_viewer import PANEL, pixels, settle

Make = Callable[..., ReadingRoom]
FORMS = ("input", "curve", "flow", "still", "animation")  # from left to right
KINDS = ["input_gradient", "latentshift_flow", "guided_backprop", "latentshift_animation"]


def with_forms(route: Route) -> None:
    """The server's own answer, its second panel a curve: no kind of ours shows one, and its file is a picture too."""
    response = route.fetch()
    facts = response.json()
    facts["panels"][1]["shows"] = "curve"
    route.fulfill(response=response, json=facts)


def open_with_forms(make: Make) -> tuple[ReadingRoom, Page]:
    room = make(total=2, methods={"A": KINDS, "B": KINDS[:1]})
    room.page.emulate_media(reduced_motion="reduce")  # the animation stands
    room.page.route("**/assignments/*/", with_forms)
    return room, room.open()


def test_every_form_has_the_same_size_and_the_viewer_steers_only_what_it_should(reading_room: Make) -> None:
    room, page = open_with_forms(reading_room)
    panels = page.locator(".panel")
    assert [panel.get_attribute("data-form") for panel in panels.all()] == list(FORMS)
    assert set(FORMS) == {"input", *panel_forms.FORMS}
    keys = [panel.get_attribute("data-panel") or "" for panel in panels.all()]
    boxes = [page.locator(PANEL.format(key)).bounding_box() for key in keys]
    assert all(box and boxes[0] and box["width"] == boxes[0]["width"] for box in boxes)

    def shown() -> dict[str, np.ndarray]:
        settle(page)
        return {form: pixels(page, key) for form, key in zip(FORMS, keys, strict=True)}

    first = shown()
    assert (first["curve"][0, 0] == 255).all(), "a chart lies on white, not on the radiograph"
    page.keyboard.press("i")
    room.press("+")
    moved = shown()
    changed = {form for form in FORMS if not np.array_equal(first[form], moved[form])}
    assert changed == set(FORMS) - {"curve"}, "a chart is neither inverted nor zoomed"
    page.keyboard.press("r")
    page.keyboard.press("o")
    bare = shown()
    assert np.array_equal(bare["flow"], bare["input"]) and np.array_equal(bare["still"], bare["input"])
    assert all(np.array_equal(bare[form], first[form]) for form in ("curve", "animation")), "they lie over nothing"


def test_the_loupe_enlarges_the_part_of_a_chart_that_it_lies_on(reading_room: Make) -> None:
    room, page = open_with_forms(reading_room)
    key = page.locator(".panel").nth(1).get_attribute("data-panel") or ""
    whole = pixels(page, key).astype(float)
    page.keyboard.press("l")
    settle(page)
    glass = page.locator(f".panel[data-panel={key}] .loupe")
    side = glass.evaluate("(canvas) => canvas.width")
    seen = np.array(glass.evaluate("(c) => [...c.getContext('2d').getImageData(0, 0, c.width, c.width).data]"))
    seen = seen.reshape(side, side, 4)[..., :3].astype(float)
    size = round(0.16 * len(whole))  # two fifths of the panel, 2.5 times as large, lies in its middle
    start = (len(whole) - size) // 2
    part = whole[start : start + size, start : start + size]
    means = (np.mean(seen, axis=(0, 1)), np.mean(part, axis=(0, 1)))
    assert np.abs(means[0] - means[1]).max() < 12
    assert np.std(seen) > 1, "something is in it"
    room.press("l")
    expect(glass).to_have_count(0)


def test_a_flow_lies_over_the_radiograph_as_arrows_and_says_nothing_of_stronger_colours(reading_room: Make) -> None:
    methods = {"A": ["latentshift_flow", "input_gradient"], "B": ["input_gradient"]}
    room = reading_room(total=2, methods=methods, panel_titles="neutral")
    page = room.open()
    flow = page.locator(".panel[data-form=flow]")
    still = page.locator(".panel[data-form=still]")
    assert flow.locator(".panel-title").inner_text() == "Flow"
    boxes = [panel.locator("canvas").first.bounding_box() for panel in (flow, still)]
    assert boxes[0] and boxes[1] and (boxes[0]["width"], boxes[0]["height"]) == (boxes[1]["width"], boxes[1]["height"])
    expect(flow.locator(".legend")).to_have_count(0)
    assert page.get_by_label("Overlay opacity").input_value() == "80", "a map beside a flow is as opaque as any other"
    with_arrows, bare = pixels(page, "flow-1").astype(float), pixels(page).astype(float)
    side = len(bare)
    layer = np.asarray(Image.open(io.BytesIO(room.trial.files["latentshift_flow"])))
    mixed = average(layer, 0, 0, side, side)
    expected = bare + 0.8 * (mixed[..., :3] - mixed[..., 3:] / 255 * bare)
    assert np.abs(with_arrows - expected).max() <= 2
    moved = np.argwhere(np.abs(with_arrows - bare).max(-1) > 20) * (224 / side)
    assert moved[:, 0].min() > 115 and moved[:, 0].max() < 165, "arrows lie where something moves, and point right"
    assert 78 < moved[:, 1].min() < 90 and 125 < moved[:, 1].max() < 145
    flow.locator("button[aria-label^='What is this']").click()
    said = page.locator("#explain-dialog").inner_text()
    assert "Arrows" in said and "stronger" not in said and "coloured" not in said
    page.keyboard.press("Escape")
    page.keyboard.press("o")
    settle(page)
    assert np.array_equal(pixels(page, "flow-1"), pixels(page))
    assert room.troubles == []
