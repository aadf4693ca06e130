"""A scale of more than 11 points: a slider and a box for its number, empty until the reader touches them."""

from collections.abc import Callable

import pytest
from playwright.sync_api import CDPSession, Locator, Page, expect

from readerstudy.studies.models import Question
from tests.browser.conftest import ReadingRoom, assert_accessible
from tests.browser.test_reading_keys import key

Make = Callable[..., ReadingRoom]


@pytest.fixture
def room(reading_room: Make) -> ReadingRoom:
    """The first question goes from 0 to 100, the second from 1 to 5."""
    room = reading_room(total=2)
    Question.objects.filter(key="confidence").update(minimum=0, maximum=100)
    room.open()
    return room


def slider(page: Page) -> Locator:
    return page.locator("[data-question=confidence] input[type=range]")


def box(page: Page) -> Locator:
    return page.locator("[data-question=confidence] .score")


def handle(page: Page, pseudo: str = "::-webkit-slider-thumb") -> str:
    return slider(page).evaluate("(input, pseudo) => getComputedStyle(input, pseudo).opacity", pseudo)


def test_it_shows_its_range_and_neither_value_nor_handle_until_touched(room: ReadingRoom) -> None:
    page = room.page
    assert page.locator("[data-question=confidence] .limit").all_inner_texts() == ["0", "100"]
    expect(box(page)).to_have_value("")
    expect(slider(page)).to_have_attribute("data-empty", "")
    expect(slider(page)).to_have_attribute("aria-valuetext", "no answer yet")
    assert_accessible(page)
    room.photograph("slider-empty")
    room.press("Enter")
    expect(page.locator("#notice")).to_have_text("Question 1 has no answer yet.")
    page.wait_for_timeout(1200)
    assert room.scores() == []
    room.press("7", "3")
    expect(slider(page)).not_to_have_attribute("data-empty", "")
    assert slider(page).input_value() == "73"
    assert slider(page).get_attribute("aria-valuetext") is None
    room.stores([(1, "confidence", 73, 1)])
    room.photograph("slider-answered")
    room.press("Tab", "4", "Enter")
    room.wait_for(2)
    expect(box(page)).to_have_value("")
    expect(slider(page)).to_have_attribute("data-empty", "")


NOT_TAKEN = {
    "850": "850 is outside 0 to 100: not taken.", "8.5": "8.5 is not a whole number: not taken.",
    "8,5": "8,5 is not a whole number: not taken.", "-3": "-3 is outside 0 to 100: not taken.",
    "1-2": "1-2 is not a whole number: not taken.",
}  # fmt: skip


def test_what_is_typed_out_of_range_is_refused_with_words_beside_it(room: ReadingRoom) -> None:
    page = room.page
    said = page.locator("[data-question=confidence] .not-taken")
    for typed, words in NOT_TAKEN.items():
        page.keyboard.type(typed)
        expect(said).to_have_text(words)
        expect(slider(page)).to_have_attribute("data-empty", "")
        expect(box(page)).to_have_attribute("aria-invalid", "true")
        page.wait_for_timeout(1100)  # after which a number is sent
        assert room.scores() == []
        box(page).fill("")
    page.keyboard.type("850")
    assert_accessible(page)
    room.photograph("slider-not-taken")
    room.press("Enter")
    expect(page.locator("#notice")).to_have_text("Question 1 has no answer yet.")
    assert room.scores() == []
    room.press("8")  # a new number
    expect(page.locator(".not-taken").first).to_be_empty()
    room.stores([(1, "confidence", 8, 1)])


def test_a_number_that_may_still_grow_into_the_range_is_not_complained_of(reading_room: Make) -> None:
    room = reading_room()
    Question.objects.filter(key="confidence").update(minimum=20, maximum=90)
    page = room.open()
    said = page.locator("[data-question=confidence] .not-taken")
    room.press("4")
    expect(said).to_be_empty()
    expect(said).to_have_text("4 is outside 20 to 90: not taken.")  # after a while
    room.press("5")
    expect(said).to_be_empty()
    room.stores([(1, "confidence", 45, 1)])


def test_the_other_keys_work_while_a_number_is_typed(room: ReadingRoom) -> None:
    page = room.page
    room.press("6", "i", "Shift+ArrowLeft", "5", "Enter")
    assert page.locator(".toolbar [data-action=invert]").get_attribute("aria-pressed") == "true"
    expect(box(page)).to_have_value("65")
    room.stores([(1, "confidence", 65, 1)])
    key(page, "i", "KeyI", at="#next")
    page.locator("[data-question=confidence] legend").click()
    for sign, code in (("&", "Digit1"), ("é", "Digit2")):  # French: the sign is another, the place is the digit's
        key(page, sign, code, at="[data-question=confidence] .score")
    expect(box(page)).to_have_value("12")  # in the place of the other
    room.press("Backspace")
    expect(box(page)).to_have_value("1")


