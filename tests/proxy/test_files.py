"""Images through nginx: their headers are the application's and tell nothing, however the files came to the disk."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.core.management import call_command

from readerstudy.cases.models import Case, Truth
from readerstudy.explanations.models import ExplanationFile
from tests.proxy.site import Site, cookie_of
from tests.worlds import last_part, make_world

DATES = ["Fri, 01 Jan 1999 00:00:00 GMT", "Thu, 01 Jun 2023 00:00:00 GMT", "Fri, 01 Jan 2038 00:00:00 GMT"]
CONDITIONS = ("If_Modified_Since", "If_Unmodified_Since", "If_Range")
# What differs between two answers of one kind by its nature: when it was sent, its length, and the hash that names it.
# The session's cookie is sent once a minute, whatever is asked for.
OWN = ("date", "set-cookie", "content-length", "content-disposition", "etag")
SIZE = re.compile(r"-[0-9a-f]+(?=\")")  # in nginx's own ETag, behind the time; Content-Length says it too
HASHES = re.compile(r'W/"|"[0-9a-f]{32}"|[0-9a-f]{32}\.\w+')


@pytest.fixture
def world(transactional_db):
    return make_world("one")


def files_of(world) -> list[str]:
    """Addresses of what the first reader may see, and of some layers that are not shown to this reader (404)."""
    cases = Case.objects.filter(predictions__examples__assignments__read=world.read)
    layers = ExplanationFile.objects.filter(explanation__examples__study=world.study, role="layer")
    names = [case.display.name for case in cases] + [row.file.name for row in layers]
    return [f"/reading/one/files/{last_part(name)}" for name in names]


def age_like_an_old_folder() -> None:
    """As earlier versions left it: a time for each file, the true ones in the first year and the false in the next."""
    for number, path in enumerate(sorted(Path(settings.MEDIA_ROOT).rglob("*.*"))):
        when = 1_600_000_000 + number * 1000
        os.utime(path, (when, when))
    for case in Case.objects.all():
        label = Truth.objects.get(case=case).label
        path = default_storage.path(case.display.name)
        os.utime(path, (1_600_000_000 if label else 1_700_000_000,) * 2)


def what_headers_tell(site: Site, cookie: str, address: str) -> set[str]:
    """Every header, and the status of every conditional request, without what names the content itself."""
    told = set()
    for condition in ("", *CONDITIONS):
        for date in DATES if condition else [""]:
            extra = {condition: date} if condition else {}
            answer = site.get(address, Cookie=cookie, Range="bytes=0-1" if "Range" in condition else "bytes=", **extra)
            told.add(f"{condition} {date}: {answer.status}")
            told |= {f"{name}: {value}" for name, value in answer.headers.items() if name not in OWN}
            named = " ".join(answer.headers.get(name, "") for name in ("content-disposition", "etag"))
            told.add(SIZE.sub("-size", HASHES.sub("hash", named)))
    return told


@pytest.mark.parametrize("conf", ["this nginx.conf", "an nginx.conf of before"])
def test_no_header_of_an_old_folders_files_tells_one_from_another(world, start_site: Callable[..., Site], conf) -> None:
    """The application is upgraded, and `migrate` was forgotten; so, perhaps, was nginx.conf."""
    cookie, addresses = cookie_of(world.people["reader"]), files_of(world)
    age_like_an_old_folder()
    site = start_site(edit=before_it_was_closed if conf != "this nginx.conf" else None)
    shown = [address for address in addresses if site.get(address, Cookie=cookie).status == 200]
    images = [what_headers_tell(site, cookie, address) for address in shown]
    assert len(images) >= 8
    assert all(told == images[0] for told in images), set.union(*images) - set.intersection(*images)


def test_no_header_of_an_object_stores_files_tells_one_from_another(in_object_store, world, start_site) -> None:
    """Nor does the way the bytes take: never by redirect, to nginx or the browser."""
    cookie, addresses = cookie_of(world.people["reader"]), files_of(world)
    site: Site = start_site(**in_object_store)
    shown = [address for address in addresses if site.get(address, Cookie=cookie).status == 200][:4]
    images = [what_headers_tell(site, cookie, address) for address in shown]
    assert len(images) == 4
    assert all(told == images[0] for told in images), set.union(*images) - set.intersection(*images)
    kept = {last_part(file.key): file for file in default_storage.bucket.objects.all()}
    for address in shown:
        answer, stored = site.get(address, Cookie=cookie), kept[last_part(address)]
        assert answer.body == stored.get()["Body"].read()
        assert answer.headers["etag"] != stored.e_tag
        assert not [
            name for name in answer.headers if name.startswith("x-amz") or name in ("last-modified", "location")
        ]


def before_it_was_closed(text: str) -> str:
    """nginx.conf with nothing in the guarded location but where the files are."""
    return re.sub(r"(internal;\s*alias [^;]+;).*?\n    }\n}", r"\1\n    }\n}", text, flags=re.DOTALL)


def test_nginx_tells_no_time_of_a_file_and_refuses_to_be_asked(world, start_site: Callable[..., Site]) -> None:
    cookie, address = cookie_of(world.people["reader"]), files_of(world)[0]
    site = start_site()
    plain = site.get(address, Cookie=cookie)
    assert plain.status == 200 and len(plain.body) == int(plain.headers["content-length"]) > 0
    assert not {"last-modified", "accept-ranges"} & set(plain.headers)
    assert {site.get(address, Cookie=cookie, If_Unmodified_Since=date).status for date in DATES} == {412}
    assert {site.get(address, Cookie=cookie, If_Modified_Since=date).status for date in DATES} == {200}
    assert site.get(address, Cookie=cookie, Range="bytes=0-1").status == 200
    etag = plain.headers["etag"]
    again = site.get(address, Cookie=cookie, If_None_Match=etag)
    assert (again.status, again.headers["etag"], again.body) == (304, etag, b"")


def test_nginx_passes_on_every_header_that_the_application_sends_itself(world, start_site: Callable[..., Site]) -> None:
    """Whatever header the application learns to send must be passed on by nginx.conf."""
    cookie, addresses = cookie_of(world.people["reader"]), files_of(world)
    through, itself = start_site(), start_site(MEDIA_ACCEL_PREFIX="")
    shown = [address for address in addresses if itself.get(address, Cookie=cookie).status == 200]
    assert len(shown) >= 8
    for address in shown:
        by_nginx, by_us = through.get(address, Cookie=cookie), itself.get(address, Cookie=cookie)
        assert by_nginx.body == by_us.body
        one, other = (comparable(answer.headers) for answer in (by_nginx, by_us))
        assert one == other, address
        for wanted in ("content-security-policy", "x-content-type-options", "vary", "strict-transport-security",
                       "x-frame-options", "referrer-policy", "cache-control"):  # fmt: skip
            assert wanted in one


def comparable(headers: dict[str, str]) -> dict[str, list[str]]:
    """Without the date; a policy's directives come in any order."""
    return {name: sorted(value.split("; ")) for name, value in headers.items() if name != "date"}


