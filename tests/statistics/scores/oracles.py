"""Seeded crossover studies and what R's packages say of them (tests/statistics/data/README.md)."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

DATA = Path(__file__).resolve().parent.parent / "data"
EXPECTED: dict[str, Any] = json.loads((DATA / "g_crossover_expected.json").read_text())
NAMES = ("g_crossover_1", "g_crossover_2")


def crossover(name: str) -> pd.DataFrame:
    return pd.read_csv(DATA / f"{name}.csv").rename(columns={"case": "example"})


def design(rows: pd.DataFrame) -> np.ndarray:
    """Columns of method B and period 2."""
    return np.column_stack([rows["method"] == "B", rows["period"] == 2]).astype(float)
