"""Counterfactual alignment over examples: which other outputs of the classifier move with the explained one.

It describes the classifier and the explanations and uses no answers and no truth.
Reference: Cohen et al., "Identifying Spurious Correlations using Counterfactual Alignment", 2023 (arXiv 2312.02186).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from readerstudy.common.counting import counted
from readerstudy.statistics.bootstrap import mean_interval, why_no_interval
from readerstudy.statistics.frame import cluster_codes
from readerstudy.statistics.plan import AnalysisPlan
from readerstudy.statistics.rows import Alignment, AlignmentPoint, AlignmentRow


def alignment_part(table: pd.DataFrame, plan: AnalysisPlan, earlier: int = 0) -> Alignment:
    """Mean correlation of each other finding with each explained one, intervals from resampling patients.

    table: example, patient_key ("": each case counts as one), case, pathology, finding, correlation (None where one of
    the two does not change), change; one row per example and other finding. earlier: examples that are not in it,
    because a version before the outputs were kept rendered them.
    """
    if not len(table):
        return Alignment(note=_earlier(earlier))
    points = [
        AlignmentPoint(str(row.example), row.pathology, row.finding, _number(row.correlation), _number(row.change))
        for row in table.itertuples()
    ]
    patients = table["patient_key"].where(table["patient_key"] != "", "case " + table["case"])
    clustered = table.assign(patient=patients, correlation=table["correlation"].astype(float))
    rows = [
        _row(pathology, finding, members, plan)
        for (pathology, finding), members in clustered.groupby(["pathology", "finding"], sort=True)
    ]
    return Alignment(points, rows, _earlier(earlier))


def _earlier(examples: int) -> str | None:
    if not examples:
        return None
    return (
        f"{counted(examples, 'example')} {'is' if examples == 1 else 'are'} left out here: an earlier version of this "
        "software rendered them and kept only the output that was explained."
    )


def _row(pathology: str, finding: str, members: pd.DataFrame, plan: AnalysisPlan) -> AlignmentRow:
    known = members[members["correlation"].notna()]
    constant = len(members) - len(known)
    if not len(known):
        return AlignmentRow(pathology, finding, 0, 0, constant, note="Neither changes with the other in any example.")
    values, patients = known["correlation"].to_numpy(float), cluster_codes(known["patient"])
    ci = mean_interval(
        values, patients, alpha=plan.alpha, replicates=plan.bootstrap_replicates, seed=plan.bootstrap_seed
    ).ci
    n_patients = int(patients.max()) + 1
    note = why_no_interval(ci, n_patients)
    return AlignmentRow(pathology, finding, len(known), n_patients, constant, float(np.mean(values)), ci, note)


def _number(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(value)
