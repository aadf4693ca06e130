"""An upload of cases between two web hosts: in a shared folder each goes on with it, else the other refuses."""

import http.client
import re
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from readerstudy.cases.models import Case
from tests.builders import make_user
from tests.cases.batches import manifest, png, simple_rows
from tests.proxy.site import HOST, ROOT, Site, connect, cookie_of

TOKEN = "t" * 32
ELSEWHERE = "This upload is on another host"
FIRST = "server unix:/run/readerstudy/web.sock;"


def uploads_to_the_first(text: str) -> str:
    """What docs/deployment.md (Several web hosts) asks for where hosts share no folder."""
    uploads = "    location ~ ^/batches/(staged/[0-9a-f]+/mend/)?$ {"
    mine = text.index(uploads)
    text = text[:mine] + text[mine:].replace("http://readerstudy;", "http://uploads;", 1)
    others = [
        f"    location {place} {{\n        proxy_pass http://uploads;\n    }}\n"
        for place in ("/batches/staged/", "~ ^/jobs/start/(check|load)_upload/")
    ]
    text = text.replace(uploads, "".join(others) + uploads)
    return text.replace("upstream readerstudy {", f"upstream uploads {{\n    {FIRST}\n}}\nupstream readerstudy {{", 1)


class Administrator:
    """Asks one host at its socket, as its nginx would, or the site through nginx."""

    def __init__(self, site: Site, cookie: str) -> None:
        self.site = site
        self.headers = {
            "Host": HOST, "Origin": f"https://{HOST}", "Cookie": f"{cookie}; csrftoken={TOKEN}", "X-CSRFToken": TOKEN,
            "X-Forwarded-Proto": "https",
        }  # fmt: skip

    def ask(self, host: int | None, method: str, path: str, **data: object) -> tuple[int, str, str]:
        """Status, where it leads, and the page."""
        connection: http.client.HTTPConnection = connect(self.site.nginx.port)
        if host is not None:
            connection = http.client.HTTPConnection("localhost", timeout=60)
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.connect(str(self.site.sockets[host]))
        body = encode_multipart(BOUNDARY, data) if method == "POST" else None
        connection.request(method, path, body, self.headers | ({"Content-Type": MULTIPART_CONTENT} if body else {}))
        answer = connection.getresponse()
        page = answer.read().decode()
        connection.close()
        return answer.status, answer.getheader("Location", ""), page

    def get(self, host: int | None, path: str) -> str:
        status, _, page = self.ask(host, "GET", path)
        assert status == 200, page
        return page

    def post(self, host: int | None, path: str, **data: object) -> str:
        status, leads_to, page = self.ask(host, "POST", path, **data)
        assert status == 302, page
        return leads_to

    def upload(self, host: int | None, wrong: bool = False) -> str:
        """Two cases, of which one may have an image that is none; the address of the upload's page."""
        files = [SimpleUploadedFile("0.png", png(0)), SimpleUploadedFile("1.png", b"no image" if wrong else png(1))]
        table = SimpleUploadedFile("list.csv", manifest(simple_rows(2)).encode())
        return self.post(host, "/batches/", batch="ward", file=table, images=files)

    def is_refused(self, host: int, method: str, path: str) -> None:
        status, _, page = self.ask(host, method, path)
        assert status == 409 and ELSEWHERE in page, page

    def loaded(self) -> int:
        """How many cases the site's database has, which is a copy of the test's where that is SQLite."""
        url = self.site.environment["DATABASE_URL"]
        if not url.startswith("sqlite:///"):
            return Case.objects.count()
        with sqlite3.connect(url.removeprefix("sqlite:///")) as database:
            return int(database.execute("SELECT count(*) FROM cases_case").fetchone()[0])

    def work(self, host: int) -> None:
        """What waits is done by a worker on this host."""
        command = [sys.executable, "-m", "readerstudy", "worker", "--until-empty", "--queues", "default"]
        subprocess.run(command, cwd=ROOT, env=self.site.environments[host], check=True, stdin=subprocess.DEVNULL)


@pytest.fixture
def cookie(transactional_db) -> str:
    return cookie_of(make_user("root", is_staff=True))


def test_in_a_shared_folder_another_host_mends_and_loads(cookie, in_object_store, start_site) -> None:
    administrator = Administrator(start_site(hosts=2, **in_object_store), cookie)
    address = administrator.upload(0, wrong=True)
    assert "1 problem." in administrator.get(1, address)
    administrator.post(1, f"{address}mend/", batch="ward", corrected=[SimpleUploadedFile("1.png", png(1))])
    assert "No problems were found" in administrator.get(0, address)
    administrator.post(1, address)
    assert administrator.loaded() == 2
    administrator.ask(0, "POST", f"{address}linking/")
    assert "is gone" in administrator.ask(1, "GET", address)[2]


def test_without_one_the_other_host_says_so_and_changes_nothing(
    cookie, in_object_store, start_site, tmp_path: Path
) -> None:
    own = [{"MEDIA_ROOT": str(tmp_path / f"host{number}")} for number in range(2)]
    site = start_site(uploads_to_the_first, hosts=2, own=own, UPLOAD_AT_ONCE_MIB="0", **in_object_store)
    administrator = Administrator(site, cookie)
    address = administrator.upload(None)
    about = f"/jobs/start/check_upload/upload/{address.split('/')[-2]}/"
    administrator.work(1)
    page = administrator.get(None, address)
    assert "lies on another host than this worker" in page and "Check again" in page
    for method, path in (
        ("GET", address), ("POST", address), ("POST", f"{address}discard/"), ("POST", about),
        ("POST", f"{address}linking/"), ("GET", f"{address}thumbs/2.png"),
    ):  # fmt: skip
        administrator.is_refused(1, method, path)
    status, _, page = administrator.ask(1, "POST", f"{address}mend/", batch="ward", corrected=[])
    assert status == 409 and ELSEWHERE in page

    administrator.post(None, about)
    administrator.work(0)
    for _ in range(4):  # nginx asks in turns
        assert "No problems were found" in administrator.get(None, address)
    administrator.post(None, about.replace("check", "load"))
    administrator.work(0)
    assert administrator.loaded() == 2 and "Download and remove" in administrator.get(None, address)
    assert re.search(r"\bward\b", administrator.get(1, "/batches/"))
