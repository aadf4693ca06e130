"""What must not be lost though tabs, versions and values come and go; and what must not hang in silence."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, Route, expect

from readerstudy.reading.models import Visit
from tests.browser.conftest import ReadingRoom
from tests.browser.trial import SLUG, session_cookie

Make = Callable[..., ReadingRoom]
OWNER = f"/api/reading/{SLUG}/ R1"

# As pages of earlier versions make the database.
FILL = """(rows) => new Promise((resolve) => {
    const request = indexedDB.open("reading-room", 1);
    request.onupgradeneeded = () => {
        const store = request.result.createObjectStore("outbox", { keyPath: "seq", autoIncrement: true });
        store.createIndex("owner", "owner");
    };
    request.onsuccess = () => {
        const transaction = request.result.transaction("outbox", "readwrite");
        rows.forEach((row) => transaction.objectStore("outbox").add(row));
        transaction.oncomplete = () => { request.result.close(); resolve(); };
    };
})"""
OPENING = {"display": {}, "files": [], "failed_files": [], "images_ready_ms": 120}
VISIT = "5f0c1f8e-4a54-4d0c-9a5e-0c6ad0f0a001"
ANSWER = "5f0c1f8e-4a54-4d0c-9a5e-0c6ad0f0a002"


def list_page(room: ReadingRoom) -> Page:
    """Another page of the site in the same browser, which reads nothing."""
    page = room.page.context.new_page()
    page.goto(f"{room.address}/reading/{SLUG}/")
    return page


def log_out(page: Page) -> None:
    page.get_by_role("button", name="Log out").click()
    page.get_by_role("link", name="Log in").first.wait_for()


def rows_of_an_earlier_version(page: Page) -> list[dict[str, Any]]:
    token = page.evaluate(
        "async (url) => (await (await fetch(url)).json()).visit_token", f"{OWNER.split()[0]}assignments/1/"
    )
    response = {"visit": VISIT, "position": 1, "read": 1, "question": "confidence", "score": 4, "elapsed_ms": 900}
    return [
        {"owner": OWNER, "kind": "visit", "key": f"opened:{VISIT}", "method": "POST", "path": "visits/", "position": 1,
         "body": {"id": VISIT, "position": 1, "read": 1, "visit_token": token, **OPENING}},
        {"owner": OWNER, "kind": "response", "key": ANSWER, "method": "PUT", "path": f"responses/{ANSWER}/",
         "position": 1, "held": False, "body": response, "refused": "a closed study"},
        {"owner": OWNER, "kind": "visit-update", "key": f"visit:{VISIT}", "method": "PUT", "path": f"visits/{VISIT}/",
         "position": 1, "body": {"visible_ms": 7000, "actions": {}, "comment": "rotated"}},
    ]  # fmt: skip


# --- 1. nothing unacknowledged is deleted


def test_answers_kept_while_a_colleague_logs_in_are_there_later(reading_room: Make) -> None:
    room = reading_room()
    first = room.open()
    room.wait_until(lambda: Visit.objects.exists() and room.kept_rows() == [])
    first.route("**/api/**", lambda route: route.abort())
    second = list_page(room)
    log_out(second)
    second.context.add_cookies([session_cookie(room.trial.joined("R2"), room.address)])
    room.press("4", "2")
    expect(first.locator("#notice")).to_contain_text("2 answers are kept on this computer")
    second.goto(f"{room.address}/reading/{SLUG}/")
    log_out(second)
    first.close()
    room.page = second
    assert room.kept_scores() == [4, 2]
    second.context.add_cookies([session_cookie(room.trial.reader, room.address)])
    ReadingRoom(second, room.trial, room.address).open(check=False)
    room.stores([(1, "confidence", 4, 1), (1, "feature", 2, 1)])


def test_a_colleague_who_has_logged_in_meanwhile_gets_no_answer(reading_room: Make) -> None:
    room = reading_room()
    page = room.open()
    room.wait_until(lambda: Visit.objects.exists() and room.kept_rows() == [])
    page.context.add_cookies([session_cookie(room.trial.joined("R2"), room.address)])
    room.press("4")
    expect(page.locator("#message")).to_contain_text("log in as R1")
    assert room.kept_scores() == [4] and room.scores() == []


def test_a_page_of_before_that_deletes_the_database_takes_nothing_with_it(reading_room: Make) -> None:
    room = reading_room()
    room.open()
    room.wait_until(Visit.objects.exists)
    room.page.route("**/responses/**", lambda route: route.abort())
    room.press("4")
    room.wait_until(lambda: room.kept_scores() == [4])
    other = list_page(room)
    deleted = other.evaluate(
        """() => new Promise((resolve) => {
            const request = indexedDB.deleteDatabase("reading-room");
            request.onsuccess = () => resolve(true);
        })"""
    )
    assert deleted, "it does not have to wait for this page"
    room.wait_until(lambda: room.kept_scores() == [4])
    room.press("2")
    room.wait_until(lambda: room.kept_scores() == [4, 2])
    room.page.unroute("**/responses/**")
    room.all_saved()
    room.stores([(1, "confidence", 4, 1), (1, "feature", 2, 1)])


def test_an_outbox_of_the_version_before_is_sent(reading_room: Make) -> None:
    room = reading_room()
    other = list_page(room)
    other.evaluate(FILL, rows_of_an_earlier_version(other))
    other.close()
    room.open()
    assert room.chosen() == ["4"]
    room.stores([(1, "confidence", 4, 1)])
    stored = Visit.objects.get(pk=VISIT)
    assert (stored.visible_ms, stored.idle_ms, stored.comment) == (7000, None, "rotated")
    assert not [row for row in room.kept_rows() if VISIT in row["path"]]


def test_what_the_disk_refuses_half_way_stays_as_it_was(reading_room: Make) -> None:
    """A newer answer replaces one that waits, in one step: where it cannot be kept, the old one is."""
    room = reading_room(allow_changes=False)
    room.open()
    room.press("4")
    room.wait_until(lambda: room.kept_scores() == [4])
    room.page.evaluate(
        "() => { IDBObjectStore.prototype.add = () => { throw new DOMException('full', 'QuotaExceededError'); } }"
    )
    room.page.locator("[data-question=confidence] input[value='2']").click()
    expect(room.page.locator("#notice")).to_contain_text("could not be kept")
    assert room.kept_scores() == [4]


def test_an_opening_that_the_disk_refuses_costs_no_answer(reading_room: Make) -> None:
    room = reading_room()
    room.page.add_init_script(
        """const add = IDBObjectStore.prototype.add;
        IDBObjectStore.prototype.add = function (value) {
            if (value.kind === "visit") throw new DOMException("full", "QuotaExceededError");
            return add.call(this, value);
        };"""
    )
    room.open()
    room.wait_until(Visit.objects.exists)
    room.press("4", "2", "Enter")
    room.wait_for(2)
    # What goes past a full disk goes at once, so one may overtake another.
    room.wait_until(lambda: sorted(room.scores()) == [(1, "confidence", 4, 1), (1, "feature", 2, 1)])


def test_what_the_disk_refuses_late_has_a_reason(reading_room: Make) -> None:
    """A full disk may be noticed only as the transaction ends; the page tells a disk's refusal by its kind."""
    page = list_page(reading_room())
    refused = page.evaluate(
        """async () => {
            const { Disk } = await import("/static/reading/disk.js");
            const disk = new Disk();
            await disk.write((store) => store.put({ seq: 1 }));
            return disk.write((store) => store.add({ seq: 1 })).then(() => "taken", (error) => error?.name);
        }"""
    )
    assert refused == "ConstraintError"


