"""Nothing is lost, nothing is doubled: answers from the reader's fingers to the server."""

import hashlib
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from readerstudy.reading.models import Reader, Response, Visit
from readerstudy.studies.models import Question
from tests.browser.conftest import ReadingRoom
from tests.browser.trial import METHODS, PASSWORD, session_cookie

Make = Callable[..., ReadingRoom]


def test_a_whole_read_by_keyboard_alone(reading_room: Make) -> None:
    room = reading_room(total=4)
    room.open(check=False).locator("#display-dialog[open]").wait_for()
    room.press("Space", "Tab", "Space", "Enter")  # the display check
    for position in range(1, 5):
        room.read_on(position, position, 5)
    expect(room.page.get_by_role("button", name="Stay here")).to_be_focused()
    room.press("Tab", "Enter")
    expect(room.page.locator("#message")).to_contain_text("Read 1 of 2 is finished")
    assert room.trial.reader.reads.get(number=1).finished_at
    expected = [((p, "confidence", p, 1), (p, "feature", 5, 1)) for p in range(1, 5)]
    room.stores([row for pair in expected for row in pair])
    assert room.kept_rows() == [], "the workstation is shared: nothing stays on it"
    expect(room.page.get_by_role("button", name="Back")).to_be_disabled()
    room.press("Backspace", "4")
    expect(room.page.locator("#message")).to_contain_text("Read 1 of 2 is finished")
    assert room.troubles == []


def test_a_visit_records_times_display_files_and_actions(reading_room: Make) -> None:
    room = reading_room(total=2)
    room.open(check=False)
    room.pass_display_check()
    room.wait_for(1)
    room.press("o", "o", "i", "e", "e", "4", "3")
    room.page.fill("#comment", "Rotated film")
    room.press("Enter")
    room.wait_for(2)
    room.wait_until(lambda: room.trial.visit(1).comment == "Rotated film")
    visit = room.trial.visit(1)
    assert visit.actions == {"overlay": 2, "invert": 1, "enlarge": 2}
    assert 0 < visit.images_ready_ms <= visit.first_input_ms <= visit.answered_ms
    assert visit.visible_ms >= visit.answered_ms
    assert visit.display["screen"]["width"] > 0 and visit.display["device_pixel_ratio"] == 1
    assert visit.display["check"]["dark_square_seen"] is True
    assert visit.display["check"]["light_square_seen"] is False
    assert [file["role"] for file in visit.files] == ["image", *METHODS["A"]]
    assert all(file["format"] == "image/png" for file in visit.files)
    sent = [hashlib.sha256(room.trial.files[file["role"]]).hexdigest() for file in visit.files]
    assert [file["sha256"] for file in visit.files] == sent
    first, second = Response.objects.order_by("id")
    assert first.visit == second.visit == visit
    assert visit.images_ready_ms <= first.elapsed_ms <= second.elapsed_ms == visit.answered_ms
    assert first.visible_ms <= first.elapsed_ms and second.visible_ms <= visit.visible_ms
    room.press("Backspace")
    room.wait_for(1)
    expect(room.page.locator("#comment")).to_have_value("Rotated film")


def test_a_comment_is_cleared_for_good_and_one_left_alone_stays(reading_room: Make) -> None:
    room = reading_room(total=3)
    page = room.open()
    page.fill("#comment", "Rotated film")
    room.press("Enter", "4", "3", "Enter")  # the first Enter says what is missing
    room.wait_for(2)
    room.press("Backspace")
    room.wait_for(1)
    page.reload()  # only the server knows the comment now, and the visit before the reload left it alone
    room.wait_for(1)
    expect(page.locator("#comment")).to_have_value("Rotated film")
    page.fill("#comment", "")
    room.press("Enter")
    room.wait_for(2)
    room.press("Backspace")
    room.wait_for(1)
    page.reload()
    room.wait_for(1)
    expect(page.locator("#comment")).to_have_value("")
    visits = Visit.objects.filter(assignment__position=1).order_by("opened_at")
    room.wait_until(lambda: [visit.comment for visit in visits.all()][:3] == ["Rotated film", None, ""])


