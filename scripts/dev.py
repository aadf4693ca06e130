#!/usr/bin/env python3
"""Set up and run the project, with Python's standard library only.

    python3 scripts/dev.py demo [--port 8000]    web tier only: load the demo study, serve it on 127.0.0.1
    python3 scripts/dev.py test [-- -k words]    all tiers: the whole suite (what follows goes to pytest)
    python3 scripts/dev.py lint                  ruff check, ruff format --check, mypy
    python3 scripts/dev.py bench [names]         every bench/*.py, or the ones named
    python3 scripts/dev.py explain-demo          render the demo study's explanations live, with the demo models

Each makes or reuses .venv here and installs only what it needs. All may be interrupted and repeated at any time.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
OLDEST_PYTHON = (3, 11)
TIERS = {  # name: what a person should expect while it installs
    "web": "web pages and statistics, about 0.5 GB, half a minute",
    "explain": "torch and its models, about 6 GB, several minutes the first time",
    "dev": "test and lint tools",
}
ALL_TIERS = tuple(TIERS)
BENCHMARK_LIMIT_S = 900
# None of these may take input or print in a person's own language, and all print as they go.
BASE_ENV = {"PYTHONUNBUFFERED": "1", "PIP_NO_INPUT": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


class Failure(Exception):
    """A step that did not work, and what the person at the keyboard can do about it."""

    def __init__(self, step: str, advice: str) -> None:
        super().__init__(f"{step}\n    What to do: {advice}")


class Python(NamedTuple):
    path: str
    version: tuple[int, int]
    has_venv: bool


def say(text: str) -> None:
    print(f"==> {text}", flush=True)


def call(command: Sequence[str | Path], env: dict[str, str] | None = None, limit_s: float | None = None) -> int:
    """Run one command in the repository's root, with no standard input; its exit status."""
    words, full = [str(word) for word in command], {**os.environ, **BASE_ENV, **(env or {})}
    return subprocess.run(words, cwd=ROOT, env=full, stdin=subprocess.DEVNULL, check=False, timeout=limit_s).returncode


def run(command: Sequence[str | Path], *, step: str, advice: str, env: dict[str, str] | None = None) -> None:
    """Run one command as `call` does; a Failure names the step when it does not exit with 0."""
    try:
        code = call(command, env)
    except OSError as error:
        raise Failure(f"{step}: {error}", advice) from error
    if code:
        raise Failure(f"{step}: `{' '.join(map(str, command))}` ended with exit status {code}", advice)


# --- Python, .venv and what is installed in it ------------------------------------------------------------------------
def probe(path: str) -> Python | None:
    """What kind of Python this is; None if it does not run (a version manager's shim, say)."""
    question = "import sys; print(*sys.version_info[:2], end=' '); from importlib.util import find_spec; "
    question += "print(int(bool(find_spec('venv') and find_spec('ensurepip'))))"
    try:
        answer = subprocess.run([path, "-c", question], capture_output=True, text=True, timeout=30, check=True).stdout
        major, minor, has_venv = map(int, answer.split())
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return Python(path, (major, minor), bool(has_venv))


def candidate_pythons() -> list[str]:
    names = [*(f"python3.{minor}" for minor in range(OLDEST_PYTHON[1], 15)), "python3", "python"]
    found = [sys.executable, *(path for path in map(shutil.which, names) if path)]
    return list(dict.fromkeys(found))


def choose_python(candidates: Iterable[str], look: Callable[[str], Python | None] = probe) -> Python:
    """The first Python that is new enough and can make a venv; else the first that is new enough."""
    known = [python for python in map(look, candidates) if python]
    good = [python for python in known if python.version >= OLDEST_PYTHON]
    if not good:
        seen = ", ".join("{} is {}.{}".format(python.path, *python.version) for python in known) or "none at all"
        raise Failure(
            "find Python {}.{} or later (found: {})".format(*OLDEST_PYTHON, seen),
            "install one (Debian 12 or later: `sudo apt-get install python3 python3-venv`; "
            "elsewhere: python.org) so that python3.11 or later is on PATH, then repeat this command.",
        )
    return next((python for python in good if python.has_venv), good[0])


