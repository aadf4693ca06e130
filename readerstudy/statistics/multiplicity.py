"""Holm and Benjamini-Hochberg p values within the families of the analysis plan."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from readerstudy.statistics.paired import planned_p
from readerstudy.statistics.plan import AnalysisPlan, Family


def holm(p_values: Sequence[float]) -> NDArray[np.float64]:
    """Step-down adjusted p (n,), in the order given (Holm, Scand J Stat 1979)."""
    return _adjusted(p_values, "holm")


def benjamini_hochberg(p_values: Sequence[float]) -> NDArray[np.float64]:
    """Step-up adjusted p (n,), in the order given (Benjamini and Hochberg, J R Stat Soc B 1995)."""
    return _adjusted(p_values, "fdr_bh")


def adjust(rows: list[dict[str, Any]], plan: AnalysisPlan) -> None:
    """Add family, exploratory, family_size, p_holm and p_bh to paired rows, in place; the plan's test is adjusted.

    A row outside every family keeps None: its p value is descriptive. A row without a p value does not count.
    """
    members: dict[tuple[str, str], list[tuple[dict[str, Any], float]]] = defaultdict(list)
    for row in rows:
        family = next((item for item in plan.families if _belongs(row, item)), None)
        row.update(family=None, exploratory=True, family_size=None, p_holm=None, p_bh=None)
        if family:
            name = f"{family.name}: {row['question']}" if family.per_question else family.name
            row.update(family=name, exploratory=family.exploratory)
            p = planned_p(row, plan)
            if p is not None:
                members[family.name, row["question"] if family.per_question else ""].append((row, p))
    for family_members in members.values():
        p_values = [p for _, p in family_members]
        for (row, _), p_holm, p_bh in zip(family_members, holm(p_values), benjamini_hochberg(p_values)):
            row.update(family_size=len(p_values), p_holm=float(p_holm), p_bh=float(p_bh))


def _belongs(row: dict[str, Any], family: Family) -> bool:
    return row["level"] == family.level and row["truth"] in family.truths


def _adjusted(p_values: Sequence[float], method: str) -> NDArray[np.float64]:
    from statsmodels.stats.multitest import multipletests  # a second to import, so only where it is used

    return np.asarray(multipletests(p_values, method=method)[1], dtype=float)
