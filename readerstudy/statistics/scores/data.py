"""Scores of one question as methods x readers x cases, and the differences between two methods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from readerstudy.statistics.plan import AnalysisError

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Scores:
    """Scores of one question (and mostly of one truth), NaN where a reader did not score a case with a method.

    scores:   (methods, readers, cases)
    patients: (cases,) integer codes, equal for cases of one patient
    """

    scores: Floats
    patients: Codes
    methods: tuple[str, ...]
    readers: tuple[str, ...]


@dataclass(frozen=True)
class Differences:
    """Score with B minus score with A, of readers and cases that have at least one pair.

    values:   (readers, cases), NaN where a reader did not score a case with both methods
    patients: (cases,) codes 0..n_patients-1
    """

    values: Floats
    patients: Codes
    readers: tuple[str, ...]
    method_a: str
    method_b: str
    n_unpaired: int  # reader x case combinations scored with one of the two methods only

    @property
    def n_readers(self) -> int:
        return len(self.values)

    @property
    def n_cases(self) -> int:
        return int(self.values.shape[1])

    @property
    def n_patients(self) -> int:
        return int(self.patients.max()) + 1

    @property
    def n_pairs(self) -> int:
        return int(np.isfinite(self.values).sum())

    @property
    def complete(self) -> bool:
        """Every reader scored every case with both methods."""
        return self.n_pairs == self.values.size


def scores_of(
    values: ArrayLike,
    patients: Sequence[object] | NDArray[np.generic] | None = None,
    methods: Sequence[str] | None = None,
    readers: Sequence[str] | None = None,
) -> Scores:
    """Check (methods, readers, cases) of scores, NaN = missing. Without patients each case is one of its own.

    Unnamed methods become A, B, ...; unnamed readers R1, R2, .... Raises AnalysisError.
    """
    array = np.asarray(values, dtype=float)
    if array.ndim != 3:
        raise AnalysisError(f"Scores must be methods x readers x cases; these have {array.ndim} dimensions.")
    n_methods, n_readers, n_cases = array.shape
    if np.isinf(array).any():
        raise AnalysisError("Scores must be finite numbers; at least one is infinite.")
    ids = np.arange(n_cases) if patients is None else np.asarray(patients)
    if ids.shape != (n_cases,):
        raise AnalysisError(f"Patients must be given for each of the {n_cases} cases; they have shape {ids.shape}.")
    method_names = tuple(methods) if methods is not None else tuple(chr(ord("A") + i) for i in range(n_methods))
    reader_names = tuple(readers) if readers is not None else tuple(f"R{i + 1}" for i in range(n_readers))
    if (len(method_names), len(reader_names)) != (n_methods, n_readers):
        raise AnalysisError(
            f"{len(method_names)} method names and {len(reader_names)} reader names do not fit scores of "
            f"{n_methods} methods and {n_readers} readers."
        )
    return Scores(array, _codes(ids), method_names, reader_names)


def scores_from_rows(rows: pd.DataFrame, methods: Sequence[str]) -> Scores:
    """Answers to one question in long form (columns reader, example, patient, method, score) -> Scores.

    One row per reader x example x method, as from `frame.analysed`; rows of other methods are left out. Raises
    AnalysisError where an answer stands twice, or an example has two patients.
    """
    chosen = rows[rows["method"].isin(list(methods)) & rows["score"].notna()]
    if chosen.empty:
        raise AnalysisError(f"There are no answers with {' or '.join(methods)} to compare.")
    twice = chosen[chosen.duplicated(["reader", "method", "example"])]
    if len(twice):
        row = twice.iloc[0]
        raise AnalysisError(f"{row['reader']} has two scores for example {row['example']} with {row['method']}.")
    several = chosen.groupby("example")["patient"].nunique()
    if (several > 1).any():
        raise AnalysisError(f"Example {several.idxmax()} has more than one patient.")
    readers, examples = sorted(chosen["reader"].unique()), sorted(chosen["example"].unique())
    array = np.full((len(methods), len(readers), len(examples)), np.nan)
    place = {name: i for i, name in enumerate(methods)}
    array[
        chosen["method"].map(place).to_numpy(),
        pd.Categorical(chosen["reader"], readers).codes,
        pd.Categorical(chosen["example"], examples).codes,
    ] = chosen["score"].to_numpy(dtype=float)
    patients = chosen.drop_duplicates("example").set_index("example").loc[examples, "patient"]
    return scores_of(array, patients.to_numpy(), list(methods), [str(reader) for reader in readers])


def differences(data: Scores, method_a: str, method_b: str) -> Differences:
    """B - A. Readers and cases without a pair are left out. Raises AnalysisError where no pair is left."""
    for name in (method_a, method_b):
        if name not in data.methods:
            raise AnalysisError(f"There are no scores with {name!r}; the methods are {', '.join(data.methods)}.")
    a, b = (data.scores[data.methods.index(name)] for name in (method_a, method_b))
    d = b - a
    paired = np.isfinite(d)
    if not paired.any():
        raise AnalysisError(f"No reader scored a case with both {method_a} and {method_b}.")
    unpaired = int((np.isfinite(a) ^ np.isfinite(b)).sum())
    if paired.all():
        return Differences(d, data.patients, data.readers, method_a, method_b, unpaired)
    rows, columns = paired.any(axis=1), paired.any(axis=0)
    readers = tuple(name for name, kept in zip(data.readers, rows, strict=True) if kept)
    return Differences(d[rows][:, columns], _codes(data.patients[columns]), readers, method_a, method_b, unpaired)


def of_differences(values: ArrayLike, patients: Sequence[object] | NDArray[np.generic] | None = None) -> Differences:
    """Differences B - A given as they are, (readers, cases), NaN = missing."""
    d = np.asarray(values, dtype=float)
    return differences(scores_of(np.stack([np.zeros_like(d), d]), patients), "A", "B")


def _codes(ids: NDArray[np.generic]) -> Codes:
    """0..K-1 in order of appearance, so that other names for the same patients change nothing."""
    return np.asarray(pd.factorize(ids)[0], dtype=np.int64)
