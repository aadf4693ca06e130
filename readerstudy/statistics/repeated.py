"""Agreement of readers with themselves, where some examples were read twice with the same method.

Each statistic is of pairs (first answer, second answer); intervals resample whole patients. Sources: see agreement.py.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from readerstudy.statistics.agreement import kappa_columns, kappa_of_sums
from readerstudy.statistics.bootstrap import FEWEST_CLUSTERS, bootstrap, interval
from readerstudy.statistics.frame import cluster_codes, natural_sort
from readerstudy.statistics.plan import AnalysisError
from readerstudy.statistics.rows import RepeatedAgreement
from readerstudy.statistics.undefined import undefined_is_nan


def repeated_agreement(
    answers: pd.DataFrame, *, alpha: float = 0.05, replicates: int = 20_000, seed: int = 0
) -> tuple[RepeatedAgreement, ...]:
    """Agreement within each reader and over all; () where nothing was read twice.

    answers: one question's, with reader, example, method, patient, occasion (any order: 1st, 2nd, ...; the two lowest
    count) and score; rows without a score are left out. Raises AnalysisError for missing columns or an occasion that
    stands there twice.
    """
    absent = [
        name for name in ("reader", "example", "method", "patient", "occasion", "score") if name not in answers.columns
    ]
    if absent:
        raise AnalysisError(f"The answers lack the column(s) {', '.join(absent)}.")
    key = ["reader", "method", "example"]
    data = answers[answers["score"].notna()].sort_values([*key, "occasion"])
    if data.duplicated([*key, "occasion"]).any():
        row = data[data.duplicated([*key, "occasion"])].iloc[0]
        raise AnalysisError(
            f"Reader {row.reader} has two answers to example {row.example} with method {row.method} on occasion "
            f"{row.occasion}."
        )
    data = data.assign(turn=data.groupby(key).cumcount())
    pairs = data.pivot(index=[*key, "patient"], columns="turn", values="score")
    if 1 not in pairs.columns:
        return ()
    pairs = pairs[[0, 1]].dropna().reset_index()
    chosen = [("all", pairs)] + [(name, pairs[pairs["reader"] == name]) for name in natural_sort(pairs["reader"])]
    return tuple(_agreement(name, own, alpha, replicates, seed) for name, own in chosen)


def _agreement(reader: str, pairs: pd.DataFrame, alpha: float, replicates: int, seed: int) -> RepeatedAgreement:
    ratings = pairs[[0, 1]].to_numpy(dtype=float)
    columns = kappa_columns(ratings)
    with undefined_is_nan():
        kappa = float(kappa_of_sums(columns.sum(axis=0, keepdims=True))[0])
    clusters = cluster_codes(pairs["patient"])
    ci = None
    if np.isfinite(kappa) and len(np.unique(clusters)) >= FEWEST_CLUSTERS:
        found = interval(bootstrap(columns, clusters, kappa_of_sums, replicates, seed), alpha)
        ci = None if found is None else (found[0], found[1])
    gaps = ratings[:, 1] - ratings[:, 0]
    return RepeatedAgreement(
        reader,
        len(pairs),
        kappa if np.isfinite(kappa) else None,
        ci,
        float((gaps == 0).mean()),
        float((np.abs(gaps) <= 1).mean()),
        float(gaps.mean()),
    )