def apt_install(packages: Sequence[str], *, step: str, advice: str) -> None:
    """Install Debian packages where that needs no question: as root, with apt-get. Else a Failure with the advice."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise Failure(step, advice)
    say(f"Installing {', '.join(packages)} (apt-get)")
    install = 'apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@" >/dev/null'
    env = {"DEBIAN_FRONTEND": "noninteractive"}
    run(
        ["sh", "-c", install, "apt", *packages],
        step=step,
        advice=f"check the network, then repeat; or {advice}",
        env=env,
    )


def ensure_venv() -> Path:
    """The interpreter of .venv here, made first where it is missing, broken or too old."""
    python = VENV / "bin" / "python"
    present = probe(str(python))
    if present and present.version >= OLDEST_PYTHON and (VENV / "bin" / "pip").exists():
        return python
    if VENV.is_symlink():
        raise Failure(f"use {VENV}", "it is a link to an environment that does not work: remove the link, then repeat.")
    chosen = choose_python(candidate_pythons())
    if not chosen.has_venv:
        package = "python{}.{}-venv".format(*chosen.version)
        advice = f"{chosen.path} cannot make virtual environments: `sudo apt-get install {package}`, then repeat."
        apt_install([package], step="make .venv", advice=advice)
    say(f"Making .venv with {chosen.path}")
    run(
        [chosen.path, "-m", "venv", "--clear", VENV],
        step="make .venv",
        advice=f"remove {VENV} and repeat; if it fails again, put another Python 3.11 or later first on PATH.",
    )
    return python


def requirement_files(path: Path) -> list[Path]:
    """This file and every file it includes with -r or -c."""
    files = [path]
    for line in path.read_text(encoding="utf-8").splitlines():
        flag, _, name = line.strip().partition(" ")
        if flag in ("-r", "-c"):
            files += [included for included in requirement_files(path.parent / name.strip()) if included not in files]
    return files


def tier_hash(tier: str, folder: Path) -> str:
    digest = hashlib.sha256()
    for path in requirement_files(folder / f"{tier}.txt"):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def read_stamp(stamp: Path) -> dict[str, str]:
    """Tier -> hash of the requirement files it was installed from; empty where the stamp is missing or damaged."""
    try:
        content = json.loads(stamp.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def write_stamp(stamp: Path, content: dict[str, str]) -> None:
    part = stamp.with_suffix(".part")
    part.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    part.replace(stamp)


def ensure_tiers(tiers: Sequence[str]) -> Path:
    """Install what these tiers lack; return the interpreter. The stamp is written last: an interruption is repaired."""
    python = ensure_venv()
    folder, stamp = ROOT / "requirements", VENV / "installed.json"
    installed = read_stamp(stamp)
    wanted = {tier: tier_hash(tier, folder) for tier in tiers}
    missing = [tier for tier in tiers if installed.get(tier) != wanted[tier]]
    if not missing:
        return python
    for tier in missing:
        say(f"Installing {tier}: {TIERS[tier]}")
    files = [word for tier in missing for word in ("-r", str(folder / f"{tier}.txt"))]
    started = time.monotonic()
    # Compiling thousands of modules nobody imports takes longer than installing them; Python compiles the rest itself.
    run(
        [python, "-m", "pip", "install", "--quiet", "--no-compile", *files],
        step=f"install {', '.join(missing)}",
        advice="check the network and the free disk space, then repeat: it continues where it was. "
        "If that does not help, remove .venv and repeat.",
    )
    write_stamp(stamp, {**installed, **wanted})
    say(f"Installed in {time.monotonic() - started:.0f} s")
    return python


# --- The demo ---------------------------------------------------------------------------------------------------------
def free_port(preferred: int) -> int:
    """The preferred port on 127.0.0.1 if nothing listens there, else one the system picks."""
    for port in (preferred, 0):
        with socket.socket() as candidate:
            candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                candidate.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(candidate.getsockname()[1])
    raise Failure("find a free port on 127.0.0.1", "close some programs that listen on ports, then repeat.")


def demo_environment(folder: Path) -> dict[str, str]:
    """The demo's own database, media and key, apart from studies of one's own. The key stays: file names hang on it."""
    (folder / "static").mkdir(parents=True, exist_ok=True)
    key = folder / "secret-key"
    if not key.exists() or not key.read_text(encoding="utf-8").strip():
        key.touch(mode=0o600)
        key.write_text(secrets.token_urlsafe(48) + "\n", encoding="utf-8")
    # A name with a dot: nothing that is uploaded to the demo can be imported from there.
    media = folder / "media" if (folder / "media").is_dir() else folder / "media.files"
    return {
        "DEMO": "true",
        "DEBUG": "false",
        "SECRET_KEY": key.read_text(encoding="utf-8").strip(),
        "DATABASE_URL": "sqlite:///" + quote(str(folder / "demo.sqlite3")),
        "MEDIA_ROOT": str(media),
        "STATIC_ROOT": str(folder / "static"),  # stays empty: the demo serves them from where they are
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "LOG_LEVEL": "WARNING",
    }


def prepare_demo(python: Path) -> dict[str, str]:
    env = demo_environment(ROOT / "demo")
    advice = "see the message above; `rm -r demo` starts the demo's data afresh, then repeat."
    say("Making the demo's database in demo/")
    run([python, "manage.py", "migrate", "--verbosity", "0"], step="migrate", advice=advice, env=env)
    say("Loading the demo study")
    run([python, "manage.py", "demo"], step="load the demo study", advice=advice, env=env)
    return env


def demo(rest: list[str]) -> int:
    options = argparse.ArgumentParser(prog="dev.py demo", description="Load the demo study and serve it on 127.0.0.1.")
    options.add_argument("--port", type=int, default=8000, help="another free one is taken if this one is in use")
    wanted = options.parse_args(rest).port
    python = ensure_tiers(["web"])
    env = prepare_demo(python)
    port = free_port(wanted)
    if port != wanted:
        say(f"Port {wanted} is taken; using {port}")
    say(f"Serving the demo at http://127.0.0.1:{port} (Ctrl-C stops it; the log-ins are above)")
    options_of_server = ["--threads=8", "--log-level=warning", "--no-control-socket"]
    server = [str(python), "-m", "gunicorn", "readerstudy.wsgi", f"--bind=127.0.0.1:{port}", *options_of_server]
    os.chdir(ROOT)
    os.execve(python, server, {**os.environ, **BASE_ENV, **env})  # signals then go straight to the server


def explain_demo(rest: list[str]) -> int:
    python = ensure_tiers(["web", "explain"])
    env = prepare_demo(python)
    say("Rendering every explanation of the demo study")
    command: list[str | Path] = [python, "manage.py", "explain_demo", *rest]
    run(command, step="render the explanations", advice="see the message above.", env=env)
    return 0


# --- Tests, lint, benchmarks ------------------------------------------------------------------------------------------
def find_chromium() -> str:
    """A Chromium or Chrome on PATH; installed from Debian's packages where that needs no question."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if not found:
        advice = (
            "install Chromium (Debian: `sudo apt-get install chromium fonts-liberation`) or set CHROMIUM to the "
            "path of one, then repeat; `-- -m 'not browser'` tests everything else."
        )
        apt_install(["chromium", "fonts-liberation"], step="find Chromium for the browser tests", advice=advice)
        found = shutil.which("chromium")
    if not found or not shutil.which(found):
        raise Failure(f"run Chromium ({found})", "set CHROMIUM to the path of a Chromium or Chrome, then repeat.")
    return found


