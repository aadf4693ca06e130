"""A real Dask cluster on this machine: a scheduler and two workers, each a process that knows no database."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]


class Cluster:
    """A context. `kill` ends the worker with that process id at once."""

    def __init__(self, folder: Path, workers: int = 2) -> None:
        self.file, self.log = folder / "scheduler.json", folder / "cluster.log"
        self.count = workers
        self.processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> "Cluster":
        self._start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        for _ in range(self.count):
            self._start("worker", "--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1")
        end = time.monotonic() + 120
        while not self.file.is_file() or not self.file.read_bytes().strip():
            assert time.monotonic() < end and self.processes[0].poll() is None, self.log.read_text()
            time.sleep(0.05)
        self.address = json.loads(self.file.read_text())["address"]
        return self

    def __exit__(self, *error: object) -> None:
        for process in self.processes:
            process.kill()
            process.wait()

    def kill(self, pid: int) -> None:
        (process,) = [one for one in self.processes if one.pid == pid]
        process.kill()
        process.wait()

    def _start(self, what: str, *options: str) -> None:
        hidden = ("DJANGO_SETTINGS_MODULE", "DATABASE_URL", "SECRET_KEY", "MEDIA_ROOT")
        environment = {name: value for name, value in os.environ.items() if name not in hidden}
        with self.log.open("ab") as log:
            self.processes.append(
                subprocess.Popen(
                    [sys.executable, "-m", "dask", what, "--scheduler-file", str(self.file), *options],
                    env=environment | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
                    cwd=self.file.parent,
                    stdout=log,
                    stderr=log,
                )
            )