def test_network_cut_in_mid_read_and_restored(reading_room: Make) -> None:
    room = reading_room(total=6)
    room.open()
    room.read_on(1, 1, 1)
    room.wait_for(2)
    room.wait_for_files(6)
    room.all_saved()
    room.cut_network()
    room.read_on(2, 2, 2)
    room.read_on(3, 3, 3)
    room.wait_for(4)
    expect(room.page.locator("#notice")).to_contain_text("4 answers are kept on this computer", timeout=10_000)
    expect(room.page.locator("#save-state")).to_have_text("Not sent yet: 4")
    assert len(room.scores()) == 2
    room.photograph("offline")
    room.restore_network()
    room.all_saved()
    expect(room.page.locator("#notice")).to_be_empty()
    room.read_on(4, 4, 4)
    room.wait_for(5)
    room.all_saved()
    room.stores([(p, key, p, 1) for p in (1, 2, 3, 4) for key in ("confidence", "feature")])
    room.wait_until(lambda: Visit.objects.count() == 5)  # one opening each, the one on the screen included


def test_an_answer_stored_but_not_acknowledged_is_sent_again_and_stored_once(reading_room: Make) -> None:
    room = reading_room(total=2)
    room.open()
    room.lose_reply("**/responses/**")
    room.press("2")
    room.all_saved()
    sent = [request for request in room.requests if "/responses/" in request]
    assert len(sent) == 2 and len(set(sent)) == 1
    room.stores([(1, "confidence", 2, 1)])


def test_a_killed_browser_sends_at_its_next_start(reading_room: Make) -> None:
    room = reading_room()
    page = room.open()
    room.cut_network()
    room.press("4", "2")
    expect(page.locator("#notice")).to_contain_text("2 answers")
    second = page.context.new_page()
    page.close()
    assert room.scores() == []  # before the network is back: what the page sent as it went away may still arrive
    second.context.set_offline(False)
    again = ReadingRoom(second, room.trial, room.address)
    again.open(check=False)
    again.pass_display_check()  # a new sitting
    again.wait_for(2)  # the answers of example 1 came first, so the place is right
    # Both are sent at once as the page goes away, so either may come first.
    again.wait_until(lambda: sorted(again.scores()) == [(1, "confidence", 4, 1), (1, "feature", 2, 1)])
    again.press("Backspace")
    again.wait_for(1)
    assert again.chosen() == ["4", "2"]


def test_a_reload_stays_at_the_example_and_keeps_its_answers(reading_room: Make) -> None:
    room = reading_room()
    page = room.open()
    room.press("5")
    room.all_saved()
    page.reload()
    room.wait_for(1)
    assert room.chosen() == ["5"]
    room.press("3", "Enter")  # the open question has the focus
    room.wait_for(2)
    room.stores([(1, "confidence", 5, 1), (1, "feature", 3, 1)])


def test_two_tabs_only_one_reads(reading_room: Make) -> None:
    room = reading_room()
    first = room.open()
    room.press("4")
    second = first.context.new_page()
    other = ReadingRoom(second, room.trial, room.address)
    other.open(check=False)
    expect(second.locator("#message")).to_contain_text("open in another tab")
    expect(second.locator("#comment")).to_be_disabled()
    expect(second.get_by_role("button", name="Read here instead")).to_be_focused()
    other.press("Enter")
    other.pass_display_check()
    other.wait_for(1)
    expect(first.locator("#message")).to_contain_text("moved to another tab")
    other.press("5", "Enter")  # the first question was answered in the first tab
    other.wait_for(2)
    first.keyboard.press("1")
    other.all_saved()
    room.stores([(1, "confidence", 4, 1), (1, "feature", 5, 1)])


def test_an_expired_session_asks_in_place_and_keeps_everything(reading_room: Make) -> None:
    room = reading_room()
    page = room.open()
    room.wait_until(Visit.objects.exists)
    room.end_session()
    room.press("3")
    password = page.get_by_label("Password")
    password.fill("wrong")
    room.press("Enter")
    expect(page.locator("#session-dialog")).to_contain_text("not right")
    room.photograph("session")
    room.press("Escape", "Escape")
    expect(password).to_be_visible()
    password.fill(PASSWORD)
    room.press("Enter")
    room.all_saved()
    room.press("4", "Enter")
    room.wait_for(2)
    room.stores([(1, "confidence", 3, 1), (1, "feature", 4, 1)])


def test_another_reader_on_the_same_browser_gets_nothing(reading_room: Make) -> None:
    room = reading_room()
    page = room.open()
    room.wait_until(Visit.objects.exists)
    other = room.trial.joined("R2")
    page.context.add_cookies([session_cookie(other, room.address)])
    room.press("3")
    expect(page.locator("#message")).to_contain_text("log in as R1")
    assert room.scores() == []
    page.reload()
    room.pass_display_check()
    room.wait_for(1)
    assert room.chosen() == [] and room.scores() == []


