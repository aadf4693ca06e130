"""The package as users install it: built from this checkout, put in an environment of its own."""

import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def build_wheel(folder: Path) -> Path:
    """As for publishing: the source archive, and the wheel out of that."""
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout[-2000:] + built.stderr[-2000:]
    (file,) = folder.glob("*.whl")
    return file


class Environment:
    """A new virtual environment with an empty folder to work in; nothing of the checkout is in reach."""

    def __init__(self, folder: Path) -> None:
        self.bin, self.folder = folder / "venv" / "bin", folder / "empty"
        self.folder.mkdir()
        venv.create(folder / "venv", with_pip=False)
        self.variables = {
            name: value for name, value in os.environ.items()
            if not name.startswith(("PYTHON", "DJANGO", "DATABASE", "MEDIA", "PYTEST"))
        } | {"DEBUG": "true", "DEMO": "true"}  # fmt: skip

    def pip_install(self, *requirements: str) -> None:
        """By the pip that runs these tests: to give the environment its own takes longer than the installation."""
        pip = [sys.executable, "-m", "pip", "--python", str(self.bin / "python"), "install", "--quiet", "--no-input"]
        self._run([*pip, "--no-compile", *requirements])

    def run(self, program: str, *words: str, status: int = 0) -> str:
        return self._run([str(self.bin / program), *words], status)

    def _run(self, command: list[str], status: int = 0) -> str:
        done = subprocess.run(command, cwd=self.folder, env=self.variables, capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stdout[-2000:] + done.stderr[-2000:]
        return done.stdout + done.stderr
