"""The page for every screen and every reader: layout, WCAG, weight, and what happens without JavaScript."""

import gzip
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import ReadingRoom, assert_accessible

Make = Callable[..., ReadingRoom]
MOST_BYTES = 100 * 1024


@pytest.mark.parametrize(("width", "height"), [(1366, 768), (1920, 1080), (1366, 641)])
def test_everything_is_on_one_screen(reading_room: Make, width: int, height: int) -> None:
    """641: what a 768 px screen leaves under the browser's own bars."""
    room = reading_room()
    page = room.page
    page.set_viewport_size({"width": width, "height": height})
    room.open()
    sides = {}
    for position, method in ((1, "a"), (2, "b")):
        room.wait_for(position)
        sizes = page.locator(".panel canvas").evaluate_all("(all) => all.map((c) => c.getBoundingClientRect().width)")
        sides[method] = {round(size) for size in sizes}
        overflow = page.evaluate(
            """() => {
                const page = document.documentElement, reading = document.querySelector("#reading");
                return [page.scrollHeight - innerHeight, page.scrollWidth - innerWidth,
                        reading.scrollHeight - reading.clientHeight];
            }"""
        )
        assert overflow == [0, 0, 0]
        cut = page.locator(".panel-title").evaluate_all(
            "(all) => all.filter((e) => e.scrollWidth > e.clientWidth).length"
        )
        assert cut == 0, "titles are read whole"
        room.photograph(f"method-{method}-{width}x{height}")
        room.press("4", "2", "Enter")
    assert len(sides["a"] | sides["b"]) == 1, "equal panels in both methods"
    assert sides["a"].pop() >= (224 if height == 641 else 320)


def test_axe_finds_nothing_in_any_state(reading_room: Make) -> None:
    room = reading_room(total=2)
    page = room.open(check=False)
    page.locator("#display-dialog[open]").wait_for()
    assert_accessible(page)
    room.photograph("display-check")
    room.pass_display_check()
    room.wait_for(1)
    assert_accessible(page)
    room.press("?")
    assert_accessible(page)
    room.photograph("keys")
    room.press("Escape")
    page.get_by_role("button", name="What is this? Guided backprop").click()
    assert_accessible(page)
    room.photograph("what-is-this")
    room.press("Escape", "w")
    assert_accessible(page)
    room.press("w", "4", "Enter")
    expect(page.locator("#notice")).to_contain_text("Question 2")
    room.press("4", "Enter")
    room.wait_for(2)
    assert_accessible(page)
    room.press("4", "4", "Enter")
    page.get_by_role("button", name="Finish the read").wait_for()
    assert_accessible(page)
    room.photograph("finish")
    room.press("Tab", "Enter")
    expect(page.locator("#message")).to_contain_text("finished")
    assert_accessible(page)
    room.photograph("finished")


def test_reflow_at_400_percent(reading_room: Make) -> None:
    """1280 x 1024 at 400 % is 320 x 256 CSS pixels: one column, no sideways scrolling, nothing cut off."""
    room = reading_room()
    page = room.page
    page.set_viewport_size({"width": 320, "height": 256})
    room.open()
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 320
    for name in ("Next", "Overlay O", "Whole radiograph W", "Enlarge: Guided backprop"):
        button = page.get_by_role("button", name=name)
        button.scroll_into_view_if_needed()
        box = button.bounding_box()
        assert box and box["x"] >= 0 and box["x"] + box["width"] <= 320, name
    page.locator("[data-question=confidence] input[value='4']").check()
    assert room.chosen() == ["4"]
    room.photograph("reflow-320")
    assert_accessible(page)


def test_targets_are_24_px_and_focus_is_seen(reading_room: Make) -> None:
    room = reading_room()
    page = room.open()
    room.read_on(1, 3, 3)
    room.wait_for(2)
    small = page.locator("button:visible, a:visible, input:visible").evaluate_all(
        "(all) => all.filter((e) => { const b = e.getBoundingClientRect(); return b.width < 24 || b.height < 24; })"
        ".map((e) => e.outerHTML.slice(0, 100))"
    )
    assert small == []
    unseen = []
    for _ in range(30):
        room.press("Tab")
        seen = page.evaluate(
            "() => { const e = document.activeElement; const t = e.matches('.choice input') ? e.nextElementSibling : e;"
            " return e === document.body || getComputedStyle(t).outlineStyle !== 'none'; }"
        )
        if not seen:
            unseen.append(page.evaluate("() => document.activeElement.outerHTML.slice(0, 100)"))
    assert unseen == []


def test_the_page_is_light_and_asks_nobody_else(reading_room: Make) -> None:
    """As it travels: static files are stored compressed, and sent so (WhiteNoise)."""
    room = reading_room(total=2)
    sizes: dict[str, int] = {}
    hosts = set()

    def note(response: Any) -> None:
        hosts.add(urlsplit(response.url).netloc)
        if "/files/" not in response.url:
            body = response.body()
            sizes[response.url] = len(gzip.compress(body) if "/static/" in response.url else body)

    room.page.on("response", note)
    room.open()
    room.page.wait_for_load_state("networkidle")
    assert hosts == {urlsplit(room.address).netloc}
    assert sum(sizes.values()) <= MOST_BYTES, sizes
    assert room.troubles == []


def test_without_javascript_it_says_so_and_takes_no_answers(reading_room: Make, browser: Any) -> None:
    context = browser.new_context(java_script_enabled=False)
    room = reading_room(page=context.new_page())
    page = room.open(check=False)
    expect(page.get_by_text("Reading needs JavaScript.")).to_be_visible()
    expect(page.get_by_role("button")).to_have_count(0)
    room.photograph("without-javascript")
    context.close()