def test_guarded_media_answers_nobody_who_asks_for_it(world, start_site: Callable[..., Site]) -> None:
    cookies = [cookie_of(user) for user in world.people.values()]
    site = start_site()
    for name in (world.case.display.name, world.truth.mask.name):
        for path in (f"/guarded-media/{name}", f"//guarded-media/{name}", f"/x/../guarded-media/{name}"):
            assert {site.get(path, Cookie=cookie).status for cookie in ("", *cookies)} == {404}, path


def test_migrate_levels_what_earlier_versions_stored_and_leaves_the_rest(db, settings, capsys) -> None:
    world = make_world("one")
    age_like_an_old_folder()
    root = Path(settings.MEDIA_ROOT)
    others = [root / "db.sqlite3", root / "staging" / "x" / "upload.zip"]
    for other in others:
        other.parent.mkdir(parents=True, exist_ok=True)
        other.touch()
        os.utime(other, (1_500_000_000, 1_500_000_000))
    call_command("migrate", verbosity=1)
    assert "files now have one time" in capsys.readouterr().out
    stored = [path for path in root.rglob("*.*") if path not in others]
    assert len({path.stat().st_mtime_ns for path in stored}) == 1 < len(stored)
    assert {path.stat().st_mtime for path in others} == {1_500_000_000}
    assert default_storage.path(world.case.display.name) in map(str, stored)


def test_a_file_whose_time_cannot_be_changed_is_sent_by_the_application(client, db, settings, monkeypatch) -> None:
    world = make_world("one")
    age_like_an_old_folder()
    settings.MEDIA_ACCEL_PREFIX = "/guarded-media/"

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr("readerstudy.common.storage.os.utime", refuse)
    client.force_login(world.people["reader"])
    answer = client.get(files_of(world)[0])
    assert answer.status_code == 200 and "X-Accel-Redirect" not in answer.headers
    assert b"".join(answer.streaming_content)