def test_arrow_keys_are_one_answer_and_a_change_is_a_revision(reading_room: Make) -> None:
    room = reading_room()
    room.open()
    room.press("ArrowRight", "ArrowRight", "ArrowRight", "ArrowRight")
    room.all_saved()
    room.stores([(1, "confidence", 4, 1)])
    room.page.locator("[data-question=confidence] input[value='2']").dblclick()
    room.press("Tab", "5", "5", "Enter", "Enter")
    room.wait_for(2)
    room.press("Backspace")
    room.wait_for(1)
    room.all_saved()
    room.page.wait_for_timeout(100)
    room.stores([(1, "confidence", 4, 1), (1, "confidence", 2, 2), (1, "feature", 5, 1)])


def test_going_on_needs_every_answer(reading_room: Make) -> None:
    room = reading_room()
    page = room.open()
    room.press("4", "Enter")
    expect(page.locator("#notice")).to_have_text("Question 2 has no answer yet.")
    assert page.evaluate("document.activeElement.closest('.question').dataset.question") == "feature"
    page.get_by_role("button", name="Next").dblclick()
    assert room.page.locator("body").get_attribute("data-shown") == "1"
    room.press("3")
    page.get_by_role("button", name="Next").dblclick()  # a double click goes on once
    room.wait_for(2)
    page.wait_for_timeout(300)
    assert page.locator("body").get_attribute("data-shown") == "2"


def test_where_answers_are_final_they_leave_with_enter(reading_room: Make) -> None:
    room = reading_room(allow_changes=False)
    page = room.open()
    room.press("4", "2", "q", "q", "3")
    expect(page.locator("#save-state")).to_have_text("Saved when you go on")
    room.wait_until(lambda: room.kept_scores() == [4, 3])
    page.reload()
    room.wait_for(1)
    assert room.chosen() == ["4", "3"]
    assert room.scores() == []
    room.press("Enter")
    room.wait_for(2)
    room.all_saved()
    room.stores([(1, "confidence", 4, 1), (1, "feature", 3, 1)])
    room.press("Backspace")
    room.wait_for(1)
    expect(page.locator("#notice")).to_contain_text("cannot be changed")
    room.press("1", "Enter")
    room.wait_for(2)
    assert len(room.scores()) == 2


def test_a_refused_answer_is_told_and_kept(reading_room: Make) -> None:
    room = reading_room()
    page = room.open()
    page.route("**/responses/**", lambda route: route.fulfill(
        status=409, content_type="application/problem+json", body='{"detail": "This read is finished."}'))  # fmt: skip
    room.press("4")
    expect(page.locator("#notice")).to_contain_text("did not take 1 answer: This read is finished.")
    expect(page.locator("#save-state")).not_to_contain_text("Saved")
    page.unroute("**/responses/**")
    page.reload()  # the next sitting tries again
    room.wait_for(1)
    room.stores([(1, "confidence", 4, 1)])


@pytest.mark.parametrize("trouble", ["missing", "damaged"])
def test_an_example_without_all_its_images_takes_no_answer(reading_room: Make, trouble: str) -> None:
    room = reading_room(total=3)
    mend = room.trial.spoil(2, "latentshift_map", trouble)
    page = room.open()
    room.read_on(1, 4, 4)
    expect(page.locator("#message")).to_contain_text("Latent Shift map")
    assert "no answer is taken" in room.message()
    expect(page.get_by_role("button", name="Try again")).to_be_focused()
    expect(page.locator("#comment")).to_be_disabled()
    assert ("does not have the file" if trouble == "missing" else "arrived damaged") in room.message()
    room.photograph(f"image-{trouble}")
    room.press("4", "4", "Enter")
    page.wait_for_timeout(200)
    expect(page.get_by_role("button", name="Try again")).to_be_focused()  # Enter has tried again
    assert {position for position, *_ in room.scores()} == {1}
    mend()
    page.get_by_role("button", name="Try again").click()
    room.wait_for(2)
    expect(page.locator("#comment")).to_be_enabled()
    assert room.trial.visit(2).display["failed_files"] == ["Latent Shift map"]


def test_opening_without_a_server_waits_and_then_opens(reading_room: Make) -> None:
    room = reading_room()
    page = room.page
    page.route("**/state/", lambda route: route.abort())
    room.open(check=False)
    expect(page.locator("#message")).to_contain_text("The server cannot be reached")
    page.unroute("**/state/")
    page.get_by_role("button", name="Try again now").click()
    room.pass_display_check()
    room.wait_for(1)


