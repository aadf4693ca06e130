"""Holm and Benjamini-Hochberg p values within the families of the analysis plan."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from readerstudy.statistics.adjusted import benjamini_hochberg, holm
from readerstudy.statistics.paired import planned_p
from readerstudy.statistics.plan import AnalysisPlan, Family
from readerstudy.statistics.rows import PairedRow


def adjust(rows: Sequence[PairedRow], plan: AnalysisPlan) -> list[PairedRow]:
    """The rows with family, exploratory, family_size, p_holm and p_bh; what is adjusted is the p of the plan's test.

    A row outside every family keeps None: its p value is descriptive, as is that of two methods which a plan with named
    comparisons does not name. A row without a p value does not count.
    """
    methods = list(dict.fromkeys(name for row in rows for name in (row.method_a, row.method_b)))
    adjusted: list[PairedRow] = []
    members: dict[tuple[str, str], list[int]] = defaultdict(list)
    for row in rows:
        planned = plan.tests(row.method_a, row.method_b, methods)
        family = next((item for item in plan.families if planned and _belongs(row, item)), None)
        row = replace(row, family=None, exploratory=True, family_size=None, p_holm=None, p_bh=None)
        if family:
            name = f"{family.name}: {row.question}" if family.per_question else family.name
            row = replace(row, family=name, exploratory=family.exploratory)
            if planned_p(row, plan) is not None:
                members[family.name, row.question if family.per_question else ""].append(len(adjusted))
        adjusted.append(row)
    for places in members.values():
        p_values = [p for place in places if (p := planned_p(adjusted[place], plan)) is not None]
        for place, p_holm, p_bh in zip(places, holm(p_values), benjamini_hochberg(p_values), strict=True):
            adjusted[place] = replace(adjusted[place], family_size=len(places), p_holm=float(p_holm), p_bh=float(p_bh))
    return adjusted


def _belongs(row: PairedRow, family: Family) -> bool:
    return row.level == family.level and row.truth in family.truths
