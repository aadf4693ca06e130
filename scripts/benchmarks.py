"""The benchmarks in bench/, one process each."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from scripts.environment import ALL_TIERS, ROOT, Failure, call, ensure_tiers, say

BENCHMARK_LIMIT_S = 900


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
