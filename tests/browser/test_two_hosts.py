"""Reading in Chromium over two hosts behind nginx, one database and one object store, while things go wrong."""

import sqlite3
from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.db import connection
from playwright.sync_api import BrowserType, Page, Route, expect

from tests.browser.conftest import ReadingRoom
from tests.browser.trial import PASSWORD, Trial, session_cookie
from tests.proxy.conftest import start_site, static_root  # noqa: F401  fixtures
from tests.proxy.site import HOST, Site

pytestmark = pytest.mark.nginx
ADDRESS = f"https://{HOST}"
SCORES = """SELECT reading_assignment.position, studies_question.key, score, revision FROM reading_response
    JOIN reading_assignment ON reading_assignment.id = assignment_id
    JOIN studies_question ON studies_question.id = question_id ORDER BY reading_response.id"""


class TwoHosts(ReadingRoom):
    """The same page, served by a site: what is stored is looked up in the site's database."""

    def __init__(self, page: Page, trial: Trial, site: Site) -> None:
        super().__init__(page, trial, ADDRESS)
        self.site = site

    def asked(self, query: str) -> list[tuple]:
        url = self.site.environment["DATABASE_URL"]
        if url.startswith("sqlite:///"):  # a copy of the test's
            with sqlite3.connect(url.removeprefix("sqlite:///")) as database:
                return database.execute(query).fetchall()
        with connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall()

    def scores(self) -> list[tuple[int, str, int, int]]:
        return self.asked(SCORES)

    def lose_reply(self, path: str, before: Callable[[], None] = lambda: None) -> None:
        """As for one host; the request is sent by the test, which knows where the site's name leads."""

        def take(route: Route) -> None:
            here = route.request.url.replace(ADDRESS, f"https://127.0.0.1:{self.site.nginx.port}")
            answer = route.fetch(url=here, headers={**route.request.all_headers(), "host": HOST})
            assert answer.ok, answer.text()
            before()
            route.abort()

        self.page.route(path, take, times=1)


@pytest.fixture
def two_hosts(
    transactional_db, in_object_store, start_site, browser_type: BrowserType, browser_type_launch_args  # noqa: F811
) -> Iterator[TwoHosts]:  # fmt: skip
    trial = Trial(total=6)
    user = trial.reader.membership.user  # the site knows no passwords hashed in a hurry, as tests do
    user.password = PBKDF2PasswordHasher().encode(PASSWORD, "salt" * 8)
    user.save()
    cookie = session_cookie(trial.reader, ADDRESS)
    site = start_site(hosts=2, **in_object_store)
    leads_here = f"--host-resolver-rules=MAP {HOST}:443 127.0.0.1:{site.nginx.port}"
    browser = browser_type.launch(
        **{**browser_type_launch_args, "args": [*browser_type_launch_args["args"], leads_here]}
    )
    page = browser.new_context(ignore_https_errors=True).new_page()  # the certificate is the test's own
    page.context.add_cookies([cookie])
    yield TwoHosts(page, trial, site)
    browser.close()


def test_no_fault_of_a_reading_loses_or_doubles_an_answer(two_hosts: TwoHosts) -> None:
    room, page = two_hosts, two_hosts.open()
    room.read_on(1, 4, 2)

    room.wait_for(2)  # an acknowledgement is lost, and so the answer is sent again
    room.lose_reply("**/responses/**")
    room.read_on(2, 5, 1)

    room.wait_for(3)  # the host that took an answer dies before it could say so
    room.lose_reply("**/responses/**", before=lambda: room.site.kill(0))
    room.read_on(3, 3, 3)

    room.wait_for(4)  # the network goes and comes, on the one host that is left
    room.cut_network()
    room.press("1", "2")
    room.wait_until(lambda: room.kept_scores()[-2:] == [1, 2])
    room.restore_network()
    room.press("Enter")

    room.wait_for(5)  # the session ends
    page.wait_for_load_state("networkidle")
    page.context.clear_cookies()
    room.press("2")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("dialog[open]")).to_have_count(0)
    room.press("5", "Enter")

    room.wait_for(6)  # the page is loaded again in the middle of an example
    room.press("4")
    room.all_saved()
    page.reload()
    room.wait_for(6)
    assert room.chosen() == ["4"]
    room.press("1")
    room.all_saved()
    expected = [(4, 2), (5, 1), (3, 3), (1, 2), (2, 5), (4, 1)]
    room.stores([
        (position, question, score, 1)
        for position, both in enumerate(expected, start=1)
        for question, score in zip(("confidence", "feature"), both, strict=True)
    ])  # fmt: skip
    assert room.kept_rows() == []
    assert (
        len(room.asked("SELECT id FROM reading_visit")) == 7
    )  # one an example, and one after the page was loaded again
