"""What is checked without running the software: lint, format, types, who imports whom, and that the package builds."""

from __future__ import annotations

import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from scripts.environment import (
    ALL_TIERS,
    BASE_ENV,
    ROOT,
    Failure,
    ensure_node_packages,
    ensure_tiers,
    node_command,
    run,
    say,
)


def commands(python: Path, tsc: Path) -> dict[str, list[str]]:
    """Each check by its name. .pre-commit-config.yaml has the same."""
    return {
        "ruff check .": [str(python), "-m", "ruff", "check", "."],
        "ruff format --check .": [str(python), "-m", "ruff", "format", "--check", "."],
        "mypy": [str(python), "-m", "mypy"],
        "lint-imports": [str(python.parent / "lint-imports"), "--no-cache", "--no-logo"],  # cannot be run as a module
        "tsc": [*node_command(python), str(tsc)],
    }


def lint(rest: list[str]) -> int:
    if rest:
        raise Failure(f"lint: unknown arguments {' '.join(rest)}", "run it without arguments.")
    python = ensure_tiers(ALL_TIERS)
    tsc = ensure_node_packages(python) / "typescript" / "bin" / "tsc"
    checks = commands(python, tsc)
    failed = []
    with ThreadPoolExecutor(2) as pool:  # mypy takes as long as all others
        for name, done in zip(checks, pool.map(_checked, checks.values()), strict=True):
            say(f"{name}\n{done.stdout.rstrip()}".rstrip())
            if done.returncode:
                failed.append(name)
    if failed:
        routine = "`.venv/bin/ruff check --fix . && .venv/bin/ruff format .` does the routine part."
        raise Failure(f"lint: {', '.join(failed)}", f"fix what is listed above; {routine}")
    return 0


def _checked(command: list[str]) -> subprocess.CompletedProcess[str]:
    """The command's end and what it printed, errors among it."""
    env = {**os.environ, **BASE_ENV, "DEBUG": "true"}  # mypy's Django plugin loads the settings
    return subprocess.run(
        command, cwd=ROOT, env=env, check=False, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def build(rest: list[str]) -> int:
    """A source archive, and the wheel made from it: what `pip install` gets. Both in dist/."""
    if rest:
        raise Failure(f"build: unknown arguments {' '.join(rest)}", "run it without arguments.")
    python = ensure_tiers(["dev"])
    shutil.rmtree(ROOT / "dist", ignore_errors=True)
    command: list[str | Path] = [python, "-m", "build", "--no-isolation", "--outdir", "dist"]
    run(command, step="build the package", advice="see the message above.")
    return 0
