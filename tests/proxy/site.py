"""The stack of deploy/ on this machine: its nginx.conf on free ports, the unit's gunicorn behind a socket."""

import http.client
import os
import re
import shlex
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest
from django.conf import settings
from django.test import Client

from readerstudy.accounts.models import User

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
SECONDS_TO_START = 60
Edit = Callable[[str], str]
HOST = "reads.example.org"


def find_nginx() -> str:
    """The nginx to test with. Without one: a failure where dev.py or CI promised it, else a skip with advice."""
    found = os.environ.get("NGINX") or shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found and shutil.which(found):
        return found
    advice = "install nginx (Debian: sudo apt-get install nginx) or set NGINX to its path; `-m 'not nginx'` leaves out"
    if os.environ.get("NGINX") or os.environ.get("CI"):
        pytest.fail(f"There is no nginx here: {advice}.")
    pytest.skip(f"There is no nginx here: {advice}.")


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]  # lower-case names
    body: bytes


def connect(port: int, timeout: float = 30) -> http.client.HTTPSConnection:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # the certificate is the test's own
    return http.client.HTTPSConnection("127.0.0.1", port, timeout=timeout, context=context)


def ask(connection: http.client.HTTPConnection, path: str, method: str = "GET", **headers: str) -> Answer:
    """One request; header names are given with _ for -."""
    sent = {"Host": HOST, **{name.replace("_", "-"): value for name, value in headers.items()}}
    connection.request(method, path, headers=sent)
    answer = connection.getresponse()
    body = answer.read()
    return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, body)


def slow_head(path: str) -> bytes:
    """The head of a form and one byte of it, with the cookie and origin without which it is refused unread."""
    lines = [f"POST {path} HTTP/1.1", f"Host: {HOST}", f"Origin: https://{HOST}", f"Cookie: csrftoken={'t' * 32}",
             "Content-Type: application/x-www-form-urlencoded", "Content-Length: 100000", "", "a"]  # fmt: skip
    return "\r\n".join(lines).encode()