# --- 2. nothing hangs in silence


def test_a_database_that_another_tab_keeps_busy_is_said_and_waited_for(reading_room: Make) -> None:
    room = reading_room()
    old = list_page(room)
    old.evaluate(FILL, [])
    old.evaluate(
        """() => { indexedDB.open("reading-room").onsuccess = ({ target }) => {
            window.held = target.result;
            indexedDB.deleteDatabase("reading-room");
        }; }"""
    )
    page = room.open(check=False)
    expect(page.locator("#message")).to_contain_text("close the other tabs", timeout=15_000)
    expect(page.get_by_role("button", name="Reload the page")).to_be_focused()
    room.photograph("storage-busy")
    old.close()
    room.pass_display_check()
    room.wait_for(1)
    room.press("4")
    room.all_saved()


def test_bad_entries_are_set_aside_and_reported_and_the_good_ones_sent(reading_room: Make) -> None:
    room = reading_room()
    other = list_page(room)
    good = rows_of_an_earlier_version(other)
    bad: list[dict[str, Any]] = [
        {}, {"owner": 7}, {"owner": OWNER}, {**good[1], "body": None}, {**good[1], "path": None},
        {**good[1], "kind": "constructor"}, {**good[1], "position": "x"}, {**good[1], "body": {"score": "4"}},
    ]  # fmt: skip
    other.evaluate(FILL, [*bad, *good])
    other.evaluate(  # what JSON cannot say
        """(row) => new Promise((resolve) => {
            indexedDB.open("reading-room").onsuccess = ({ target: { result: database } }) => {
                const transaction = database.transaction("outbox", "readwrite");
                transaction.objectStore("outbox").add({ ...row, body: { question: "a", score: 1, big: 1n } });
                transaction.oncomplete = () => { database.close(); resolve(); };
            };
        })""",
        good[1],
    )
    other.close()
    page = room.open()
    expect(page.locator("#notice")).to_contain_text("not sent: 9 entries (no owner)")
    room.photograph("entries-set-aside")
    room.stores([(1, "confidence", 4, 1)])
    room.press("2", "Enter")
    room.wait_for(2)
    room.all_saved()
    assert page.evaluate("""() => new Promise((resolve) => {
        indexedDB.open("reading-room").onsuccess = ({ target: { result: database } }) => {
            database.transaction("outbox").objectStore("outbox").getAllKeys().onsuccess = (event) => {
                database.close();
                resolve(event.target.result.length);
            };
        };
    })""") >= 9, "they stay"  # fmt: skip


