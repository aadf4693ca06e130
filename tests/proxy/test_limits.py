"""Slow and large requests: nginx keeps them away from the application's threads, as the configuration says."""

import re
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.proxy.site import DEPLOY, HOST, Site, connect, cookie_of, slow_head
from tests.worlds import make_world

SLOW = 30


@contextmanager
def slow_posts(site: Site, path: str, count: int = SLOW) -> Iterator[list[ssl.SSLSocket]]:
    """Connections that have sent the head of a request and one byte of its body, and send no more."""
    with ExitStack() as stack:
        sockets = []
        for _ in range(count):
            connection = connect(site.nginx.port)
            connection.connect()
            stack.callback(connection.close)
            connection.sock.sendall(slow_head(path))
            sockets.append(connection.sock)
        yield sockets


def first_bytes(sock: ssl.SSLSocket, seconds: float) -> bytes:
    """What has been answered so far; empty when nothing has."""
    sock.settimeout(seconds)
    try:
        return sock.recv(100)
    except (TimeoutError, ConnectionError):
        return b""


def test_reading_goes_on_beside_thirty_slow_posts_of_a_stranger(transactional_db, start_site) -> None:
    cookie = cookie_of(make_world("one").people["reader"])
    site = start_site()
    for path in ("/accounts/login/", "/api/session/", "/batches/", "/invitations/x/"):
        with slow_posts(site, path):
            for _ in range(12):  # more than the application has threads
                assert site.get("/api/reading/one/assignments/1/", Cookie=cookie).status == 200, path


def test_one_address_has_one_upload_at_a_time_and_others_are_told_to_wait(transactional_db, start_site) -> None:
    site: Site = start_site()
    with slow_posts(site, "/batches/", count=1), slow_posts(site, "/batches/", count=1) as (second,):
        assert b" 429 " in first_bytes(second, seconds=20)
        assert site.get("/batches/").status == 302, "the page itself is no upload"


def test_only_uploads_may_be_large(transactional_db, start_site) -> None:
    site: Site = start_site()
    for path, status in (("/accounts/login/", 413), ("/api/session/", 413), ("/batches/", 403)):
        connection = connect(site.nginx.port)
        connection.putrequest("POST", path, skip_host=True)
        connection.putheader("Host", HOST)
        connection.putheader("Content-Length", str(20 * 2**20))
        connection.putheader("Content-Type", "text/plain")  # the application does not wait for a body it will not read
        connection.endheaders()
        assert connection.getresponse().status == status, path
        connection.close()


def test_the_configuration_says_what_the_documentation_says() -> None:
    conf, docs = (DEPLOY / "nginx.conf").read_text(), (DEPLOY.parent / "docs" / "deployment.md").read_text()
    unit, compose = (DEPLOY / "readerstudy.service").read_text(), (DEPLOY / "compose.yaml").read_text()
    assert len(re.findall(r"proxy_request_buffering off;", conf)) == 1
    for setting in ("limit_conn address 300", "limit_conn uploads 2", "limit_conn uploads_from 1",
                    "client_max_body_size 10m", "client_body_timeout 15s", "client_header_timeout 15s",
                    "proxy_read_timeout 120s"):  # fmt: skip
        assert f"{setting};" in conf and f"`{setting}`" in docs, setting
    for setting in ("MemoryMax=4G", "MemoryHigh=3G", "TasksMax=256", "OOMPolicy=continue", "TimeoutStopSec=35"):
        assert setting in unit and f"`{setting}`" in docs, setting
    assert "mem_limit: 4g" in compose and "pids_limit: 256" in compose


def test_slow_posts_do_stop_the_reading_where_nothing_holds_them_back(transactional_db, start_site: Callable) -> None:
    """That the first test can fail: the same with buffering off and no limit, as it was."""
    site: Site = start_site(edit=as_it_was)
    with slow_posts(site, "/accounts/login/"):
        connection = connect(site.nginx.port, timeout=3)
        with pytest.raises(TimeoutError):
            connection.request("GET", "/accounts/login/", headers={"Host": HOST})
            connection.getresponse()
        connection.close()


def as_it_was(text: str) -> str:
    without = re.sub(r"limit_conn [^;]*;", "", text)
    return without.replace("    location / {", "    location / {\nproxy_request_buffering off;")
