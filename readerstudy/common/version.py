"""The software's version, and the commit where it runs from a checkout: the one place that tells them.

They stand in provenance.json, results.json, every explanation, the report's last line, the foot of the pages and the
reading room's help. Pages tell them to people who are logged in only: nobody else needs to know what runs here.
No Django here: what workers run uses it too.
"""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from pathlib import Path

from explain import __version__

TOP = Path(__file__).resolve().parents[2]
SHORT = 10  # digits of the commit that people are shown


def software() -> dict[str, str]:
    """{"readerstudy": version} and, where it is known, {"commit": 40 hexadecimal digits}."""
    found = commit(TOP)
    return {"readerstudy": __version__} | ({"commit": found} if found else {})


def software_with(packages: Iterable[str]) -> dict[str, str]:
    """The same, Python's version, and that of each of these installed packages."""
    return {**software(), "python": platform.python_version(), **{name: version(name) for name in packages}}


@cache
def commit(folder: Path) -> str | None:
    """The commit checked out in `folder`; None where that is no checkout of its own, or git is not there.

    It is asked for once, so it is that of the code which runs, not of what was checked out later.
    """
    if not (folder / ".git").exists():  # or git would answer for a repository around an installed package
        return None
    try:
        done = subprocess.run(  # noqa: S603 - no user text
            ["git", "-C", str(folder), "rev-parse", "HEAD"],  # noqa: S607 - git of the PATH
            capture_output=True, text=True, timeout=10, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None


def for_pages(request: object) -> dict[str, str]:
    """Context processor: `software_version`, which a page may show to people who are logged in."""
    known = software()
    digits = known.get("commit", "")[:SHORT]
    return {"software_version": known["readerstudy"] + (f" ({digits})" if digits else "")}
