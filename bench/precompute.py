"""How long the demo's explanations take, both methods, start to finish, and how much memory.

    python -m bench.precompute [--threads 2]

Loads the demo's cases into a database and media folder of its own, without the explanations that are shipped, then runs
`manage.py precompute` for a draft study over them: Python's start, the models, reading, computing, encoding and storing
of five kinds for 24 scored and 6 practice cases. Targets on 2 cores: under 60 s, and a peak under 4 GB.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from bench._measure import report

ROOT = Path(__file__).parents[1]
LOAD_CASES = "from readerstudy.demo.studies import live_study; live_study()"


def environment(folder: Path, threads: int) -> dict[str, str]:
    own = {
        "DATABASE_URL": f"sqlite:///{folder}/demo.sqlite3",
        "MEDIA_ROOT": str(folder / "media"),
        "DEMO": "true",
        "DEBUG": "true",
        "OMP_NUM_THREADS": str(threads),
    }
    return {**os.environ, **own}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    with TemporaryDirectory() as name:
        settings = environment(Path(name), options.threads)
        for command in (["migrate", "--verbosity", "0"], ["shell", "--verbosity", "0", "-c", LOAD_CASES]):
            subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, env=settings, check=True)
        load, started = os.getloadavg()[0], time.perf_counter()
        command = [sys.executable, "manage.py", "precompute", "--study", "demo-live", "--device", "cpu"]
        rendering = subprocess.Popen(command, cwd=ROOT, env=settings)
        _, status, usage = os.wait4(rendering.pid, 0)
        wall = time.perf_counter() - started
        rendering.returncode = os.waitstatus_to_exitcode(status)
        if rendering.returncode:
            raise SystemExit(f"precompute ended with status {rendering.returncode}")
        unit = 2**20 if sys.platform == "darwin" else 2**10  # ru_maxrss counts KiB on Linux, bytes on macOS
        processor = usage.ru_utime + usage.ru_stime
        report("demo rendered", wall_seconds=wall, processor_seconds=processor, load_before=load)
        report("demo rendered", peak_memory_MiB=usage.ru_maxrss / unit)


if __name__ == "__main__":
    main()