def test_practice_tells_the_truth_after_the_answers(reading_room: Make) -> None:
    room = reading_room(total=2, practice=2)
    page = room.open(practice=True)
    assert "Practice 1" in page.locator("header").inner_text()
    before = page.locator(".view").first.bounding_box()
    room.press("4", "2", "Enter")
    expect(page.locator("#feedback")).to_contain_text("Cardiomegaly is present: the model is right.")
    assert page.locator(".view").first.bounding_box() == before, "the images stay where they are"
    room.photograph("practice-feedback")
    room.press("Enter")
    room.wait_for(2)
    expect(page.locator("#feedback")).to_be_hidden()
    expect(page.locator("#prediction")).to_contain_text("Cardiomegaly")
    room.press("4", "2", "Enter")
    expect(page.locator("#feedback")).to_contain_text("the model is wrong")
    room.press("Enter")
    page.get_by_role("button", name="Finish practice").click()
    expect(page.locator("#message")).to_contain_text("The next read is ready")


def test_single_key_shortcuts_can_be_switched_off(reading_room: Make) -> None:
    room = reading_room()
    page = room.open()
    room.press("?")
    page.get_by_label("Single-key shortcuts on").uncheck()
    room.press("Escape")
    expect(page.locator("#help-dialog")).to_be_hidden()
    room.press("i")
    assert page.locator("[data-action=invert]").get_attribute("aria-pressed") == "false"
    room.press("4")  # inside a question, digits still answer
    room.all_saved()
    page.get_by_role("button", name="Reset").focus()
    room.press("5")
    assert [score for _, _, score, _ in room.scores()] == [4]
    assert Reader.objects.get().single_key_shortcuts is False


def test_finer_scales_are_answered_by_key_too(reading_room: Make) -> None:
    room = reading_room()
    Question.objects.filter(key="confidence").update(minimum=1, maximum=10)
    Question.objects.filter(key="feature").update(minimum=0, maximum=100)
    page = room.open()
    room.press("0")  # 10, as there is no key for it
    room.press("8", "5", "Enter")
    room.wait_for(2)
    room.press("7")
    page.keyboard.type("850")
    expect(page.locator("[data-question=feature]")).to_contain_text("850 is outside 0 to 100: not taken.")
    room.press("Enter")
    expect(page.locator("#notice")).to_have_text("Question 2 has no answer yet.")
    room.all_saved()
    room.stores([(1, "confidence", 10, 1), (1, "feature", 85, 1), (2, "confidence", 7, 1)])


def test_log_out_leaves_nothing_that_was_sent(reading_room: Make) -> None:
    room = reading_room()
    page = room.open(check=False)
    room.pass_display_check()
    room.wait_for(1)
    room.press("4")
    room.all_saved()
    page.get_by_role("link", name="Pause").click()
    page.get_by_role("button", name="Log out").click()
    page.get_by_role("link", name="Log in").first.wait_for()
    assert room.kept_rows() == []
    assert page.evaluate("sessionStorage.length") == 0, "the next log-in checks the display again"


def test_log_out_keeps_what_was_not_sent(reading_room: Make) -> None:
    room = reading_room()
    page = room.open()
    page.route("**/responses/**", lambda route: route.abort())
    room.press("4")
    expect(page.locator("#notice")).to_contain_text("1 answer is kept")
    page.get_by_role("link", name="Pause").click()
    page.get_by_role("button", name="Log out").click()
    page.get_by_role("link", name="Log in").first.wait_for()
    page.unroute("**/responses/**")
    page.context.add_cookies([session_cookie(room.trial.reader, room.address)])
    room.open(check=False)
    room.wait_for(1)
    room.stores([(1, "confidence", 4, 1)])
    assert room.chosen() == ["4"]


def test_an_answer_that_cannot_be_kept_stops_the_reader(reading_room: Make) -> None:
    room = reading_room()
    page = room.open()
    page.evaluate(
        """() => {
            const store = IDBObjectStore.prototype;
            store.realAdd = store.add;
            store.add = () => { throw new DOMException("full", "QuotaExceededError"); };
        }"""
    )
    room.press("4", "3", "Enter")
    expect(page.locator("#notice")).to_contain_text("could not be kept on this computer")
    assert page.locator("body").get_attribute("data-shown") == "1"
    page.evaluate("() => { IDBObjectStore.prototype.add = IDBObjectStore.prototype.realAdd; }")
    room.press("Enter")
    room.wait_for(2)
    room.all_saved()
    room.stores([(1, "confidence", 4, 1), (1, "feature", 3, 1)])
