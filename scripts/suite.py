"""The test suite, and the programs that it drives: Chromium and nginx."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from scripts.environment import ALL_TIERS, VENV, Failure, apt_install, call, ensure_node_packages, ensure_tiers, say

SLIPCOVER = ("-m", "slipcover")
COUNTED = VENV / "coverage.json"
DRIVEN = ("tests/browser", "tests/proxy")  # where all tests are that drive Chromium or nginx, and no others


def find_chromium() -> str:
    """A Chromium or Chrome on PATH; installed from Debian's packages where that needs no question.

    The headless shell comes first: the same engine without what draws the browser's own windows, at half the work.
    """
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if not found:
        packages = [names[0], "fonts-liberation", "libatomic1"]  # the last for Playwright's own Node
        advice = (
            f"install Chromium (Debian: `sudo apt-get install {' '.join(packages)}`) or set CHROMIUM to the path of "
            "one, then repeat; `-- -m 'not browser'` tests everything else."
        )
        apt_install(packages, step="find Chromium for the browser tests", advice=advice)
        found = shutil.which(names[0])
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
    """Neighbours share fixtures, so each worker starts with its own run of files, then takes over what is left.

    --cov also counts the lines that run, with SlipCover, which costs next to nothing ([tool.slipcover] in pyproject).
    """
    spread = [f"--numprocesses={workers}", "--dist=worksteal"] if workers > 1 else []
    counted = [*SLIPCOVER, "--fail-under=0", "--json", f"--out={COUNTED}"] if "--cov" in rest else []
    return [str(python), *counted, "-m", "pytest", *spread, *(word for word in rest if word != "--cov")]


def coverage_report(python: Path) -> list[str]:
    """Prints what was counted and ends with 2 below the floor: a run that does both at once prints too little."""
    return [str(python), *SLIPCOVER, f"--merge={COUNTED}", f"--out={COUNTED}"]


def test(rest: list[str]) -> int:
    python = ensure_tiers(ALL_TIERS)
    ensure_node_packages(python)
    for name in ("git", "make"):
        if not shutil.which(name):
            apt_install([name], step=f"find {name} for the tests", advice=f"install {name}, then repeat.")
    env = {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")}
    if not any("not browser" in word for word in rest):
        env["CHROMIUM"] = find_chromium()
    if not any("not nginx" in word for word in rest):
        env["NGINX"] = find_nginx()
    mostly_waits = set(rest) >= set(DRIVEN)  # for other processes, a sixth of the time
    command = pytest_command(python, rest, min(cores(), 4) + mostly_waits)
    say("Testing: " + " ".join(command[1:]))
    code = call(command, env)
    return code or (call(coverage_report(python)) if "--cov" in rest else 0)
