#!/usr/bin/env python3
"""Set up and run the project, with Python's standard library only.

    python3 scripts/dev.py demo [--port 8000]    web tier only: load the demo study, serve it on 127.0.0.1
    python3 scripts/dev.py test [-- -k words]    all tiers: the whole suite (what follows goes to pytest)
    python3 scripts/dev.py lint                  ruff check, ruff format --check, mypy, tsc
    python3 scripts/dev.py bench [names]         every bench/*.py, or the ones named
    python3 scripts/dev.py explain-demo          render the demo study's explanations live, with the demo models

Each makes or reuses .venv here and installs only what it needs. All may be interrupted and repeated at any time.
"""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # this file is run by its path

from scripts.environment import (
    ALL_TIERS,
    BASE_ENV,
    ROOT,
    Failure,
    apt_install,
    call,
    ensure_node_packages,
    ensure_tiers,
    node_command,
    run,
    say,
)

BENCHMARK_LIMIT_S = 900


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
    ensure_node_packages(python)
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
    tsc = ensure_node_packages(python) / "typescript" / "bin" / "tsc"
    checks: dict[str, list[str]] = {
        "ruff check .": [str(python), "-m", "ruff", "check", "."],
        "ruff format --check .": [str(python), "-m", "ruff", "format", "--check", "."],
        "mypy": [str(python), "-m", "mypy"],
        "tsc": [*node_command(python), str(tsc)],
    }
    failed = []
    for name, command in checks.items():
        say(name)
        if call(command, {"DEBUG": "true"}):  # mypy's Django plugin loads the settings
            failed.append(name)
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
