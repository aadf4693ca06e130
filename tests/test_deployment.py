"""deploy/: each file is accepted by the program that will read it, where that program is installed."""

import os
import re
import secrets
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
import yaml

from tests.worlds import make_world

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"


def run(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("DJANGO_")}  # the suite's own
    return subprocess.run(
        list(map(str, command)),
        cwd=ROOT,
        env=inherited | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )


def program(name: str, *probe: str) -> str:
    path = shutil.which(name)
    if not path or (probe and run(path, *probe).returncode):
        pytest.skip(f"{' '.join([name, *probe])} is not installed here")
    return path


def example_environment() -> dict[str, str]:
    lines = (DEPLOY / "environment.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    systemd_analyze = program("systemd-analyze", "--version")
    (tmp_path / "app/.venv/bin").mkdir(parents=True)
    (tmp_path / "app/.venv/bin/python").symlink_to(sys.executable)
    unit = tmp_path / "readerstudy.service"
    unit.write_text((DEPLOY / "readerstudy.service").read_text().replace("/srv/readerstudy", str(tmp_path)))
    answer = run(systemd_analyze, "verify", "--man=no", unit)
    assert answer.returncode == 0, answer.stderr
    assert "readerstudy.service" not in answer.stderr  # a word it does not know is only a warning


def test_the_unit_starts_gunicorn_with_options_it_knows() -> None:
    command = next(
        line for line in (DEPLOY / "readerstudy.service").read_text().splitlines() if line.startswith("ExecStart=")
    )
    arguments = command.split(" -m gunicorn ")[1].split()
    environment = example_environment() | {
        "SECRET_KEY": secrets.token_urlsafe(48),
        "BLINDING_KEY": secrets.token_urlsafe(48),
        "DATABASE_URL": "sqlite:///:memory:",
    }
    answer = run(sys.executable, "-m", "gunicorn", "--check-config", *arguments, **environment)
    assert answer.returncode == 0, answer.stderr


def test_docker_accepts_the_compose_file(tmp_path: Path) -> None:
    docker = program("docker", "compose", "version")
    copy = shutil.copytree(DEPLOY, tmp_path / "deploy")
    shutil.copy(copy / "environment.example", copy / "environment")
    answer = run(docker, "compose", "-f", copy / "compose.yaml", "config", "--quiet", POSTGRES_PASSWORD="secret")
    assert answer.returncode == 0, answer.stderr


def test_the_compose_file_names_only_what_it_defines() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    services = compose["services"]
    for name, service in services.items():
        assert set(service.get("depends_on", ())) <= set(services), name
        for source in (volume.split(":")[0] for volume in service.get("volumes", ())):
            assert source in compose["volumes"] or source.startswith("./"), f"{name}: {source}"
    assert services["web"]["build"]["dockerfile"] == "deploy/Dockerfile"
    assert not services["database"].get("ports"), "the database is not reachable from outside"


def listens(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


class Site(NamedTuple):
    nginx: list[str | Path]
    port: int


@pytest.fixture
def site(tmp_path: Path) -> Callable[[str], Site]:
    """deploy/nginx.conf on free ports with a certificate of its own, in front of the given application."""
    nginx, openssl = program("nginx", "-v"), program("openssl", "version")

    def write(application: str) -> Site:
        key, certificate = tmp_path / "privkey.pem", tmp_path / "fullchain.pem"
        new = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test"]
        made = run(openssl, *new, "-keyout", key, "-out", certificate)
        assert made.returncode == 0, made.stderr
        ports = {"80": free_port(), "443": free_port()}
        text = (DEPLOY / "nginx.conf").read_text().replace("/etc/readerstudy/tls", str(tmp_path))
        text = text.replace("unix:/run/readerstudy/web.sock", application).replace("/srv/readerstudy", str(tmp_path))
        text = re.sub(r"listen (80|443)", lambda found: f"listen 127.0.0.1:{ports[found[1]]}", text)
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        folders = "".join(f"{kind}_temp_path {tmp_path}/{kind};\n" for kind in kinds)
        user = "user root;\n" if os.geteuid() == 0 else ""  # else its workers could not enter tmp_path
        main = f"{user}daemon off;\npid {tmp_path}/nginx.pid;\nerror_log stderr;\nevents {{}}\n"
        (tmp_path / "nginx.conf").write_text(f"{main}http {{\naccess_log off;\n{folders}{text}\n}}\n")
        return Site([nginx, "-p", tmp_path, "-c", tmp_path / "nginx.conf"], ports["443"])

    return write


def test_nginx_accepts_its_file(site: Callable[[str], Site]) -> None:
    answer = run(*site("127.0.0.1:9").nginx, "-t")
    assert answer.returncode == 0, answer.stderr
    assert "[warn]" not in answer.stderr, answer.stderr


def get(url: str, cookie: str = "") -> tuple[int, bytes]:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # the certificate is the test's own
    try:
        with urlopen(Request(url, headers={"Cookie": cookie}), timeout=10, context=context) as answer:
            return answer.status, answer.read()
    except HTTPError as error:
        return error.code, error.read()


def test_nginx_sends_media_only_when_the_application_says_so(live_server, client, settings, site) -> None:
    world = make_world("one")
    client.force_login(world.people["administrator"])
    cookie = f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"
    settings.MEDIA_ACCEL_PREFIX = example_environment()["MEDIA_ACCEL_PREFIX"]
    file = world.case.display
    nginx, port = site(live_server.url.removeprefix("http://"))
    server = subprocess.Popen(list(map(str, nginx)), stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while not listens(port) and time.monotonic() < deadline:
            time.sleep(0.05)
        address = f"https://127.0.0.1:{port}"
        guarded = f"{address}/batches/{world.batch.name}/files/{Path(file.name).name}"
        assert get(guarded, cookie) == (200, file.read())
        assert get(guarded)[1] != get(guarded, cookie)[1]
        assert get(f"{address}/guarded-media/{file.name}", cookie)[0] == 404
    finally:
        server.terminate()
        server.wait(timeout=10)


def test_every_setting_of_the_example_is_read_by_the_product() -> None:
    settings = (ROOT / "readerstudy" / "settings.py").read_text()
    unread = [name for name in example_environment() if f'"{name}"' not in settings]
    assert not unread


def test_nginx_and_the_example_agree_on_guarded_media() -> None:
    site, values = (DEPLOY / "nginx.conf").read_text(), example_environment()
    location = re.search(r"location (\S+) {\s*internal;\s*alias (\S+);", site)
    assert location is not None, "guarded media must be internal"
    assert location[1] == values["MEDIA_ACCEL_PREFIX"]
    assert location[2] == values["MEDIA_ROOT"] + "/"


def test_the_example_passes_djangos_deployment_checks() -> None:
    environment = example_environment() | {
        "SECRET_KEY": secrets.token_urlsafe(48),
        "BLINDING_KEY": secrets.token_urlsafe(48),
        "DATABASE_URL": "sqlite:///:memory:",
        "DEBUG": "false",
        "DJANGO_SETTINGS_MODULE": "readerstudy.settings",
    }
    answer = run(sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING", **environment)
    assert answer.returncode == 0, answer.stderr
