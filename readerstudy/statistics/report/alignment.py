"""Counterfactual alignment in the report: its words, and the findings that move most. All rows are in the CSV."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import groupby
from statistics import fmean

from readerstudy.statistics.report.table import Table, TableRow
from readerstudy.statistics.rows import AlignmentPoint, AlignmentRow, Results
from readerstudy.statistics.wording import interval_text, number, percent

SHOWN = 5  # of each pathology

ALIGNMENT = (
    "Latent Shift redraws an image with less and with more of one finding. Other outputs of the classifier may move "
    "along. This tells of the classifier and the redrawn images, not of patients: an association, which does not "
    "say that one finding causes the other, nor which part of the image both react to. No answers and no truth "
    "go into it."
)


def alignment_table(results: Results) -> Table:
    """The findings of the largest mean correlation, either way, with each explained one."""
    sizes = _sizes(results.alignment.points)
    shown = [
        row
        for _, members in groupby(results.alignment.rows, key=lambda row: row.pathology)
        for row in _most(list(members))
    ]
    notes = {row.note for row in shown}
    same = notes.pop() if len(notes) == 1 else None  # said once, not under every row
    rows = [
        TableRow(
            [
                row.pathology,
                row.finding,
                f"{row.n} ({row.n_patients})",
                number(row.mean_correlation, signed=True),
                interval_text(row.ci_patient, signed=True),
                number(sizes.get((row.pathology, row.finding)), 3),
            ],
            None if same else row.note,
        )
        for row in shown
    ]
    caption = (
        f"Of each explained finding the {SHOWN} others with the largest mean correlation, positive or negative, of "
        "their changes along the shift; 1: they always rise and fall together, −1: one rises where the other falls. "
        "How far the other moves is another thing: its size of change is that of its probability from the unchanged to "
        "the most faded picture, up or down, mean over the same examples. Where it is next to nothing, so is what the "
        "correlation tells. All findings, and the changes, are in tables/alignment-means.csv and tables/alignment.csv. "
        f"{percent(results.plan.alpha)} intervals resample patients."
    ) + (f" All rows shown: {same}" if same else "")
    headings = [
        "Explained finding", "Other finding", "Examples (patients)", "Mean correlation", "Interval", "Size of change",
    ]  # fmt: skip
    return Table("Outputs that move with the explained finding", headings, rows, caption=caption)


def _sizes(points: Sequence[AlignmentPoint]) -> dict[tuple[str, str], float]:
    """How far each other finding moves with an explained one: mean size over the examples with a correlation."""
    found = defaultdict(list)
    for point in points:
        if point.correlation is not None and point.change is not None:
            found[point.pathology, point.finding].append(abs(point.change))
    return {pair: fmean(sizes) for pair, sizes in found.items()}


def _most(rows: Sequence[AlignmentRow]) -> list[AlignmentRow]:
    known = [row for row in rows if row.mean_correlation is not None]
    return sorted(known, key=lambda row: -abs(row.mean_correlation or 0))[:SHOWN]
