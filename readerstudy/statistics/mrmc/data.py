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

    scores:  (methods, readers, cases), NaN where a reader did not score a case with a method; a reader need not have
             used every method
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

    @property
    def used(self) -> NDArray[np.bool_]:
        """(methods, readers), True where a reader scored at least one case with a method."""
        used: NDArray[np.bool_] = np.any(~self.missing, axis=2)
        return used

    @property
    def readers_design(self) -> str:
        """How readers meet methods: "crossed" (each used all), "nested" (each used one) or "mixed"."""
        methods_of = self.used.sum(axis=0)
        if (methods_of == len(self.methods)).all():
            return "crossed"
        return "nested" if (methods_of == 1).all() else "mixed"

    @property
    def cases_design(self) -> str:
        """Which cases were read: "all" by everyone with every method, else how the reads are laid out.

        "in readers" (no two readers share a case), "in methods" (no two methods share one), "blocks" (groups of readers
        with their own cases), else "gaps" (some reads are missing).
        """
        read = ~self.missing[self.used]
        if read.all():
            return "all"
        by_reader, by_method = (~self.missing).any(axis=0), (~self.missing).any(axis=1)
        if len(self.readers) > 1 and (by_reader.sum(axis=0) <= 1).all():
            return "in readers"
        if len(self.methods) > 1 and (by_method.sum(axis=0) <= 1).all():
            return "in methods"
        patterns = np.unique(read, axis=0)
        return "blocks" if len(patterns) > 1 and (patterns.sum(axis=0) <= 1).all() else "gaps"

    def with_readers(self, keep: NDArray[np.bool_]) -> ReaderScores:
        """The same without some readers; keep is (readers,)."""
        names = tuple(name for name, kept in zip(self.readers, keep, strict=True) if kept)
        return ReaderScores(self.scores[:, keep], self.truth, self.methods, names, self.cluster)


def reader_scores(
    scores: ArrayLike,
    truth: ArrayLike,
    methods: Sequence[str] | None = None,
    readers: Sequence[str] | None = None,
    cluster: ArrayLike | None = None,
    for_auc: bool = True,
) -> ReaderScores:
    """Check shapes and values and give names to methods and readers.

    scores is (methods, readers, cases), NaN = missing; truth (cases,) of 0 and 1; cluster (cases,) of any hashable ids.
    Unnamed methods become A, B, ...; unnamed readers R1, R2, .... for_auc: also ask that every reader has, with every
    method used, both classes and scores that differ. Raises MRMCError.
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
    _check_use(data)
    if for_auc:
        _check_auc(data)
    return data


def _check_use(data: ReaderScores) -> None:
    """Every method was used, and every reader scored something."""
    for names, used, what in (
        (data.methods, np.any(data.used, axis=1), "No reader has scores with method {}."),
        (data.readers, np.any(data.used, axis=0), "Reader {} has no scores: wait for them or exclude the reader."),
    ):
        for name, found in zip(names, used, strict=True):
            if not found:
                raise MRMCError(what.format(name))


def _check_auc(data: ReaderScores) -> None:
    """Every reader has, with every method used, both classes and more than one distinct score."""
    classes = (("positive (truth 1)", 1), ("negative (truth 0)", 0))
    for name, value in classes:
        if not (data.truth == value).any():
            raise MRMCError(f"There is no {name} case, so no AUC can be computed for any reader or method.")
    for m, r in np.argwhere(data.used):
        given = ~np.isnan(data.scores[m, r])
        who = f"Reader {data.readers[r]}"
        for name, value in classes:
            if not (given & (data.truth == value)).any():
                raise MRMCError(f"{who} has no scores of {name} cases with method {data.methods[m]}.")
        if np.ptp(data.scores[m, r][given]) == 0:
            raise MRMCError(
                f"{who} gave all {given.sum()} cases the same score with method {data.methods[m]}: "
                "constant scores cannot separate positive from negative cases."
            )


def scores_from_frame(
    frame: pd.DataFrame,
    methods: Sequence[str] | None = None,
    readers: Sequence[str] | None = None,
    for_auc: bool = True,
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
    names = [str(m) for m in method_names], [str(r) for r in reader_names]
    return reader_scores(scores, truth, *names, cluster, for_auc)