class Nginx:
    """deploy/nginx.conf with other ports, folders and a throw-away certificate; nothing else of it is changed."""

    def __init__(self, folder: Path, application: str, media: Path, edit: Edit | None = None) -> None:
        """application: where it listens, as nginx writes it (host:port or unix:path). edit: for another file's sake."""
        self.program, self.folder = find_nginx(), folder
        self.port = free_port()
        key, certificate = folder / "privkey.pem", folder / "fullchain.pem"
        new = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test"]
        subprocess.run([*new, "-keyout", key, "-out", certificate], check=True, capture_output=True)
        ports = {"80": free_port(), "443": self.port}
        text = (DEPLOY / "nginx.conf").read_text()
        text = edit(text) if edit else text
        for theirs, ours in (("/etc/readerstudy/tls", folder), ("unix:/run/readerstudy/web.sock", application),
                             ("/srv/readerstudy/media", media), ("/var/log/nginx", folder)):  # fmt: skip
            assert theirs in text, theirs
            text = text.replace(theirs, str(ours))
        text = re.sub(r"listen (80|443)", lambda found: f"listen 127.0.0.1:{ports[found[1]]}", text)
        folders = "".join(
            f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        user = "user root;\n" if os.geteuid() == 0 else ""  # else its workers could not enter the folder
        main = f"{user}daemon off;\npid {folder}/nginx.pid;\nevents {{}}\nerror_log {folder}/error.log;\n"
        (folder / "nginx.conf").write_text(f"{main}http {{\naccess_log off;\n{folders}{text}\n}}\n")
        self.command = [self.program, "-p", str(folder), "-c", str(folder / "nginx.conf")]

    @property
    def access_log(self) -> str:
        return (self.folder / "access.log").read_text()

    @property
    def error_log(self) -> str:
        return (self.folder / "error.log").read_text()

    @contextmanager
    def running(self) -> Iterator["Nginx"]:
        server = subprocess.Popen(self.command, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        try:
            wait_for(self.port, server)
            yield self
        finally:
            server.terminate()
            server.wait(timeout=20)


def wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline:
        assert server.poll() is None, "the server ended"
        with socket.socket() as trial:
            if trial.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("the server does not answer")


def example_environment() -> dict[str, str]:
    lines = (DEPLOY / "environment.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def unit_command(bind: Path) -> list[str]:
    """The ExecStart of deploy/readerstudy.service with this Python and another socket."""
    line = re.search(r"^ExecStart=(.+)$", (DEPLOY / "readerstudy.service").read_text(), re.M)
    assert line
    words = shlex.split(line[1].replace("unix:/run/readerstudy/web.sock", f"unix:{bind}"))
    assert f"--bind=unix:{bind}" in words
    return [sys.executable, *words[1:]]


def collect_static(folder: Path) -> None:
    environment = os.environ | {
        "SECRET_KEY": "collects", "STATIC_ROOT": str(folder), "DEBUG": "false", "DEMO": "false",
        "DJANGO_SETTINGS_MODULE": "readerstudy.settings",
    }  # fmt: skip
    command = [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity=0"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, stdin=subprocess.DEVNULL)


def cookie_of(user: User) -> str:
    """The Cookie header of a browser in which this person is logged in. Made before the site starts."""
    client = Client()
    client.force_login(user)
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


ONE_HOST = "server unix:/run/readerstudy/web.sock fail_timeout=0;"


def several_hosts(number: int) -> Edit:
    """nginx.conf with as many hosts as docs/deployment.md has two: here each is a socket of its own."""

    def edit(text: str) -> str:
        assert ONE_HOST in text
        hosts = ("" if host == 0 else f".{host}" for host in range(number))
        lines = (f"server unix:/run/readerstudy/web.sock{host} max_fails=1 fail_timeout=5s;" for host in hosts)
        return text.replace(ONE_HOST, " ".join(lines))

    return edit


class Site:
    """The whole stack over one database and media folder, with the settings of deploy/environment.example.

    hosts: so many gunicorns stand behind nginx. Each is a process group of its own, as if on a host of its own.
    own: what the environment of each host has of its own.
    """

    def __init__(
        self, folder: Path, database_url: str, media: Path, static: Path, edit: Edit | None, hosts: int = 1,
        own: Sequence[Mapping[str, str]] = (), **environment: str,
    ) -> None:  # fmt: skip
        self.folder = folder
        self.sockets = [folder / ("web.sock" if host == 0 else f"web.sock.{host}") for host in range(hosts)]
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("DJANGO_")},
            **example_environment(),
            "SECRET_KEY": settings.SECRET_KEY, "BLINDING_KEY": settings.BLINDING_KEY, "DATABASE_URL": database_url,
            "MEDIA_ROOT": str(media), "STATIC_ROOT": str(static), "DEBUG": "false", "DEMO": "false",
            "OMP_NUM_THREADS": "1", **environment,
        }  # fmt: skip
        self.environments = [self.environment | dict(own[host] if own else {}) for host in range(hosts)]

        def whole_edit(text: str) -> str:
            text = edit(text) if edit else text
            return several_hosts(hosts)(text) if hosts > 1 else text

        self.nginx = Nginx(folder, f"unix:{folder / 'web.sock'}", media, whole_edit)

    @property
    def application_log(self) -> str:
        return (self.folder / "application.log").read_text()

    @contextmanager
    def running(self) -> Iterator["Site"]:
        with (self.folder / "application.log").open("wb") as log:
            self.servers = [
                subprocess.Popen(
                    unit_command(socket), cwd=ROOT, env=environment, stdout=log, stderr=log,
                    stdin=subprocess.DEVNULL, start_new_session=True,
                )
                for socket, environment in zip(self.sockets, self.environments, strict=True)
            ]  # fmt: skip
        self.pid = self.servers[0].pid
        try:
            with self.nginx.running():
                self._wait()
                yield self
        finally:
            for host in range(len(self.servers)):
                self.kill(host)  # a polite end takes some four seconds

    def kill(self, host: int) -> None:
        """As by a power cut: no request is finished, nothing is told."""
        with suppress(ProcessLookupError):  # killed before
            os.killpg(self.servers[host].pid, signal.SIGKILL)
        self.servers[host].wait(timeout=20)

    def _wait(self) -> None:
        """Until every host has loaded the application and nginx answers."""
        deadline = time.monotonic() + SECONDS_TO_START * len(self.servers)
        while time.monotonic() < deadline:
            assert all(server.poll() is None for server in self.servers), self.application_log
            if all(map(_alive, self.sockets)) and self.get("/accounts/login/").status == 200:
                return
            time.sleep(0.1)
        raise AssertionError(f"the application does not answer: {self.application_log}")

    def workers(self) -> list[int]:
        """Process ids of the application, the main one first."""
        main = psutil.Process(self.pid)
        return [main.pid, *(child.pid for child in main.children())]

    def get(self, path: str, method: str = "GET", **headers: str) -> Answer:
        connection = connect(self.nginx.port)
        try:
            return ask(connection, path, method, **headers)
        finally:
            connection.close()


def _alive(path: Path) -> bool:
    """Whether the application behind a socket answers /health/."""
    with socket.socket(socket.AF_UNIX) as sock, suppress(OSError):
        sock.settimeout(SECONDS_TO_START)
        sock.connect(str(path))
        sock.sendall(f"GET /health/ HTTP/1.0\r\nHost: {HOST}\r\n\r\n".encode())
        return b" 200 " in sock.recv(100)
    return False
