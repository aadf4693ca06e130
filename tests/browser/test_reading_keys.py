"""What a key press decides: Enter, digits, modifiers, layouts, held keys, input methods; and where the focus goes."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

import explain
from readerstudy.reading.models import Reader, Visit
from tests.browser.conftest import ReadingRoom, assert_accessible
from tests.browser.trial import SLUG

Make = Callable[..., ReadingRoom]


def key(page: Page, key: str, code: str, *, at: str = "", **more: Any) -> bool:
    """One keydown as a keyboard of any layout sends it. True: the page left it to the browser."""
    init = {"key": key, "code": code, "bubbles": True, "cancelable": True, **more}
    return page.evaluate(
        """([at, init]) => (at ? document.querySelector(at) : document.activeElement).dispatchEvent(
            new KeyboardEvent("keydown", init))""",
        [at, init],
    )


def pressed(room: ReadingRoom, action: str) -> str | None:
    return room.page.locator(f".toolbar [data-action={action}]").get_attribute("aria-pressed")


def in_a_question(page: Page) -> bool:
    return page.evaluate("document.activeElement.closest('.question') !== null")


# --- Enter and the focus ---


def test_enter_activates_what_tab_has_reached_and_nothing_else(reading_room: Make) -> None:
    room = reading_room(total=2)
    page = room.open()
    room.press("4", "2")
    page.locator(".toolbar [data-action=invert]").focus()
    room.press("Enter")
    assert pressed(room, "invert") == "true"
    expect(page.locator(".toolbar [data-action=invert]")).to_be_focused()
    assert page.locator("body").get_attribute("data-shown") == "1"


TOOLS = (
    ".toolbar [data-action=invert]",
    ".toolbar [data-action=zoomIn]",
    ".panel-links .icon",
    ".toolbar input[type=range]",
)


def test_after_a_click_on_a_tool_enter_is_next(reading_room: Make) -> None:
    room = reading_room(total=len(TOOLS) + 1)
    page = room.open()
    for position, control in enumerate(TOOLS, start=1):
        room.press("4", "2")
        page.locator(control).first.click()
        room.press("Enter")
        room.wait_for(position + 1)
        assert not in_a_question(page) or page.locator("#questions input:checked").count() == 0, control


def test_after_a_click_on_a_tool_digits_answer_also_out_of_a_comment(reading_room: Make) -> None:
    room = reading_room(total=2)
    page = room.open()
    page.fill("#comment", "Rotated ")
    page.locator(".toolbar [data-action=zoomIn]").click()
    room.press("4")
    room.stores([(1, "confidence", 4, 1)])
    expect(page.locator("#comment")).to_have_value("Rotated ")


def test_after_a_dialog_enter_is_next(reading_room: Make) -> None:
    room = reading_room(total=4)
    page = room.open()
    for position, opened_by in ((1, "click"), (2, ""), (3, "Enter")):  # the second shows other explanations
        room.press("4", "2")
        buttons = [page.locator("#help"), page.get_by_role("button", name="What is this? Guided backprop")]
        for button in buttons if opened_by else []:
            if opened_by == "click":
                button.click()
            else:
                button.press("Enter")
            page.locator("dialog[open]").wait_for()
            room.press("Enter")  # closes it
            expect(page.locator("dialog[open]")).to_have_count(0)
            expect(button).not_to_be_focused()  # the room takes the focus back a moment after the dialog is gone
        room.press("Enter")
        room.wait_for(position + 1)


def test_a_held_enter_acts_once(reading_room: Make) -> None:
    room = reading_room(total=3)
    page = room.open()
    for position in (1, 2):
        room.read_on(position, 4, 2)
    room.wait_for(3)
    room.press("Backspace", "Backspace")
    room.wait_for(1)
    for at in ("body", "#next"):
        assert not key(page, "Enter", "Enter", at=at, repeat=True), "the browser would press the button"
    room.press("4", "2")
    page.keyboard.down("Enter")
    for _ in range(5):
        page.keyboard.down("Enter")  # as a keyboard repeats it
    page.keyboard.up("Enter")
    room.wait_for(2)
    page.wait_for_timeout(300)
    assert page.locator("body").get_attribute("data-shown") == "2"


def test_keys_held_down_repeat_only_where_that_helps(reading_room: Make) -> None:
    room = reading_room()
    page = room.open()
    for _ in range(3):
        key(page, "i", "KeyI", repeat=True)
    assert pressed(room, "invert") == "false"
    for _ in range(3):
        key(page, "+", "Equal", repeat=True)
    room.press("4")
    room.press("Enter")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.get_by_role("link", name="Pause").click()
    page.wait_for_url(f"**/reading/{SLUG}/")  # a page that is closed on its way elsewhere may never be closed
    room.wait_until(lambda: Visit.objects.first().actions.get("zoom") == 3)


def test_escape_leaves_a_comment_for_the_room_and_no_dialog_that_must_be_answered(reading_room: Make) -> None:
    room = reading_room()
    page = room.open(check=False)
    page.locator("#display-dialog[open]").wait_for()
    room.press("Escape", "Escape", "Escape")
    expect(page.locator("#display-dialog")).to_be_visible()
    room.pass_display_check()
    room.wait_for(1)
    room.press("4", "2", "m", "x", "Escape", "Enter")
    room.wait_for(2)


# --- the end of a read ---


def test_two_quick_enters_never_end_a_read(reading_room: Make) -> None:
    room = reading_room(total=1)
    page = room.open()
    room.press("4", "2")
    for _ in range(6):
        room.press("Enter", "Enter")
    page.wait_for_timeout(500)
    assert room.trial.reader.reads.get(number=1).finished_at is None
    if page.locator("#ask-dialog[open]").count():
        expect(page.get_by_role("button", name="Stay here")).to_be_focused()
        room.press("Enter")
        room.dialog_is_gone()
    room.press("Enter")
    expect(page.get_by_role("button", name="Stay here")).to_be_focused()
    room.press("Escape")
    room.dialog_is_gone()
    assert page.locator("body").get_attribute("data-shown") == "1"
    room.press("Enter")
    page.get_by_role("button", name="Stay here").wait_for()
    page.keyboard.down("Enter")
    page.keyboard.down("Enter")
    page.keyboard.up("Enter")
    assert room.trial.reader.reads.get(number=1).finished_at is None


def test_the_end_of_a_read_lists_the_answers_and_goes_to_any(reading_room: Make) -> None:
    room = reading_room(total=3)
    page = room.open()
    for position in (1, 2, 3):
        room.read_on(position, position, 5)
    dialog = page.locator("#ask-dialog")
    rows = dialog.locator("tbody tr")
    expect(rows).to_have_count(3)
    texts = [row.split() for row in rows.all_inner_texts()]
    assert [(row[1], row[2], row[3]) for row in texts] == [("1", "1", "5"), ("2", "2", "5"), ("3", "3", "5")]
    assert_accessible(page)
    room.photograph("finish-list")
    dialog.get_by_role("button", name="Example 2").click()
    room.wait_for(2)
    room.press("Enter")
    room.wait_for(3)
    room.press("Enter")
    page.get_by_role("button", name="Finish the read").click()
    expect(page.locator("#message")).to_contain_text("Read 1 of 2 is finished")


def test_the_list_says_what_is_open_and_the_read_cannot_end_before(reading_room: Make) -> None:
    room = reading_room(total=2)
    page = room.open()
    room.read_on(1, 4, 4)
    room.wait_for(2)
    room.all_saved()
    page.route("**/answers/", lambda route: route.fulfill(
        json={"examples": [{"position": 1, "answers": {}, "not_asked": []},
                           {"position": 2, "answers": {}, "not_asked": ["feature"]}]}))  # fmt: skip
    page.reload()  # what the server has lost, this page knows no more
    room.wait_for(2)
    room.press("3", "3", "Enter")
    dialog = page.locator("#ask-dialog")
    expect(dialog).to_contain_text("1 example is still open")
    expect(dialog.locator("tr[data-open]")).to_have_text("Example 1openopen")
    expect(dialog.get_by_role("button", name="Finish the read")).to_be_disabled()


def test_a_read_can_end_where_the_list_cannot_be_had(reading_room: Make) -> None:
    room = reading_room(total=1)
    page = room.open()
    page.route("**/answers/", lambda route: route.abort())
    room.press("4", "2", "Enter")
    expect(page.locator("#ask-dialog")).to_contain_text("does not list your answers now")
    page.get_by_role("button", name="Finish the read").click()
    expect(page.locator("#message")).to_contain_text("Read 1 of 2 is finished")


# --- digits ---


def test_after_the_last_answer_a_digit_changes_nothing_and_says_so(reading_room: Make) -> None:
    room = reading_room(total=2)
    page = room.open()
    room.press("4", "2", "5")
    expect(page.locator("#notice")).to_contain_text("5 changes nothing")
    room.all_saved()
    room.stores([(1, "confidence", 4, 1), (1, "feature", 2, 1)])
    room.press("q", "5")  # the reader goes to a question
    expect(page.locator("#notice")).to_have_text("Question 1: 4 is changed to 5.")
    room.press("1")
    expect(page.locator("#notice")).to_contain_text("1 changes nothing")
    room.stores([(1, "confidence", 4, 1), (1, "feature", 2, 1), (1, "confidence", 5, 2)])
    room.press("Enter")
    room.wait_for(2)
    expect(page.locator("#notice")).to_be_empty()


def test_answers_by_mouse_go_on_as_well(reading_room: Make) -> None:
    room = reading_room(total=2)
    page = room.open()
    page.locator("[data-question=feature] input[value='2']").click()
    room.press("4", "5")  # the open question; then none
    room.all_saved()
    room.stores([(1, "feature", 2, 1), (1, "confidence", 4, 1)])
    page.locator("[data-question=confidence] input[value='3']").click()
    room.press("1", "Enter")
    room.wait_for(2)
    room.all_saved()
    assert room.scores()[2:] == [(1, "confidence", 3, 2)]


def test_a_reader_who_goes_back_goes_through_the_questions_once(reading_room: Make) -> None:
    room = reading_room(total=2)
    room.open()
    room.read_on(1, 4, 4)
    room.wait_for(2)
    room.press("Backspace")
    room.wait_for(1)
    room.press("1", "2", "3", "Enter")
    room.wait_for(2)
    room.all_saved()
    first = [(1, "confidence", 4, 1), (1, "feature", 4, 1)]
    room.stores([*first, (1, "confidence", 1, 2), (1, "feature", 2, 2)])


def test_a_digit_off_the_scale_is_said_so(reading_room: Make) -> None:
    room = reading_room()
    page = room.open()
    room.press("7")
    expect(page.locator("#notice")).to_have_text("Question 1 is answered with 1 to 5: 7 is not taken.")
    room.press("3")
    expect(page.locator("#notice")).to_be_empty()


LAYOUTS = {
    "french": [("'", "Digit4", {}), ("é", "Digit2", {})],
    "french with shift": [("4", "Digit4", {"shiftKey": True}), ("2", "Digit2", {"shiftKey": True})],
    "czech": [("č", "Digit4", {}), ("ě", "Digit2", {})],
    "czech plus": [("č", "Digit4", {}), ("+", "Digit1", {})],
    "keypad": [("4", "Numpad4", {}), ("2", "Numpad2", {})],
    "keypad without NumLock": [("ArrowLeft", "Numpad4", {}), ("ArrowDown", "Numpad2", {})],
    "persian": [("۴", "Digit4", {}), ("۲", "Digit2", {})],
    "programmer's dvorak": [("4", "Digit8", {"shiftKey": True}), ("2", "Digit7", {"shiftKey": True})],
    "remote desktop": [("4", "", {}), ("2", "", {})],
}


def test_digits_of_every_layout(reading_room: Make) -> None:
    room = reading_room(total=len(LAYOUTS))
    page = room.open()
    expected = []
    for position, (layout, presses) in enumerate(LAYOUTS.items(), start=1):
        room.wait_for(position)
        for sign, code, more in presses:
            assert not key(page, sign, code, **more), layout
        second = 1 if layout == "czech plus" else 2
        expected += [(position, "confidence", 4, 1), (position, "feature", second, 1)]
        room.stores(expected)
        room.press("Enter")


def test_letters_of_layouts_without_latin_letters(reading_room: Make) -> None:
    room = reading_room()
    page = room.open()
    key(page, "ш", "KeyI")  # Russian
    assert pressed(room, "invert") == "true"
    key(page, "ι", "KeyI")  # Greek
    assert pressed(room, "invert") == "false"
    key(page, "I", "KeyI", shiftKey=True)  # Caps Lock or Shift
    assert pressed(room, "invert") == "true"
    assert key(page, "ö", "Semicolon"), "a German letter is nobody's key"


def test_altgr_writes_a_sign_and_other_modifiers_belong_to_the_browser(reading_room: Make) -> None:
    room = reading_room()
    page = room.open()
    slider = page.get_by_label("Overlay opacity")
    before = slider.input_value()
    altgr = {"modifierAltGraph": True, "ctrlKey": True, "altKey": True}
    assert not key(page, "[", "Digit8", **altgr)  # German; a digit by its place
    assert slider.input_value() != before
    key(page, "]", "Digit9", **altgr)
    room.press("j")  # the second key, where neither has one of its own
    fainter = slider.input_value()
    room.press("k")
    assert fainter != before == slider.input_value()
    for modifier in ("ctrlKey", "altKey", "metaKey"):
        for sign, code in (("4", "Digit4"), ("i", "KeyI"), ("Enter", "Enter"), ("Backspace", "Backspace")):
            assert key(page, sign, code, **{modifier: True})
    assert pressed(room, "invert") == "false"
    assert room.scores() == []


def test_an_input_method_keeps_its_own_enter_and_escape(reading_room: Make) -> None:
    room = reading_room(total=2)
    page = room.open()
    room.press("4", "2", "m")
    for more in ({"isComposing": True}, {"keyCode": 229}):
        for name in ("Enter", "Escape", "4"):
            assert key(page, name, name, **more)
    expect(page.locator("#comment")).to_be_focused()
    assert key(page, "Enter", "Enter", shiftKey=True), "in a comment it asks for a new line, not for the next example"
    page.wait_for_timeout(200)
    assert page.locator("body").get_attribute("data-shown") == "1"
    page.evaluate("document.activeElement.dispatchEvent(new Event('keydown', { bubbles: true }))")  # autofill's
    assert room.troubles == []


# --- a reader's own keys ---


def test_keys_are_changed_in_the_help_kept_with_the_reader_and_reset(reading_room: Make) -> None:
    room = reading_room(total=2)
    page = room.open()
    room.press("?")
    expect(page.locator("#help-dialog")).to_contain_text(f"Version {explain.__version__}")
    page.get_by_role("button", name="Change keys").click()
    overlay = page.get_by_label("overlay on or off")
    assert_accessible(page)
    room.photograph("own-keys")
    overlay.fill("i")
    room.press("Enter")
    expect(page.locator("#help-dialog")).to_contain_text("“i” would be of two actions")
    overlay.fill("")
    assert not key(page, "&", "Digit1"), "on a French keyboard this is the key of an answer"
    expect(page.locator("#help-dialog")).to_contain_text("answers the questions")
    overlay.fill("ü")
    page.get_by_role("button", name="Keep these keys").click()
    expect(page.locator("#help-dialog")).to_contain_text("Ü")
    room.press("Enter")
    expect(page.locator("#help-dialog")).to_be_hidden()
    button = page.locator(".toolbar [data-action=overlay]")
    expect(button).to_contain_text("Ü")
    before = pressed(room, "overlay")
    room.press("o")
    assert pressed(room, "overlay") == before
    key(page, "ü", "BracketLeft")
    assert pressed(room, "overlay") != before
    page.reload()  # they are the reader's, not the page's
    room.wait_for(1)
    expect(button).to_contain_text("Ü")
    before = pressed(room, "overlay")
    key(page, "ü", "BracketLeft")
    assert pressed(room, "overlay") != before
    room.press("?")
    page.get_by_role("button", name="Change keys").click()
    page.get_by_role("button", name="Reset to the usual keys").click()
    page.get_by_role("button", name="Change keys").wait_for()
    expect(page.locator("#help-dialog")).not_to_contain_text("Ü")
    room.press("Enter", "o")
    assert pressed(room, "overlay") == before
    assert Reader.objects.get(code="R1").keys == {}


def test_keys_that_cannot_be_kept_now_are_said_so(reading_room: Make) -> None:
    room = reading_room()
    page = room.open()
    page.route("**/preferences/", lambda route: route.abort())
    room.press("?")
    page.get_by_role("button", name="Change keys").click()
    page.get_by_label("overlay on or off").fill("y")
    room.press("Enter")
    expect(page.locator("#help-dialog")).to_contain_text("Not kept.")
    room.press("Escape", "y")
    assert pressed(room, "overlay") == "true"