def find_nginx() -> str:
    """The nginx on PATH or where Debian keeps it; installed from Debian's packages where that needs no question."""
    places = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    found = os.environ.get("NGINX") or shutil.which("nginx", path=places)
    if not found:
        advice = (
            "install nginx (Debian: `sudo apt-get install nginx`) or set NGINX to the path of one, then repeat; "
            "`-- -m 'not nginx'` tests everything else."
        )
        apt_install(["nginx"], step="find nginx for the tests of deploy/", advice=advice)
        found = shutil.which("nginx", path=places)
    if not found or not shutil.which(found):
        raise Failure(f"run nginx ({found})", "set NGINX to the path of an nginx, then repeat.")
    return found


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def pytest_command(python: Path, rest: Sequence[str], workers: int) -> list[str]:
    """Neighbours share fixtures, so each worker starts with its own run of files, then takes over what is left."""
    spread = [f"--numprocesses={workers}", "--dist=worksteal"] if workers > 1 else []
    return [str(python), "-m", "pytest", *spread, *rest]


def test(rest: list[str]) -> int:
    python = ensure_tiers(ALL_TIERS)
    env = {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")}
    if not any("not browser" in word for word in rest):
        env["CHROMIUM"] = find_chromium()
    if not any("not nginx" in word for word in rest):
        env["NGINX"] = find_nginx()
    command = pytest_command(python, rest, min(cores(), 4))
    say("Testing: " + " ".join(command[1:]))
    return call(command, env)


def lint(rest: list[str]) -> int:
    if rest:
        raise Failure(f"lint: unknown arguments {' '.join(rest)}", "run it without arguments.")
    python = ensure_tiers(ALL_TIERS)
    failed = []
    for check in (["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"]):
        say(" ".join(check))
        if call([python, "-m", *check], {"DEBUG": "true"}):  # mypy's Django plugin loads the settings
            failed.append(" ".join(check))
    if failed:
        routine = "`.venv/bin/ruff check --fix . && .venv/bin/ruff format .` does the routine part."
        raise Failure(f"lint: {', '.join(failed)}", f"fix what is listed above; {routine}")
    return 0


def choose_benchmarks(folder: Path, names: Sequence[str]) -> list[str]:
    known = sorted(path.stem for path in folder.glob("*.py") if not path.name.startswith("_"))
    unknown = [name for name in names if name not in known]
    if unknown:
        choice = ", ".join(known) or "(none yet)"
        raise Failure(f"bench: no benchmark named {', '.join(unknown)}", f"name some of: {choice}.")
    return list(names) or known


def bench(rest: list[str]) -> int:
    names = choose_benchmarks(ROOT / "bench", rest)
    python = ensure_tiers(ALL_TIERS)
    failed = []
    for name in names:
        say(f"bench/{name}.py")
        try:
            if call([python, "-m", f"bench.{name}"], {"DEBUG": "true"}, BENCHMARK_LIMIT_S):
                failed.append(name)
        except subprocess.TimeoutExpired:
            failed.append(f"{name} (stopped after {BENCHMARK_LIMIT_S} s)")
    if failed:
        raise Failure(f"bench: {', '.join(failed)}", "see the messages above; `dev.py bench NAME` runs one alone.")
    return 0


COMMANDS = {"demo": demo, "test": test, "lint": lint, "bench": bench, "explain-demo": explain_demo}


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="dev.py",
        usage="%(prog)s COMMAND ...",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=COMMANDS)
    command = parser.parse_args(arguments[:1]).command
    rest = list(arguments[1:])
    try:
        return COMMANDS[command](rest[1:] if rest[:1] == ["--"] else rest)
    except Failure as failure:
        print(f"\ndev.py {command}: this step failed: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\ndev.py {command}: interrupted. The same command continues where it was.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
