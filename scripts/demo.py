"""The demo study on this machine: its own database, media and key in demo/."""

from __future__ import annotations

import argparse
import os
import secrets
import socket
import subprocess
from pathlib import Path
from urllib.parse import quote

from scripts.environment import BASE_ENV, ROOT, Failure, ensure_tiers, run, say


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


def start_worker(python: Path, environment: dict[str, str]) -> None:
    """One worker, so that the buttons that start background work do so. It ends with the server."""
    command = [str(python), "manage.py", "worker", "--with-parent"]
    subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL)


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
    start_worker(python, {**os.environ, **BASE_ENV, **env})
    os.execve(python, server, {**os.environ, **BASE_ENV, **env})  # signals then go straight to the server


def explain_demo(rest: list[str]) -> int:
    python = ensure_tiers(["web", "explain"])
    env = prepare_demo(python)
    say("Rendering every explanation of the demo study")
    command: list[str | Path] = [python, "manage.py", "explain_demo", *rest]
    run(command, step="render the explanations", advice="see the message above.", env=env)
    return 0
