"""Small spreadsheets of our own in the published study's layout: 8 trials, 2 readers, 2 reads."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

HEADER = "Example,How sure are you? (1-5),Is it the right place? (1-5)"


def trials(count: int = 8) -> list[dict[str, Any]]:
    """Two pathologies, half true; trials 3 and 4 are one patient; trials 7 and 8 have no patient id."""
    return [
        {
            "trialid": number,
            "target": "Effusion" if number <= count // 2 else "Mass",
            "label": number % 2,
            "trial": (number // 2) % 2,
            "pred": 0.5 + number / 100,
            "dataset": "ours",
            "idx": str(number),
            "model_used": "demo",
            "source": {"Patient ID": 3 if number == 4 else number, "Patient Gender": "F", "Patient Age": 94}
            if number < count - 1
            else {},
        }
        for number in range(1, count + 1)
    ]


def score(reader: int, read: int, number: int, question: int) -> int:
    return 1 + (3 * reader + 2 * read + number * (1 + question)) % 5


def write(folder: Path, count: int = 8) -> tuple[Path, list[Path]]:
    """The record, and the four files."""
    record = folder / "trial_record.json.gz"
    record.write_bytes(gzip.compress(json.dumps(trials(count)).encode()))
    files = []
    for read in (0, 1):
        for reader in (1, 2):
            lines = [f"{n},{score(reader, read, n, 0)},{score(reader, read, n, 1)}" for n in range(1, count + 1)]
            path = folder / f"read{read}-reader{reader}.csv"
            path.write_text("\n".join([HEADER, *lines]) + "\n")
            files.append(path)
    return record, files
