"""No code but the registry and the methods' own modules knows a kind by name: forms, checks, keys and pages follow from
what kinds declare. So a new kind edits its own module, its entry and its test; one of a package edits nothing here.
Nor does any code ask whether a metric is one of a name."""

import re
from pathlib import Path

from explain.evaluate.metrics import METRICS
from explain.methods.kinds import KINDS

ROOT = Path(__file__).resolve().parent.parent
OWN = {"methods", "demo"}  # the methods' own modules with their registry, and the demo's card of its own figures
WORDS = re.compile("|".join([*KINDS, "latentshift", "guided_backprop", "integrated_gradients"]))


def test_only_the_registry_names_kinds() -> None:
    files = [
        path
        for folder in ("readerstudy", "static", "templates")
        for suffix in ("py", "js", "html", "css")
        for path in (ROOT / folder).rglob(f"*.{suffix}")
        if "migrations" not in path.parts
    ]
    assert len(files) > 200
    named = {
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in files
        for line in path.read_text(encoding="utf-8").splitlines()
        if WORDS.search(line)
    }
    assert not named


def test_in_explain_only_methods_name_a_kind_as_a_word() -> None:
    """Functions may be called like their kind; a quoted name is a branch on it."""
    quoted = re.compile("|".join(f"[\"']{name}[\"']" for name in KINDS))
    files = [path for path in (ROOT / "explain").rglob("*.py") if not OWN & set(path.parts)]
    assert [path.name for path in files if quoted.search(path.read_text(encoding="utf-8"))] == []


def test_no_code_branches_on_a_metric() -> None:
    """It compares with the name, or asks whether a name is among some."""
    quoted = f"[\"'](?:{'|'.join(METRICS)})[\"']"
    branch = re.compile(rf"(?:[=!]=|\bin) *[(\[{{]?{quoted}|{quoted} *[=!]=|case {quoted}")
    files = [path for folder in ("explain", "readerstudy") for path in (ROOT / folder).rglob("*.py")]
    assert [path.name for path in files if branch.search(path.read_text(encoding="utf-8"))] == []
