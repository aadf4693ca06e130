"""Real data that may not be committed. A variable names each folder; a test without it is reported as not run."""

import os
from pathlib import Path

import pytest

BESIDE = Path(__file__).resolve().parents[2] / "shared"  # looked in where no variable is set
FOLDERS = {"PUBLISHED_READS": "published_reads", "ORACLES": "oracles", "RADIOGRAPHS": "xrays"}


def folder_of(variable: str) -> Path:
    """The folder that PUBLISHED_READS, ORACLES or RADIOGRAPHS names (CONTRIBUTING.md says what is in each)."""
    named = os.environ.get(variable)
    folder = Path(named or BESIDE / FOLDERS[variable])
    if not folder.is_dir() and named:
        pytest.fail(f"{variable} names {named}, which is no folder")
    if not folder.is_dir():
        pytest.skip(f"needs data that may not be committed: {variable} must name their folder")
    return folder
