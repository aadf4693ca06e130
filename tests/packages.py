"""Installed packages that offer models, as far as the registry sees them: their entry points. No torch."""

from pathlib import Path

import pytest

from explain.models.known import MODELS


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, entry_points: str, name: str = "ward-models") -> None:
    """For the rest of the test. entry_points: the text of its entry_points.txt."""
    package = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text(entry_points)
    monkeypatch.syspath_prepend(folder)
    for registry in MODELS.values():
        monkeypatch.setitem(vars(registry), "_found", type(registry)._found.func(registry))


def broken() -> list[str]:
    """What the registry says of packages that cannot be used."""
    return list(dict.fromkeys(sentence for registry in MODELS.values() for sentence in registry.broken))
