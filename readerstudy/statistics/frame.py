"""The response frame: one row per response, as in the long export. Checking, filtering and pairing it; no database."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from readerstudy.statistics.plan import AnalysisError

COLUMNS = (
    "study",
    "protocol_version",
    "simulated",
    "reader",
    "read",
    "sequence",
    "position",
    "example",
    "case",
    "patient_key",
    "pathology",
    "truth",
    "practice",
    "excluded",
    "dataset",
    "model",
    "prediction",
    "prediction_reconstruction",
    "method",
    "question",
    "score",
    "revision",
    "is_current",
    "opened_at",
    "answered_at",
    "received_at",
    "visible_ms",
    "looking_ms",
    "answered_ms",
    "images_ready_ms",
)
REQUIRED = ("reader", "read", "example", "pathology", "truth", "method", "question", "score")
FLAGS = {"simulated": False, "practice": False, "excluded": False, "is_current": True}
NUMBERS = (
    "score",
    "read",
    "position",
    "revision",
    "visible_ms",
    "looking_ms",
    "answered_ms",
    "images_ready_ms",
    "prediction",
    "prediction_reconstruction",
)
TIMES = ("opened_at", "answered_at", "received_at")
TEXTS = ("reader", "pathology", "truth", "method", "question", "case", "patient_key")
SAME = ["reader", "example", "method", "question"]  # what one answer is to
TRUE_WORDS, FALSE_WORDS = {"true", "1", "yes", "1.0"}, {"false", "0", "no", "", "0.0", "nan", "none"}


def natural_key(name: object) -> list[tuple[int, int, str]]:
    """Sort key under which R2 comes before R10."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", str(name)) if part]


def natural_sort(names: Iterable[object]) -> list[str]:
    return sorted({str(name) for name in names}, key=natural_key)


def normalise(frame: pd.DataFrame) -> pd.DataFrame:
    """A copy of the long export with every column of COLUMNS, in its type, plus `period`, `patient` and `case`.

    period   1 for the lowest `read` of the study, 2 for the next, ...; 0 for practice
    patient  the cluster of a patient: `patient_key`, or the case where no patient is known (each image counts as one).
    Raises AnalysisError when a column is missing, a flag cannot be read, or one answer stands there twice.
    """
    missing = [name for name in REQUIRED if name not in frame.columns]
    if missing:
        raise AnalysisError(f"The responses lack the column(s) {', '.join(missing)}; a long export has them.")
    data = frame.reset_index(drop=True).copy()
    for name in COLUMNS:
        if name not in data.columns:
            data[name] = FLAGS.get(name)
    for name, default in FLAGS.items():
        data[name] = _flag(data[name], name, default)
    for name in NUMBERS:
        data[name] = pd.to_numeric(data[name], errors="coerce").astype(float)
    for name in TIMES:
        data[name] = pd.to_datetime(data[name], utc=True, errors="coerce", format="ISO8601")
    for name in TEXTS:
        text = data[name].astype(object)
        data[name] = text.where(text.notna(), "").astype(str).str.strip()
    data["example"] = _as_text(data["example"])
    if data["read"].isna().any():
        raise AnalysisError("Some responses have no read number.")
    data["period"] = data["read"].where(~data["practice"]).rank(method="dense").fillna(0).astype(int)
    data["case"] = data["case"].where(data["case"] != "", "example " + data["example"])
    data["patient"] = data["patient_key"].where(data["patient_key"] != "", "case " + data["case"])
    return data


def analysed(data: pd.DataFrame) -> pd.DataFrame:
    """The current, scored, not excluded answers to study examples of known truth (normalised frame in), sorted.

    Where a reader answered the same again in a later read, the first answer counts (`repeated` has both). Raises
    AnalysisError where one reader has two current scores of one example, method and question in one read.
    """
    every = _current(data)
    first = every.sort_values("read", kind="stable").drop_duplicates(SAME)
    return first.sort_values(["example", "reader", "method", "question"], kind="stable").reset_index(drop=True)


