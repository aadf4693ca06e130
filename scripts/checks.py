"""What is checked without running the software: lint, format, types, who imports whom, and that the package builds."""

from __future__ import annotations

import shutil
from pathlib import Path

from scripts.environment import (
    ALL_TIERS,
    ROOT,
    Failure,
    call,
    ensure_node_packages,
    ensure_tiers,
    node_command,
    run,
    say,
)


def lint(rest: list[str]) -> int:
    if rest:
        raise Failure(f"lint: unknown arguments {' '.join(rest)}", "run it without arguments.")
    python = ensure_tiers(ALL_TIERS)
    tools = python.parent  # import-linter has no module to run by name
    tsc = ensure_node_packages(python) / "typescript" / "bin" / "tsc"
    checks: dict[str, list[str]] = {
        "ruff check .": [str(python), "-m", "ruff", "check", "."],
        "ruff format --check .": [str(python), "-m", "ruff", "format", "--check", "."],
        "mypy": [str(python), "-m", "mypy"],
        "lint-imports": [str(tools / "lint-imports"), "--no-cache", "--no-logo"],
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


def build(rest: list[str]) -> int:
    """A source archive, and the wheel made from it: what `pip install` gets. Both in dist/."""
    if rest:
        raise Failure(f"build: unknown arguments {' '.join(rest)}", "run it without arguments.")
    python = ensure_tiers(["dev"])
    shutil.rmtree(ROOT / "dist", ignore_errors=True)
    command: list[str | Path] = [python, "-m", "build", "--no-isolation", "--outdir", "dist"]
    run(command, step="build the package", advice="see the message above.")
    return 0
