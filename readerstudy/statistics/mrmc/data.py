"""Scores of readers as one array, and the checks every MRMC function relies on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
TRUTHS = {"TP": 1, "FP": 0, "1": 1, "0": 0, "True": 1, "False": 0}


class MRMCError(ValueError):
    """Data that cannot be analysed; the message names the reader, the method and what is missing."""


@dataclass(frozen=True)
class ReaderScores:
    """Scores of all readers with all methods on the same cases.

    scores:  (methods, readers, cases), NaN where a reader did not score a case with a method
    truth:   (cases,), 1 = positive (true positive of the model), 0 = negative (false positive)
    cluster: (cases,) integer codes, equal for cases of one patient; None when cases are independent
    """

    scores: FloatArray
    truth: NDArray[np.int64]
    methods: tuple[str, ...]
    readers: tuple[str, ...]
    cluster: NDArray[np.int64] | None = None

    @property
    def missing(self) -> NDArray[np.bool_]:
        """(methods, readers, cases), True where a score is missing."""
        return np.isnan(self.scores)

    def complete_cases(self) -> ReaderScores:
        """Only the cases that every reader scored with every method."""
        keep = ~self.missing.any(axis=(0, 1))
        cluster = None if self.cluster is None else self.cluster[keep]
        return ReaderScores(self.scores[:, :, keep], self.truth[keep], self.methods, self.readers, cluster)


def reader_scores(
    scores: ArrayLike,
    truth: ArrayLike,
    methods: Sequence[str] | None = None,
    readers: Sequence[str] | None = None,
    cluster: ArrayLike | None = None,
) -> ReaderScores:
    """Check shapes and values and give names to methods and readers.

    scores is (methods, readers, cases), NaN = missing; truth (cases,) of 0 and 1; cluster (cases,) of any hashable ids.
    Unnamed methods become A, B, ...; unnamed readers R1, R2, .... Raises MRMCError.
    """
    values = np.asarray(scores, dtype=float)
    if values.ndim != 3:
        raise MRMCError(f"Scores must have the shape methods x readers x cases; these have {values.ndim} dimensions.")
    n_methods, n_readers, n_cases = values.shape
    method_names = tuple(methods) if methods is not None else tuple(chr(ord("A") + i) for i in range(n_methods))
    reader_names = tuple(readers) if readers is not None else tuple(f"R{i + 1}" for i in range(n_readers))
    if (len(method_names), len(reader_names)) != (n_methods, n_readers):
        raise MRMCError(
            f"{len(method_names)} method names and {len(reader_names)} reader names do not fit scores of "
            f"{n_methods} methods and {n_readers} readers."
        )
    if n_readers == 0 or n_methods == 0:
        raise MRMCError("There are no scores: name at least one reader and one method.")
    if np.isinf(values).any():
        raise MRMCError("Scores must be finite numbers; at least one is infinite.")
    truth_values = np.asarray(truth)
    if truth_values.shape != (n_cases,):
        raise MRMCError(
            f"Truth must give one value for each of the {n_cases} cases; its shape is {truth_values.shape}."
        )
    if not np.isin(truth_values, (0, 1)).all():
        raise MRMCError("Truth must be 1 (positive) or 0 (negative) for every case.")
    codes = None
    if cluster is not None:
        ids = np.asarray(cluster)
        if ids.shape != (n_cases,):
            raise MRMCError(f"Clusters must give one id for each of the {n_cases} cases; they have shape {ids.shape}.")
        # In order of appearance, so that other names for the same patients give the same result to the last digit.
        codes = np.asarray(pd.factorize(ids)[0], dtype=np.int64)
    data = ReaderScores(values, truth_values.astype(np.int64), method_names, reader_names, codes)
    _check_each_reader(data)
    return data


def _check_each_reader(data: ReaderScores) -> None:
    """Every reader has, with every method, both classes and more than one distinct score."""
    for name, value in (("positive (truth 1)", 1), ("negative (truth 0)", 0)):
        if not (data.truth == value).any():
            raise MRMCError(f"There is no {name} case, so no AUC can be computed for any reader or method.")
    for m, method in enumerate(data.methods):
        for r, reader in enumerate(data.readers):
            given = ~np.isnan(data.scores[m, r])
            if not given.any():
                raise MRMCError(
                    f"Reader {reader} has no scores with method {method}: wait for them or exclude the reader."
                )
            for name, value in (("positive (truth 1)", 1), ("negative (truth 0)", 0)):
                if not (given & (data.truth == value)).any():
                    raise MRMCError(f"Reader {reader} has no scores of {name} cases with method {method}.")
            if np.ptp(data.scores[m, r][given]) == 0:
                raise MRMCError(
                    f"Reader {reader} gave all {given.sum()} cases the same score with method {method}: "
                    "constant scores cannot separate positive from negative cases."
                )


def require_complete(data: ReaderScores) -> None:
    """Raise MRMCError naming the first reader and method with missing (NaN) scores."""
    counts = data.missing.sum(axis=2)
    if counts.any():
        m, r = np.argwhere(counts)[0]
        raise MRMCError(
            f"Reader {data.readers[r]} has no score (NaN) for {counts[m, r]} of {data.truth.size} cases with method "
            f"{data.methods[m]}. Obuchowski-Rockette needs every reader to score every case with every method: "
            "use the cases all have scored (complete_cases), or the U-statistic (ustat), which allows gaps."
        )


def scores_from_frame(
    frame: pd.DataFrame, methods: Sequence[str] | None = None, readers: Sequence[str] | None = None
) -> ReaderScores:
    """One question's answers in long form -> ReaderScores.

    Columns: reader, example, method, truth (1 or "TP", 0 or "FP"), score (NaN = missing), and optionally patient_key,
    whose equal values make a cluster (an example without one is its own). One row per reader x example x method; the
    order of methods and readers is that given, else sorted. Raises MRMCError for missing columns, doubled rows,
    contradictory truth or patients.
    """
    absent = [name for name in ("reader", "example", "method", "truth", "score") if name not in frame.columns]
    if absent:
        raise MRMCError(f"The table of answers lacks the column(s) {', '.join(absent)}.")
    if frame.empty:
        raise MRMCError("There are no answers to analyse.")
    doubled = frame.duplicated(["reader", "method", "example"])
    if doubled.any():
        row = frame[doubled].iloc[0]
        raise MRMCError(f"Reader {row.reader} has two scores for example {row.example} with method {row.method}.")
    for column in [name for name in ("truth", "patient_key") if name in frame.columns]:
        several = frame.groupby("example")[column].nunique(dropna=False)
        if (several > 1).any():
            raise MRMCError(f"Example {several.idxmax()} has more than one {column}.")
    method_names = list(methods) if methods is not None else sorted(frame["method"].unique())
    reader_names = list(readers) if readers is not None else sorted(frame["reader"].unique())
    examples = pd.Index(sorted(frame["example"].unique()), name="example")
    wide = frame.pivot(index="example", columns=["method", "reader"], values="score")
    wide = wide.reindex(index=examples, columns=pd.MultiIndex.from_product([method_names, reader_names]))
    scores = wide.to_numpy(dtype=float).T.reshape(len(method_names), len(reader_names), len(examples))
    first = frame.drop_duplicates("example").set_index("example").loc[examples]
    truth = first["truth"].map(lambda value: TRUTHS.get(str(value), value)).to_numpy()
    cluster = None
    if "patient_key" in frame.columns:
        keys = first["patient_key"].fillna("").astype(str)
        cluster = keys.where(keys != "", [f"example {example}" for example in examples]).to_numpy()
    return reader_scores(scores, truth, [str(m) for m in method_names], [str(r) for r in reader_names], cluster)
