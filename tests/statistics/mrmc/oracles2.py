"""The data sets of tests/statistics/data/mrmc2 (its README says what they are) and their figures."""

import json
from functools import cache
from typing import Any

import pandas as pd

from readerstudy.statistics.mrmc import ReaderScores, scores_from_frame
from tests.statistics.mrmc.oracles import DATA

FOLDER = DATA / "mrmc2"


@cache
def figures(name: str) -> dict[str, Any]:
    return json.loads((FOLDER / f"{name}.json").read_text())


@cache
def reads(name: str) -> pd.DataFrame:
    folder = DATA if name.startswith("g_") else FOLDER
    return pd.read_csv(folder / f"{name}.csv").rename(columns={"case": "example", "patient": "patient_key"})


@cache
def scores(name: str) -> ReaderScores:
    return scores_from_frame(reads(name))


def names(*starts: str) -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.csv") if path.stem.startswith(starts))
