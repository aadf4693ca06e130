"""A real installation for one test: its own folder, SQLite database and gunicorn, run as docs/deployment.md says."""

import os
import secrets
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATIENCE_S = 30


class Installation:
    """`manage` runs a command as a person would; `start` and `stop` the server, and a worker if asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.address = f"http://127.0.0.1:{free_port()}"
        self.env = {
            **{name: value for name, value in os.environ.items() if name not in ("DEMO", "DJANGO_SETTINGS_MODULE")},
            "DEBUG": "true",  # plain http on one's own machine
            "SECRET_KEY": secrets.token_urlsafe(32),
            "DATABASE_URL": f"sqlite:///{folder / 'study.sqlite3'}",
            "MEDIA_ROOT": str(folder / "media"),
            "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"),
            "LOG_LEVEL": "WARNING",
        }
        self.server: subprocess.Popen[bytes] | None = None
        self.worker: subprocess.Popen[bytes] | None = None

    def manage(self, *words: str, **env: str) -> str:
        """`python manage.py WORDS` in the installation's folder; what it printed. AssertionError if it fails."""
        command = [sys.executable, str(ROOT / "manage.py"), *words]
        done = subprocess.run(
            command, cwd=self.folder, env={**self.env, **env}, capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 0, f"{' '.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout

    def start(self) -> None:
        bind = self.address.removeprefix("http://")
        options = ["--threads=8", "--log-level=warning", "--no-control-socket", f"--bind={bind}"]
        command = [sys.executable, "-m", "gunicorn", "readerstudy.wsgi", *options]
        with (self.folder / "server.log").open("ab") as log:
            self.server = subprocess.Popen(command, cwd=ROOT, env=self.env, stdout=log, stderr=log)
        host, port = bind.split(":")
        for _ in range(PATIENCE_S * 10):
            assert self.server.poll() is None, self.log()
            with socket.socket() as trial:
                if trial.connect_ex((host, int(port))) == 0:
                    return
            time.sleep(0.1)
        raise AssertionError(f"the server does not answer: {self.log()}")

    def start_worker(self) -> None:
        command = [sys.executable, str(ROOT / "manage.py"), "worker", "--interval", "0.2"]
        with (self.folder / "server.log").open("ab") as log:
            self.worker = subprocess.Popen(command, cwd=self.folder, env=self.env, stdout=log, stderr=log)

    def stop(self) -> None:
        for process in filter(None, (self.worker, self.server)):
            process.terminate()
            process.wait(PATIENCE_S)
        self.server = self.worker = None

    def log(self) -> str:
        return (self.folder / "server.log").read_text()


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])
