"""Libraries log what they read only while nothing of ours reads, and an import changes no one's logging."""

import ast
import logging
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from explain.images.quotes import LEVELS, no_quotes

ROOT = Path(__file__).resolve().parents[3]
LEVEL_SETTERS = {"setLevel", "disable", "basicConfig", "captureWarnings", "dictConfig", "fileConfig"}


def levels() -> list[int]:
    return [logging.getLogger(name).level for name in LEVELS]


def test_levels_are_raised_while_a_file_is_read_and_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    own = [logging.DEBUG, logging.ERROR]
    for name, level in zip(LEVELS, own, strict=True):
        monkeypatch.setattr(logging.getLogger(name), "level", level)
    with no_quotes():
        assert levels() == [logging.CRITICAL + 1, logging.ERROR], "never lower than its owner has it"
        with pytest.raises(ValueError), no_quotes():
            raise ValueError
        assert levels() == [logging.CRITICAL + 1, logging.ERROR]
    assert levels() == own


def test_the_first_of_two_threads_to_end_leaves_the_other_quiet() -> None:
    before, both_read, first_ended = levels(), Barrier(2, timeout=10), Barrier(2, timeout=10)

    def read(first: bool) -> list[int]:
        with no_quotes():
            both_read.wait()
            if not first:
                first_ended.wait()
            warnings.warn("ROENTGEN^ANNA", stacklevel=1)
            found = levels()
        if first:
            first_ended.wait()
        return found

    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        with ThreadPoolExecutor(2) as pool:
            assert all(min(found) > logging.INFO for found in pool.map(read, (True, False)))
        assert levels() == before and shown == []
        warnings.warn("afterwards", stacklevel=1)
        assert [str(warning.message) for warning in shown] == ["afterwards"], "and the last gives them back"


@pytest.mark.parametrize("package", ["explain", "readerstudy"])
def test_no_import_sets_a_log_level(package: str) -> None:
    """Settings of the site and commands may; what others import may not."""
    found = []
    for path in (ROOT / package).rglob("*.py"):
        statements = list(ast.parse(path.read_text()).body)
        while statements:
            node = statements.pop()
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue  # runs when it is called
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LEVEL_SETTERS:
                found.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.func.attr}")
            statements += ast.iter_child_nodes(node)
    assert not found
