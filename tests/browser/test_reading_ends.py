"""Cookies that are deleted, reads that are over for the server, and what answers in the server's place."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Route, expect

from readerstudy.accounts.models import User
from readerstudy.reading.models import Read, Visit
from readerstudy.studies.models import Membership
from tests.browser.conftest import ReadingRoom
from tests.browser.trial import PASSWORD

Make = Callable[..., ReadingRoom]
PROBLEM = "application/problem+json"


@pytest.mark.parametrize("deleted", ["all", "csrftoken"])
def test_deleted_cookies_cost_at_most_a_password(reading_room: Make, deleted: str) -> None:
    room = reading_room()
    page = room.open()
    room.delete_cookies(name=None if deleted == "all" else deleted)
    room.press("3")
    if deleted == "all":
        page.get_by_label("Password").fill(PASSWORD)
        room.press("Enter")
    room.all_saved()
    room.stores([(1, "confidence", 3, 1)])


def finished_elsewhere(room: ReadingRoom) -> None:
    Read.objects.filter(reader=room.trial.reader, number=1).update(finished_at=timezone.now())


def set_back_before_the_visit(room: ReadingRoom) -> None:
    Visit.objects.all().delete()


def set_back_before_the_reader(room: ReadingRoom) -> None:
    Membership.objects.update(user=User.objects.create(username="somebody"))


def closed(room: ReadingRoom) -> None:
    room.trial.change(state="closed", closed_at=timezone.now())


ENDS = [
    (finished_elsewhere, "This read is finished already"), (set_back_before_the_visit, "set back to an older state"),
    (set_back_before_the_reader, "no longer knows you as R1"), (closed, "The study has been closed"),
]  # fmt: skip


@pytest.mark.parametrize(("happens", "said"), ENDS, ids=[end.__name__ for end, _ in ENDS])
def test_a_read_that_is_over_for_the_server_stops_with_one_message(
    reading_room: Make, happens: Callable[[ReadingRoom], None], said: str
) -> None:
    room = reading_room()
    page = room.open()
    room.wait_until(lambda: Visit.objects.exists() and room.kept_rows() == [])
    happens(room)
    room.press("4")
    expect(page.locator("#message")).to_contain_text(said)
    expect(page.locator("#message")).to_contain_text("1 answer that the server has not taken is kept on this computer")
    expect(page.locator("#notice")).to_be_empty()
    expect(page.locator("#reading")).to_be_hidden()
    assert room.kept_scores() == [4] and room.scores() == []
    room.photograph(f"ended-{happens.__name__}")


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_refusal_of_everything_stops_the_page(reading_room: Make, status: int) -> None:
    room = reading_room()
    page = room.open()
    room.wait_until(Visit.objects.exists)
    body = '{"title": "No", "detail": "This reader may not read.", "code": "gone"}'
    page.route("**/responses/**", lambda route: route.fulfill(status=status, content_type=PROBLEM, body=body))
    room.press("4", "2")
    expect(page.locator("#message")).to_contain_text("kept on this computer")
    assert 4 in room.kept_scores()


def test_an_account_that_is_gone_ends_the_password_dialog(reading_room: Make) -> None:
    room = reading_room()
    page = room.open()
    room.wait_until(Visit.objects.exists)
    page.route("**/responses/**", lambda route: route.abort())  # so that the answer waits, whatever asks first
    room.press("4")
    room.wait_until(lambda: room.kept_scores() == [4])
    User.objects.update(is_active=False)
    room.end_session()
    page.unroute("**/responses/**")
    page.get_by_label("Password").fill(PASSWORD)
    room.press("Enter")
    expect(page.locator("#message")).to_contain_text("does not know you any more")
    page.wait_for_timeout(1000)  # what was under way, images asked for ahead too, does not ask again
    expect(page.locator("#session-dialog")).to_be_hidden()
    assert room.kept_scores() == [4]


HTML = {"content_type": "text/html", "body": "<h1>Log in to the hospital's network</h1>"}


NO_SUCH_ADDRESS = {  # of a host that is older than the page (common/error_answers.py)
    "status": 404, "content_type": PROBLEM, "json": {"title": "No", "detail": "Not there.", "code": "no_such_address"},
}  # fmt: skip
REPLIES = [
    {"status": 200, **HTML}, {"status": 403, **HTML}, {"status": 404, **HTML}, {"status": 502, **HTML},
    {"status": 302, "headers": {"Location": "/accounts/login/"}}, {"status": 200, "json": {}}, {"status": 204},
    {"status": 403, "json": "no"}, {"status": 400, **HTML}, NO_SUCH_ADDRESS,
]  # fmt: skip


def given(reply: dict[str, Any]) -> Callable[[Route], None]:
    return lambda route: route.fulfill(**reply)


def test_what_answers_in_the_servers_place_acknowledges_nothing(reading_room: Make) -> None:
    room = reading_room(total=len(REPLIES))
    page = room.open()
    expected = []
    for position, reply in enumerate(REPLIES, start=1):
        room.wait_for(position)
        room.wait_until(lambda visits=position: Visit.objects.count() == visits and room.kept_rows() == [])
        page.route("**/responses/**", given(reply))
        room.press("4")
        expect(page.locator("#notice")).to_contain_text("1 answer is kept on this computer")
        expect(page.locator("#save-state")).to_have_text("Not sent yet: 1")
        assert room.kept_scores() == [4]
        page.unroute("**/responses/**")
        room.all_saved()
        expected += [(position, "confidence", 4, 1), (position, "feature", 2, 1)]
        room.stores(expected[:-1])
        room.press("2")
        room.stores(expected)
        room.press("Enter")


def test_an_id_taken_by_another_answer_is_set_aside_and_said(reading_room: Make) -> None:
    room = reading_room()
    page = room.open()
    room.wait_until(Visit.objects.exists)
    page.evaluate("() => { crypto.randomUUID = () => '5f0c1f8e-4a54-4d0c-9a5e-0c6ad0f0a003'; }")
    room.press("4", "2")
    expect(page.locator("#notice")).to_contain_text("did not take 1 answer: Another answer is stored with this id")
    assert room.kept_scores() == [2]
    room.stores([(1, "confidence", 4, 1)])


def test_going_back_while_the_feedback_does_not_come_stays_there(reading_room: Make) -> None:
    room = reading_room(total=2, practice=3)
    page = room.open(practice=True)
    room.press("4", "2", "Enter")
    expect(page.locator("#feedback")).to_be_visible()
    room.press("Enter")
    room.wait_for(2)
    waiting: list[Any] = []
    page.route("**/feedback/2/", lambda route: waiting.append(route))
    room.press("4", "2", "Enter")
    room.wait_until(lambda: bool(waiting))
    room.press("Backspace")
    room.wait_for(1)
    waiting[0].abort()
    page.wait_for_timeout(300)
    room.wait_for(1)
