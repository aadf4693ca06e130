"""The server is upgraded while a browser holds answers: every one arrives, and what cannot is kept and told."""

import re
import tarfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings
from playwright.sync_api import expect

from readerstudy.reading.api.requests import ACTIONS
from readerstudy.reading.models import Response, Visit
from tests.browser.conftest import ReadingRoom
from tests.browser.test_reading_lost import FILL, OWNER, list_page, rows_of_an_earlier_version

Make = Callable[..., ReadingRoom]
# The reading page (its modules and its template) as it was when the API got the names it has now.
BEFORE = Path(__file__).parent / "data" / "reading-0.1.0.tar.xz"
GIVEN = [(1, "confidence", 4, 1), (1, "feature", 2, 1), (2, "confidence", 5, 1)]


@pytest.fixture
def page_of_before(tmp_path: Path, settings: Any) -> Iterator[Callable[[], None]]:
    """The server hands out the reading page of before, until what this gives is called."""
    with tarfile.open(BEFORE) as packed:
        packed.extractall(tmp_path)
    (engine,) = settings.TEMPLATES
    older = override_settings(
        STATICFILES_DIRS=[tmp_path / "static", *settings.STATICFILES_DIRS],
        TEMPLATES=[{**engine, "DIRS": [tmp_path / "templates", *engine["DIRS"]]}],
    )
    older.enable()
    under_way = [older]

    def upgrade() -> None:
        if under_way:
            under_way.pop().disable()

    yield upgrade
    upgrade()


def test_the_server_knows_every_action_that_the_page_of_before_counts() -> None:
    with tarfile.open(BEFORE) as packed:
        modules = [packed.extractfile(one).read().decode() for one in packed if one.name.endswith(".js")]
    said = re.compile(r"""(?:onAction|count|turn)\("(\w+)"|this\.change\([^"]+?\}?, "(\w+)"\)""")
    counted = {one or other for one, other in said.findall("\n".join(modules))} | {"window", "pan", "zoom"}  # by drags
    assert {"help", "overlay", "opacity", "step", "whole", "pair", "what_is_this"} <= counted <= set(ACTIONS)


def answer_without_a_server(room: ReadingRoom) -> None:
    """Two examples are opened, and three questions answered, while nothing gets through to be stored."""
    page = room.open()
    module = page.evaluate("async () => (await fetch('/static/reading/visit.js')).text()")
    assert " opened_at: " in module, "this is the page of before"
    room.wait_for_files(of_examples=2)
    page.route("**/visits/**", lambda route: route.abort())
    page.route("**/responses/**", lambda route: route.abort())
    room.read_on(1, 4, 2)
    room.wait_for(2)
    room.press("5")
    room.wait_until(lambda: room.kept_scores() == [4, 2, 5])


def all_is_stored(room: ReadingRoom) -> None:
    room.wait_until(lambda: sorted(room.scores()) == sorted(GIVEN))  # in whatever order they arrive
    assert all(answer.elapsed_ms and answer.visible_ms and answer.answered_at for answer in Response.objects.all())
    assert all(visit.client_opened_at and visit.images_ready_ms and visit.files for visit in Visit.objects.all())
    room.wait_until(lambda: room.kept_rows() == [])


def test_answers_that_wait_on_the_disk_arrive_by_the_new_page(reading_room: Make, page_of_before) -> None:
    room = reading_room()
    answer_without_a_server(room)
    names = {name for row in room.kept_rows() for name in row["body"]}
    assert {"elapsed_ms", "opened_at"} <= names and "client_opened_at" not in names
    page_of_before()
    room.page.context.new_cdp_session(room.page).send("Network.clearBrowserCache")
    room.page.unroute_all(behavior="wait")
    room.page.reload()
    room.wait_for(2)
    assert room.chosen() == ["5"]
    all_is_stored(room)


def test_a_page_that_stays_open_goes_on(reading_room: Make, page_of_before) -> None:
    room = reading_room()
    answer_without_a_server(room)
    page_of_before()
    room.page.unroute_all(behavior="wait")
    room.all_saved()
    all_is_stored(room)
    room.press("3", "Enter")
    room.stores([*GIVEN, (2, "feature", 3, 1)])
    room.wait_for(3)


def test_an_entry_with_a_field_that_the_server_does_not_know_is_set_aside(reading_room: Make) -> None:
    room = reading_room()
    other = list_page(room)
    rows = rows_of_an_earlier_version(other)
    rows[1]["body"]["certainty"] = 0.9
    opening = {**rows[0]["body"], "id": str(uuid.uuid4()), "lamp": "on"}
    other.evaluate(FILL, [{**rows[0], "key": f"opened:{opening['id']}", "body": opening}, *rows])
    other.close()
    page = room.open()
    expect(page.locator("#notice")).to_contain_text("The server did not take 1 visit and 1 answer: “lamp”: This field")
    assert room.kept_scores() == [4] and room.scores() == []
    assert OWNER in {row["owner"] for row in room.kept_rows()}
    room.press("3", "2")  # the reader answers again, and this arrives
    room.stores([(1, "confidence", 3, 1), (1, "feature", 2, 1)])
    assert 4 in room.kept_scores()
