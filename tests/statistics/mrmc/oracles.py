"""Data sets with the figures of independent programs: synthetic ones kept here, published ones that lie outside."""

import json
from pathlib import Path

import pandas as pd

from readerstudy.statistics.mrmc import ReaderScores, scores_from_frame
from tests.outside_data import folder_of
from tests.statistics.frames import published

DATA = Path(__file__).resolve().parent.parent / "data"
EXPECTED = json.loads((DATA / "expected.json").read_text())


def synthetic_frame(name: str) -> pd.DataFrame:
    frame = pd.read_csv(DATA / f"{name}.csv").merge(pd.read_csv(DATA / f"{name}_truth.csv"), on="case")
    return frame.rename(columns={"case": "example", "rating": "score"})


def synthetic(name: str) -> ReaderScores:
    return scores_from_frame(synthetic_frame(name))


def van_dyke() -> ReaderScores:
    frame = pd.read_csv(folder_of("ORACLES") / "vandyke.csv")
    return scores_from_frame(frame.rename(columns={"treatment": "method", "case": "example", "rating": "score"}))


def published_reads() -> pd.DataFrame:
    """The published study, a row per read example: reader, example, method, truth (0, 1), image, patient, scores."""
    about = ["reader", "read", "example", "method", "truth", "case", "patient_key"]
    wide = published().pivot(index=about, columns="question", values="score").reset_index()
    wide["truth"] = (wide["truth"] == "TP").astype(int)
    patient = wide.pop("patient_key")
    return wide.assign(patient=patient.where(patient != "", wide["case"])).rename(columns={"case": "image"})
