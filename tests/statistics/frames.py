"""Response frames for tests: a seeded crossover of our own, and the published reads where they are there."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tests.outside_data import folder_of

DATA = Path(__file__).parent / "data"
QUESTIONS = ("confidence", "feature")
PATHOLOGIES = ("Effusion", "Mass")


def crossover(
    *,
    readers: int = 2,
    examples: int = 24,
    methods: str = "AB",
    effect: float = 0.6,
    period: float = 0.0,
    seed: int = 3,
) -> pd.DataFrame:
    """A made crossover: even examples are true positives; the order of methods is balanced over both."""
    rng = np.random.default_rng(seed)
    rows = []
    for reader in range(readers):
        for example in range(1, examples + 1):
            liking = rng.normal(0, 0.8)
            for index, method in enumerate(methods):
                read = (index + (example // 2) + reader) % len(methods)
                seconds = int(rng.integers(5, 60))
                opened = pd.Timestamp("2026-01-05T09:00:00Z") + pd.Timedelta(days=30 * read, minutes=2 * example)
                for question in QUESTIONS:
                    level = (
                        3
                        + liking
                        + effect * index
                        + period * read
                        + (0.7 if example % 2 == 0 else 0)
                        + rng.normal(0, 0.6)
                    )
                    rows.append(
                        {
                            "study": "made", "protocol_version": "1", "simulated": False,
                            "reader": f"R{reader + 1}", "read": read,
                            "sequence": "", "position": example, "example": example, "case": f"c{example}",
                            "patient_key": f"p{(example + 1) // 2}", "pathology": PATHOLOGIES[(example // 2) % 2],
                            "truth": "TP" if example % 2 == 0 else "FP", "practice": False, "excluded": False,
                            "dataset": "phantoms",
                            "model": "demo", "prediction": 0.7, "prediction_reconstruction": 0.65, "method": method,
                            "question": question, "score": int(np.clip(round(level), 1, 5)), "revision": 1,
                            "is_current": True,
                            "opened_at": opened.isoformat(),
                            "answered_at": (opened + pd.Timedelta(seconds=seconds)).isoformat(),
                            "visible_ms": 1000 * seconds,
                        }
                    )  # fmt: skip
    return pd.DataFrame(rows)


def published() -> pd.DataFrame:
    """The published reads as a response frame; skips the test where their folder is not there."""
    folder = folder_of("PUBLISHED_READS")
    with gzip.open(folder / "trial_record.json.gz") as file:
        record = sorted(json.load(file), key=lambda trial: trial["trialid"])
    rows: list[dict[str, Any]] = []
    for read in (0, 1):
        for reader in (1, 2):
            answers = pd.read_csv(folder / f"read{read}-reader{reader}.csv").to_numpy()
            for trial, (_, *scores) in zip(record, answers, strict=True):
                patient = trial["source"].get("patientid")
                common = {
                    "study": "published", "simulated": False, "reader": f"R{reader}", "read": read,
                    "position": trial["trialid"],
                    "example": trial["trialid"], "case": f"{trial['dataset']} {trial['idx']}",
                    "patient_key": f"{trial['dataset']} {patient}" if patient else "", "pathology": trial["target"],
                    "truth": "TP" if trial["label"] else "FP", "practice": False, "excluded": False,
                    "dataset": trial["dataset"],
                    "method": "A" if trial["trial"] == read else "B", "revision": 1, "is_current": True,
                }  # fmt: skip
                rows += [common | {"question": q, "score": int(s)} for q, s in zip(QUESTIONS, scores, strict=True)]
    return pd.DataFrame(rows)


def published_figures(name: str) -> list[dict[str, Any]]:
    """Reference figures of the published study: "paired" or "agreement"."""
    return pd.read_csv(DATA / "published" / f"{name}.csv").to_dict("records")
