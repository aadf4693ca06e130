#!/usr/bin/env python3
"""Set up and run the project, with Python's standard library only.

    python3 scripts/dev.py demo [--port 8000]    web tier only: load the demo study, serve it on 127.0.0.1
    python3 scripts/dev.py test [-- -k words]    all tiers: the whole suite (what follows goes to pytest)
    python3 scripts/dev.py lint                  ruff check, ruff format --check, mypy, lint-imports, tsc
    python3 scripts/dev.py build                 the package: source archive and wheel, in dist/
    python3 scripts/dev.py bench [names]         every bench/*.py, or the ones named
    python3 scripts/dev.py explain-demo          render the demo study's explanations live, with the demo models
    python3 scripts/dev.py help                  this text

Each makes or reuses .venv here and installs only what it needs. All may be interrupted and repeated at any time.
With make: `make demo`, `make test ARGS="-k words"`, and so on.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # this file is run by its path

from scripts.benchmarks import bench
from scripts.checks import build, lint
from scripts.demo import demo, explain_demo
from scripts.environment import Failure
from scripts.suite import test


def show_help(rest: list[str]) -> int:
    print(__doc__.strip())
    return 0


COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "help": show_help,
    "demo": demo,
    "test": test,
    "lint": lint,
    "build": build,
    "bench": bench,
    "explain-demo": explain_demo,
}


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
        print(f"\ndev.py {command}: interrupted. The same command can be given again.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
