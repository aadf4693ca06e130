import subprocess
import sys

from explain.models.allocator import environment

SCRIPT = """
import os, sys
print("start", flush=True)
from explain.models.allocator import restart_keeping_memory
restart_keeping_memory()
print(sys.argv[1:], os.environ.get("MALLOC_MMAP_THRESHOLD_"), os.environ.get("MALLOC_TRIM_THRESHOLD_"))
"""


def test_a_command_restarts_once_with_its_arguments() -> None:
    bare = {key: value for key, value in environment().items() if not key.startswith("MALLOC_")}
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, "--kinds", "a b"], env=bare, capture_output=True, text=True, check=True
    )
    assert run.stdout.splitlines() == ["start", "start", "['--kinds', 'a b'] 1073741824 1073741824"]


def test_settings_of_the_administrator_are_kept() -> None:
    assert environment({"MALLOC_TRIM_THRESHOLD_": "5", "HOME": "x"})["MALLOC_TRIM_THRESHOLD_"] == "5"
