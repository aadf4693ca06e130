"""deploy/: each file is accepted by the program that will read it, where that program is installed."""

import os
import re
import secrets
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.proxy.site import Nginx, example_environment

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


def test_nginx_accepts_its_file(tmp_path: Path) -> None:
    answer = run(*Nginx(tmp_path, "127.0.0.1:9", tmp_path / "media").command, "-t")
    assert answer.returncode == 0, answer.stderr
    assert "[warn]" not in answer.stderr, answer.stderr


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
