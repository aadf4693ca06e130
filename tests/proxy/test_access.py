"""Who may open what, and that a reader's crawl finds no truth: once more, through nginx and gunicorn."""

import http.client
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.core.files.storage import default_storage

from tests.proxy.site import Answer, Site, ask, connect, cookie_of
from tests.reading.test_blinding import PATH, forbidden_words, hide_secrets, seeds
from tests.test_access import ROLES, TABLE, expected, fill
from tests.worlds import make_world

SKIPPED = ("/static/", "/accounts/logout")
MOST = 400


def knock(connection: http.client.HTTPConnection, path: str, cookie: str) -> Answer:
    return ask(connection, path, Cookie=cookie) if cookie else ask(connection, path)


def outcome(answer: Answer) -> str:
    if answer.status == 302 and answer.headers["location"].startswith("/accounts/login/"):
        return "login"
    return str(answer.status) if answer.status in (401, 403, 404, 405, 409) or answer.status >= 500 else "in"


def test_every_page_lets_in_whom_its_row_says(transactional_db, start_site) -> None:
    """All rows of tests/test_access.py that only look; the rows that change things would change them for the next.

    While a study is open, when most roles have something to see: nginx knows nothing of a study's state.
    """
    one, two = make_world("one", "open"), make_world("two", "open")
    cookies = {role: cookie_of(one.people[role]) for role in ROLES[1:]} | {"anonymous": ""}
    doors = [  # found before the site starts, which sees a copy of the database: a row may make the object it names
        (fill(route, row.values(slug, world)), row, let_in)
        for route, row in TABLE.items()
        if row.method == "get"
        for slug, world, let_in in (("one", one, row.who), ("two", two, row.elsewhere))
    ]
    site: Site = start_site()
    connection, wrong = connect(site.nginx.port), []
    for path, row, let_in in doors:
        for role in ROLES:
            got = outcome(knock(connection, path, cookies[role]))
            if got not in expected(role, row, let_in, "open"):
                wrong.append(f"{role} at {path}: {got}")
    assert not wrong, "\n".join(wrong)


def test_a_readers_crawl_through_nginx_finds_no_truth(transactional_db, files_in, start_site) -> None:
    world = make_world("one")
    hide_secrets(world)
    cookie, words, first = cookie_of(world.people["reader"]), forbidden_words(world), list(seeds(world))
    words += list(told_by_the_store(files_in))
    site: Site = start_site(hosts=2 if files_in else 1, **files_in)
    crawled = dict(crawl(connect(site.nginx.port), cookie, first))
    pictures = [path for path, answer in crawled.items() if "/files/" in path and answer.status == 200]
    assert len(pictures) >= 8 and "/api/reading/one/assignments/1/" in crawled
    assert [f"{word} in {path}" for path, answer in crawled.items() for word in words if word in text(answer)] == []
    assert not [path for path in pictures if {"last-modified", "x-accel-redirect"} & set(crawled[path].headers)]


def told_by_the_store(environment: dict[str, str]) -> Iterator[str]:
    """What an object store says of its files, and where it is."""
    if environment:
        files = default_storage.bucket.objects.all()
        hashes = {file.e_tag.strip('"') for file in files}
        assert len(hashes) >= 8, "the files are there, each with a hash of its content"
        yield from (
            *hashes,
            "x-amz",
            "X-Amz",
            default_storage.bucket_name,
            urlsplit(default_storage.endpoint_url).netloc,
        )


def text(answer: Answer) -> str:
    headers = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
    return f"{answer.status}\n{headers}\n{answer.body.decode('latin-1')}"


def crawl(connection: Any, cookie: str, first: list[str]) -> Iterator[tuple[str, Answer]]:
    """As test_blinding.crawl does."""
    waiting, seen = first, set()
    while waiting:
        path = waiting.pop()
        if path in seen or path.startswith(SKIPPED):
            continue
        seen.add(path)
        answer = knock(connection, path, cookie)
        yield path, answer
        waiting += [name for name in PATH.findall(f" {text(answer)}") if name not in seen and len(seen) < MOST]