def repeated(data: pd.DataFrame) -> pd.DataFrame:
    """Answers to what a reader was asked in more than one read, as `analysed` has them, all of them."""
    every = _current(data)
    return every[every.duplicated(SAME, keep=False)].reset_index(drop=True)


def _current(data: pd.DataFrame) -> pd.DataFrame:
    kept = ~data["practice"] & ~data["excluded"] & data["is_current"] & np.isfinite(data["score"])
    chosen = data[kept & data["truth"].isin(["TP", "FP"])]
    chosen = chosen.assign(example=_identifiers(chosen["example"]))
    twice = chosen[chosen.duplicated([*SAME, "read"], keep=False)]
    if len(twice):
        first = twice.iloc[0]
        raise AnalysisError(
            f"{first['reader']} has more than one current answer to {first['question']!r} for example "
            f"{first['example']} "
            f"with method {first['method']} ({len(twice)} such rows in all). Mark all but the last revision as "
            "not current."
        )
    return chosen


def method_pairs(methods: Sequence[str]) -> list[tuple[str, str]]:
    """All pairs (A, B) in the order given; a difference is always B - A."""
    return list(combinations(methods, 2))


def pair(responses: pd.DataFrame, method_a: str, method_b: str) -> pd.DataFrame:
    """Two methods side by side: one row per question x reader x example, complete or not (never imputed).

    Columns: question, reader, example, case, patient, pathology, truth, score_a, score_b, period_a, period_b,
    difference (B - A, NaN where a side is missing) and order ("A first", "B first", or "" when unknown).
    """
    key = ["question", "reader", "example"]
    about = ["case", "patient", "pathology", "truth"]
    sides = responses[responses["method"].isin([method_a, method_b])]
    values = {}
    for side, method in (("a", method_a), ("b", method_b)):
        part = sides[sides["method"] == method].set_index(key)
        values[f"score_{side}"], values[f"period_{side}"] = part["score"], part["period"].astype(float)
    described = sides.groupby(key, sort=True)[about].first()
    pairs = described.join(pd.DataFrame(values)).reset_index()
    pairs["difference"] = pairs["score_b"] - pairs["score_a"]
    pairs["order"] = np.select(
        [pairs["period_a"] < pairs["period_b"], pairs["period_b"] < pairs["period_a"]],
        [f"{method_a} first", f"{method_b} first"],
        default="",
    )
    return pairs


def complete(pairs: pd.DataFrame) -> pd.DataFrame:
    """The pairs with both sides."""
    return pairs[pairs["difference"].notna()]


def of_truth(rows: pd.DataFrame, truth: str) -> pd.DataFrame:
    """Rows of "TP" or "FP"; everything for "all"."""
    return rows if truth == "all" else rows[rows["truth"] == truth]


def cluster_codes(labels: pd.Series) -> NDArray[np.intp]:
    """Clusters as 0..K-1 in order of appearance, so that renaming patients changes no seeded result."""
    return np.asarray(pd.factorize(labels)[0])


def _flag(column: pd.Series, name: str, default: bool) -> pd.Series:
    if column.dtype == bool:
        return column
    words = column.astype(object).where(column.notna(), default).astype(str).str.strip().str.lower()
    unknown = set(words) - TRUE_WORDS - FALSE_WORDS
    if unknown:
        raise AnalysisError(f"The column {name} must hold true or false, not {sorted(unknown)[0]!r}.")
    return words.isin(TRUE_WORDS)


def _as_text(column: pd.Series) -> pd.Series:
    """Example numbers as text: 7, 7.0 and "7" are one example, "P1" is another."""
    numbers = pd.to_numeric(column, errors="coerce")
    whole = numbers.notna() & (numbers == numbers.round())
    text = column.astype(object).astype(str).str.strip()
    return text.where(~whole, numbers.where(whole, 0).astype("int64").astype(str))


def _identifiers(column: pd.Series) -> pd.Series:
    numbers = pd.to_numeric(column, errors="coerce")
    if numbers.notna().all() and (numbers == numbers.round()).all():
        return numbers.astype(int)
    return column.astype(str)