def test_arrows_are_one_answer_and_the_first_goes_to_an_end(room: ReadingRoom) -> None:
    page = room.page
    slider(page).focus()
    room.press("ArrowRight")
    expect(box(page)).to_have_value("0")
    room.press("ArrowRight", "ArrowRight", "PageUp", "ArrowLeft")
    at = int(box(page).input_value())
    assert at > 2
    room.stores([(1, "confidence", at, 1)])
    room.press("End")
    room.stores([(1, "confidence", at, 1), (1, "confidence", 100, 2)])
    box(page).focus()
    room.press("ArrowDown", "ArrowDown", "PageDown")
    room.stores([(1, "confidence", at, 1), (1, "confidence", 100, 2), (1, "confidence", 88, 3)])


def test_a_click_is_an_answer_wherever_it_falls(room: ReadingRoom) -> None:
    page = room.page
    wide = slider(page).bounding_box()
    clicks = ((0.5, 49, 51), (0.0, 0, 0), (0.25, 23, 27))
    for revision, (where, least, most) in enumerate(clicks, start=1):
        slider(page).click(position={"x": max(1, where * wide["width"]), "y": wide["height"] / 2})
        room.wait_until(lambda revision=revision: len(room.scores()) == revision)
        _, _, score, stored = room.scores()[-1]
        assert least <= score <= most and stored == revision
        expect(box(page)).to_have_value(str(score))


def test_a_drag_is_one_answer_given_where_it_ends(room: ReadingRoom) -> None:
    page = room.page
    at = slider(page).bounding_box()
    page.mouse.move(at["x"] + 20, at["y"] + at["height"] / 2)
    page.mouse.down()
    page.mouse.move(at["x"] + at["width"] / 2, at["y"] + at["height"] / 2, steps=4)
    page.wait_for_timeout(1200)  # a reader who thinks, and has not let go
    assert room.scores() == []
    page.mouse.move(at["x"] + at["width"] - 1, at["y"] - 60, steps=4)
    page.mouse.up()
    room.stores([(1, "confidence", 100, 1)])


def touch(session: CDPSession, kind: str, *points: tuple[float, float]) -> None:
    session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]})


def test_a_finger_answers_and_a_finger_that_scrolls_does_not(room: ReadingRoom) -> None:
    page = room.page
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
    at = slider(page).bounding_box()
    middle = (at["x"] + at["width"] / 2, at["y"] + at["height"] / 2)
    touch(session, "touchStart", middle)
    touch(session, "touchCancel")
    page.wait_for_timeout(1200)
    assert room.scores() == []
    expect(slider(page)).to_have_attribute("data-empty", "")
    touch(session, "touchStart", middle)
    touch(session, "touchMove", (middle[0] + 40, middle[1]))
    touch(session, "touchEnd")
    room.all_saved()
    [(_, _, score, _)] = room.scores()
    assert 51 < score < 100


def test_an_answer_is_shown_again_and_replaced_by_the_next_number(room: ReadingRoom) -> None:
    page = room.page
    page.keyboard.type("40")
    room.press("Tab", "Tab")
    page.locator("[data-question=feature] input").nth(2).click()
    room.press("Enter")
    room.wait_for(2)
    room.press("Backspace")
    room.wait_for(1)
    expect(box(page)).to_have_value("40")
    expect(box(page)).to_be_focused()
    page.keyboard.type("556")
    room.press("Backspace")  # what was typed here it takes back; before, it goes to the example before
    expect(box(page)).to_have_value("55")
    room.press("Enter")
    room.wait_for(2)
    room.all_saved()
    revisions = [row for row in room.scores() if row[1] == "confidence"]
    assert revisions == [(1, "confidence", 40, 1), (1, "confidence", 55, 2)]


def test_it_fits_every_window(room: ReadingRoom) -> None:
    page = room.page
    page.keyboard.type("850")
    for width, height in ((1366, 768), (1093, 514), (640, 480), (1024, 768)):
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(300)
        group = page.locator("[data-question=confidence]")
        room.photograph(f"slider-{width}x{height}")
        outer = group.bounding_box()
        for part in (slider(page), box(page), group.locator(".limit").first, group.locator(".limit").last):
            inner = part.bounding_box()
            assert outer["x"] <= inner["x"] and inner["x"] + inner["width"] <= outer["x"] + outer["width"] + 1
        assert slider(page).bounding_box()["width"] >= 90
