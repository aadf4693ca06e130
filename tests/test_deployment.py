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

from readerstudy.cases.loading.zip_directory import MAX_DIRECTORY_BYTES, MAX_FILES
from tests.proxy.conftest import database_url
from tests.proxy.site import Nginx, example_environment

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"
UNITS = sorted(path for path in DEPLOY.iterdir() if path.suffix in (".service", ".timer"))


def run(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("DJANGO_")}  # the suite's own
    return subprocess.run(
        list(map(str, command)),
        cwd=ROOT,
        env=inherited | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
        stdin=subprocess.DEVNULL,
    )


def program(name: str, *probe: str) -> str:
    path = shutil.which(name)
    if not path or (probe and run(path, *probe).returncode):
        pytest.skip(f"{' '.join([name, *probe])} is not installed here")
    return path


@pytest.mark.parametrize("name", [path.name for path in UNITS])
def test_systemd_accepts_the_unit(tmp_path: Path, name: str) -> None:
    systemd_analyze = program("systemd-analyze", "--version")
    (tmp_path / "app/.venv/bin").mkdir(parents=True)
    (tmp_path / "app/.venv/bin/python").symlink_to(sys.executable)
    for unit in UNITS:  # a timer needs its service
        (tmp_path / unit.name).write_text(unit.read_text().replace("/srv/readerstudy", str(tmp_path)))
    answer = run(systemd_analyze, "verify", "--man=no", tmp_path / name)
    assert answer.returncode == 0, answer.stderr
    assert name not in answer.stderr  # a word it does not know is only a warning


def test_the_timer_runs_the_cleaning_as_the_application_runs() -> None:
    """The same person, settings and walls as the application's own unit."""
    web, cleaning = ((DEPLOY / name).read_text() for name in ("readerstudy.service", "readerstudy-clean-up.service"))
    assert (
        "manage.py clean_up" in cleaning and "OnCalendar=hourly" in (DEPLOY / "readerstudy-clean-up.timer").read_text()
    )
    walls = web[web.index("ProtectSystem=") : web.index("[Install]")].split()
    walls += re.findall(r"^(?:User|Group|WorkingDirectory|EnvironmentFile|UMask)=.+$", web, re.M)
    assert len(walls) > 15 and [line for line in walls if line not in cleaning] == []


def test_the_cleaning_of_unit_and_compose_file_is_a_command_that_runs(transactional_db, tmp_path: Path) -> None:
    service = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["clean-up"]
    assert "python manage.py clean_up; sleep 3600" in service["command"][-1] and service["volumes"][0].startswith(
        "media:"
    )
    environment = example_environment() | {
        "SECRET_KEY": "cleans", "BLINDING_KEY": "cleans too", "MEDIA_ROOT": str(tmp_path / "media"),
        "DATABASE_URL": database_url(tmp_path), "DJANGO_SETTINGS_MODULE": "readerstudy.settings",
    }  # fmt: skip
    (left := tmp_path / "media/staging/receiving/x.part").parent.mkdir(parents=True)
    left.write_bytes(b"identifies"), os.utime(left, (0, 0))
    answer = run(sys.executable, "manage.py", "clean_up", **environment)
    assert answer.returncode == 0, answer.stderr
    assert not left.exists() and "interrupted uploads: 1" in answer.stdout


def test_the_documentation_names_every_limit_and_unit() -> None:
    docs = (ROOT / "docs" / "deployment.md").read_text()
    assert [unit.name for unit in UNITS if f"`deploy/{unit.name}`" not in docs] == []
    for setting in ("UPLOAD_CHECK_MIB", "UPLOAD_CHECK_SECONDS", "UPLOAD_AT_ONCE_MIB", "ANALYSIS_TIME_LIMIT",
                    "EXPORT_TOKEN_DAYS", "SESSION_IDLE_MINUTES", "MODEL_ROOT"):  # fmt: skip
        assert f"`{setting}`" in docs, setting
    assert f"{MAX_FILES:,} files in a ZIP, {MAX_DIRECTORY_BYTES // 2**20} MiB" in docs


def test_the_check_of_an_upload_ends_before_nginx_gives_up() -> None:
    waits = re.search(r"^    proxy_read_timeout (\d+)s;", (DEPLOY / "nginx.conf").read_text(), re.MULTILINE)
    code = "from django.conf import settings; print(settings.UPLOAD_CHECK_SECONDS)"
    answer = run(sys.executable, "-c", code, DEBUG="true", DJANGO_SETTINGS_MODULE="readerstudy.settings")
    assert waits and int(answer.stdout) < int(waits[1])


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