def test_a_garbled_display_check_is_set_aside_and_asked_again(reading_room: Make) -> None:
    room = reading_room()
    page = room.open(check=False)
    for kept in ("{", "7", "[]", '{"checked_at": "yesterday"}', '{"checked_at": "2026-01-01"}', '""'):
        page.locator("#display-dialog[open]").wait_for()
        page.evaluate(f"sessionStorage.setItem('display:{SLUG}:R1', {kept!r})")
        page.reload()
        page.locator("#display-dialog[open]").wait_for()
        expect(page.locator("#notice")).to_contain_text("display check could not be read; it was set aside")
        assert page.evaluate(f"sessionStorage.getItem('display:{SLUG}:R1:set-aside')") == kept
    room.pass_display_check()
    room.wait_for(1)
    room.press("4")
    room.all_saved()


def test_a_garbled_csrf_cookie_is_replaced(reading_room: Make) -> None:
    room = reading_room()
    page = room.open()
    page.evaluate("document.cookie = 'csrftoken=%E0%A4%A; path=/'")
    room.press("4")
    room.all_saved()
    room.stores([(1, "confidence", 4, 1)])


def test_an_error_at_start_is_said_with_what_to_do(reading_room: Make) -> None:
    room = reading_room()

    def spoil(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json={**answer.json(), "questions": [None]})

    room.page.route("**/state/", spoil)
    page = room.open(check=False)
    expect(page.locator("#message")).to_contain_text("The reading room has stopped")
    expect(page.locator("#message")).to_contain_text("TypeError")
    expect(page.get_by_role("button", name="Reload the page")).to_be_focused()
    room.photograph("stopped")


def test_an_error_while_reading_is_said_and_reading_goes_on(reading_room: Make) -> None:
    room = reading_room()
    page = room.open()
    for fault in ("setTimeout(() => { throw new Error('boom 1'); })", "void Promise.reject(new Error('boom 2'))"):
        page.evaluate(f"() => {{ {fault}; }}")
        expect(page.locator("#notice")).to_contain_text(f"boom {1 + ('2' in fault)}")
    room.press("4", "2", "Enter")
    room.wait_for(2)
    room.all_saved()
