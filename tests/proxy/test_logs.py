"""Links that are keys are in no log: not nginx's, not the application's, whatever becomes of the request."""

import os
import signal
from urllib.parse import quote

import pytest

from readerstudy.accounts.logs import masked
from readerstudy.studies.invitations import token
from tests.proxy.site import Site
from tests.worlds import make_world

RESET = "2b-cz4f2x-9c0d8b5a7e6f4d3c2b1a0f9e8d7c6b5a"


def test_no_log_keeps_a_link_that_is_a_key(transactional_db, start_site) -> None:
    invitation = token(make_world("one").invitation)
    links = [f"/invitations/{invitation}/", f"/accounts/password/reset/key/{RESET}/",
             f"/INVITATIONS/{invitation}/",
             f"/no-mail/{invitation}/",
             f"/invitations/{invitation}", f"//invitations/{invitation}/", f"/invitations/{invitation}/?a=1",
             f"/accounts/login/?next={quote(f'/invitations/{invitation}/')}",
             f"/no/such/page/?key={RESET}"]  # fmt: skip
    site: Site = start_site()
    for link in links:
        site.get(link, Referer=f"https://reads.example.org{links[0]}")
        site.get(link, method="POST")  # refused, and logged, for want of a CSRF token
    site.get("/static/base.css", Referer=f"https://reads.example.org{links[0]}")
    for pid in site.workers():
        os.kill(pid, signal.SIGKILL)
    (site.folder / "web.sock").unlink(missing_ok=True)  # nginx now finds nobody, and says so in its error log
    for link in links[:2]:
        assert site.get(link).status == 502
    assert site.nginx.access_log.count("\n") >= 2 * len(links)
    assert "/invitations/***" in site.nginx.access_log and "POST" in site.nginx.access_log
    assert "Forbidden" in site.application_log and "***" in site.application_log
    for log in (site.nginx.access_log, site.nginx.error_log, site.application_log):
        assert invitation not in log and quote(invitation) not in log
        assert invitation.split(":")[-1] not in log and RESET not in log and RESET.split("-")[-1] not in log


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("Forbidden: /invitations/WzEsMV0:1uX/", "Forbidden: /invitations/***/"),
        ("Gone: /accounts/password/reset/key/2-abc-def/", "Gone: /accounts/password/reset/key/***/"),
        ("GET /accounts/login/?next=/invitations/x/ HTTP/1.1", "GET /accounts/login/ HTTP/1.1"),
        ("Loaded 12 cases. Ready?", "Loaded 12 cases. Ready?"),
        ("Not Found: /studies/one/", "Not Found: /studies/one/"),
    ],
)
def test_messages_keep_all_but_keys_and_queries(said: str, kept: str) -> None:
    assert masked(said) == kept
