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
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    return _in_given_order(stepped, order)


def benjamini_hochberg(p_values: Sequence[float]) -> NDArray[np.float64]:
    """Step-up adjusted p (n,), in the order given (Benjamini and Hochberg, J R Stat Soc B 1995)."""
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p, kind="stable")
    scaled = p[order] * len(p) / np.arange(1, len(p) + 1)
    stepped = np.minimum.accumulate(scaled[::-1])[::-1]
    return _in_given_order(stepped, order)


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


def _in_given_order(stepped: NDArray[np.float64], order: NDArray[np.intp]) -> NDArray[np.float64]:
    adjusted = np.empty_like(stepped)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted
