"""The product under gunicorn, as it is deployed, in a process of its own that a test may kill."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil
from django.conf import settings
from django.db import connection

ROOT = Path(__file__).resolve().parents[2]
SECONDS_TO_START = 40


class Gunicorn:
    """Serves a database and a media folder on a free port of this machine; the same port after a restart."""

    def __init__(self, database_url: str, media: Path, workers: int = 1, threads: int = 4) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.command = [
            sys.executable, "-m", "gunicorn", "readerstudy.wsgi", f"--bind=127.0.0.1:{self.port}",
            f"--workers={workers}", f"--threads={threads}", "--log-level=warning", "--no-control-socket",
        ]  # fmt: skip
        # DEMO without DEBUG: as fast as in production, but over plain http and without collected static files.
        self.environment = os.environ | {
            "DATABASE_URL": database_url, "MEDIA_ROOT": str(media), "SECRET_KEY": settings.SECRET_KEY,
            "DEBUG": "false", "DEMO": "true", "ALLOWED_HOSTS": "127.0.0.1",
            "DJANGO_SETTINGS_MODULE": "readerstudy.settings", "OMP_NUM_THREADS": "1",
        }  # fmt: skip
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        # A group of its own, so that killing it takes the workers too.
        self.process = subprocess.Popen(self.command, cwd=ROOT, env=self.environment, start_new_session=True)
        for _ in range(SECONDS_TO_START * 10):
            try:
                urllib.request.urlopen(f"{self.url}/accounts/login/", timeout=5).close()
                return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.1)
        raise RuntimeError("gunicorn did not start")

    def kill(self) -> None:
        """As by a power cut: no request is finished, nothing is told."""
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def processor_seconds(self) -> float:
        """Processor time of the server so far, which depends less than its speed on what else the machine does."""
        assert self.process
        main = psutil.Process(self.process.pid)
        return sum(sum(process.cpu_times()[:2]) for process in [main, *main.children(recursive=True)])

    def __enter__(self) -> "Gunicorn":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


def copy_of_test_database(file: Path) -> str:
    """Write the test's (in-memory) database to a file; returns its DATABASE_URL."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM INTO %s", [str(file)])
    return f"sqlite:///{file}"
