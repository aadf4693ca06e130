"""Data sets with the figures of independent programs: synthetic ones kept here, published ones read from ../shared."""

import gzip
import json
from pathlib import Path

import pandas as pd

from readerstudy.statistics.mrmc import ReaderScores, scores_from_frame

DATA = Path(__file__).resolve().parent.parent / "data"
EXPECTED = json.loads((DATA / "expected.json").read_text())


def synthetic_frame(name: str) -> pd.DataFrame:
    frame = pd.read_csv(DATA / f"{name}.csv").merge(pd.read_csv(DATA / f"{name}_truth.csv"), on="case")
    return frame.rename(columns={"case": "example", "rating": "score"})


def synthetic(name: str) -> ReaderScores:
    return scores_from_frame(synthetic_frame(name))


def van_dyke(shared: Path) -> ReaderScores:
    frame = pd.read_csv(shared / "oracles" / "vandyke.csv")
    return scores_from_frame(frame.rename(columns={"treatment": "method", "case": "example", "rating": "score"}))


def published_reads(shared: Path) -> pd.DataFrame:
    """Long form of the published study: reader, example, method, truth, image, patient, confidence, feature."""
    with gzip.open(shared / "published_reads" / "trial_record.json.gz") as file:
        trials = json.load(file)
    about = pd.DataFrame(
        {
            "example": trial["trialid"],
            "truth": trial["label"],
            "half": trial["trial"],
            "image": f"{trial['dataset']} {trial['idx']}",
            "patient": f"{trial['dataset']} {trial['source'].get('patientid', trial['idx'])}",
        }
        for trial in trials
    )
    reads = []
    for read in (0, 1):
        for reader in (1, 2):
            answers = pd.read_csv(shared / "published_reads" / f"read{read}-reader{reader}.csv")
            answers.columns = ["example", "confidence", "feature"]
            answers["reader"], answers["read"] = f"R{reader}", read
            reads.append(answers.merge(about, on="example"))
    long = pd.concat(reads, ignore_index=True)
    long["method"] = (long["half"] == long["read"]).map({True: "A", False: "B"})
    return long
