"""Figures of what differs: mean differences as a forest, ROC curves, overlap against answers."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from readerstudy.statistics.bootstrap import Floats
from readerstudy.statistics.figures.answers import method_legend
from readerstudy.statistics.figures.style import (
    INK,
    QUIET,
    RULE,
    TRUTH_LOOKS,
    TRUTH_TITLES,
    Look,
    grid,
    look,
    new_figure,
    scale_axis,
)
from readerstudy.statistics.rows import PairedRow, Results
from readerstudy.statistics.wording import interval_text, number

LEVEL_ORDER = ("overall", "pathology", "reader", "order")


def forest(results: Results, method_a: str, method_b: str) -> Figure | None:
    """Mean differences with patient-cluster intervals: overall, by pathology, by reader, by which method came first."""
    rows = [
        row
        for row in results.paired
        if (row.method_a, row.method_b) == (method_a, method_b)
        and row.truth != "all"
        and row.mean_difference is not None
    ]
    if not rows:
        return None
    groups = list(dict.fromkeys((row.level, row.group) for level in LEVEL_ORDER for row in rows if row.level == level))
    questions = [question for question in results.questions if any(row.question == question for row in rows)]
    places, place = {}, 0.0
    for i, group in enumerate(groups):
        place += 0 if i == 0 else 1.35 if group[0] != groups[i - 1][0] else 1
        places[group] = place
    figure = new_figure(1.4 + 0.3 * place)
    panels = figure.subplots(1, len(questions), squeeze=False, sharey=True)[0]
    reach = max(abs(end) for row in rows for end in _ends(row)) * 1.08 + 0.02
    for axes, question in zip(panels, questions):
        for row in (row for row in rows if row.question == question):
            _whisker(axes, places[row.level, row.group], row)
        axes.axvline(0, color=INK, linewidth=0.9)
        axes.set_xlim(-reach, reach * 2.3)
        axes.set_xticks([tick for tick in MaxNLocator(6).tick_values(-reach, reach) if abs(tick) <= reach])
        axes.spines["bottom"].set_bounds(-reach, reach)
        axes.set_title(question.replace("_", " "))
        axes.set_xlabel(f"mean difference, {method_b} − {method_a} (points)", loc="left")
        grid(axes, "x")
    names = [group[:1].upper() + group[1:] if level == "overall" else group for level, group in groups]
    panels[0].set_yticks(list(places.values()), names)
    panels[0].set_ylim(place + 0.7, -0.7)
    handles = [Line2D([], [], **asdict(TRUTH_LOOKS[truth]), label=TRUTH_TITLES[truth]) for truth in ("TP", "FP")]
    figure.legend(handles=handles, loc="outside upper right", ncols=2)
    return figure


def _ends(row: PairedRow) -> list[float]:
    """What must fit on the axis: the interval, or the difference alone."""
    return row.ci_patient or ([] if row.mean_difference is None else [row.mean_difference])


def _whisker(axes: Axes, place: float, row: PairedRow) -> None:
    if row.mean_difference is None:
        return
    y = place + (-0.19 if row.truth == "TP" else 0.19)
    weight = 1.8 if row.level == "overall" else 1.1
    if row.ci_patient:
        axes.plot(row.ci_patient, [y, y], color=INK if row.truth == "TP" else QUIET, linewidth=weight, zorder=2)
    axes.plot(row.mean_difference, y, **asdict(TRUTH_LOOKS[row.truth].points), markersize=4.5, zorder=3)
    text = f"{number(row.mean_difference, signed=True)}  ({interval_text(row.ci_patient)})"
    axes.text(1.0, y, text, transform=axes.get_yaxis_transform(), ha="right", va="center", fontsize=6.8, color=INK)


def roc(results: Results) -> Figure | None:
    """ROC curves of each reader (thin) and their average (thick), per question and method."""
    rows = [row for row in results.mrmc if row.roc]
    if not rows:
        return None
    methods = list(results.methods)
    figure = new_figure(3.7)
    panels = figure.subplots(1, max(2, len(rows)), squeeze=False, sharey=True)[0]
    for axes in panels[len(rows) :]:
        axes.set_axis_off()
    for axes, row in zip(panels, rows):
        axes.plot([0, 1], [0, 1], color=RULE, linewidth=0.8)
        for curve in row.roc or ():
            style = look(methods.index(curve.method))
            line = {"color": style.color, "linestyle": style.linestyle}
            for points in curve.readers.values():
                axes.plot(*np.array(points).T, **line, linewidth=0.8, alpha=0.55)
            axes.plot(*np.array(curve.average).T, **line, linewidth=2.2, label=results.methods[curve.method])
        axes.set_title(row.question.replace("_", " "))
        axes.set_xlabel("share of false positives scored at or above the cut")
        axes.set_aspect("equal")
        axes.legend(loc="lower right")
        grid(axes, "both")
    panels[0].set_ylabel("share of true positives scored at or above the cut")
    return figure


def overlap(results: Results) -> Figure | None:
    """IoU of map and mask against the readers' mean score, per question, with the median overlap of each score."""
    points = results.localisation.points
    if not points:
        return None
    questions = [question for question in results.questions if any(p.question == question for p in points)]
    methods = list(results.methods)
    kinds = list(dict.fromkeys((p.method, p.kind) for p in points))
    figure = new_figure(3.4)
    panels = figure.subplots(1, max(2, len(questions)), squeeze=False, sharey=True)[0]
    for axes in panels[len(questions) :]:
        axes.set_axis_off()
    for axes, question in zip(panels, questions):
        for k, (method, kind) in enumerate(kinds):
            own = [p for p in points if (p.question, p.method, p.kind) == (question, method, kind)]
            style = look(methods.index(method))
            score, iou = np.array([p.mean_score for p in own]), np.array([p.iou for p in own])
            shift = 0.16 * (k - (len(kinds) - 1) / 2)
            axes.plot(score + shift, iou, **asdict(style.points), markersize=3.6, alpha=0.6, markeredgewidth=0.8)
            _medians(axes, score, iou, shift, style)
        axes.set_xlabel(f"mean score: {question.replace('_', ' ')}")
        scale_axis(axes.xaxis, results.questions[question])
        grid(axes)
        axes.set_title(_correlations(results, question), fontsize=7.5, fontweight="normal")
    panels[0].set_ylabel("overlap of map and mask (IoU)")
    figure.legend(handles=method_legend(results), loc="outside upper right", ncols=len(methods))
    return figure


def _medians(axes: Axes, score: Floats, iou: Floats, shift: float, style: Look) -> None:
    levels = np.round(score)
    for level in (level for level in np.unique(levels) if (levels == level).sum() >= 3):
        median = float(np.median(iou[levels == level]))
        axes.plot([level - 0.3 + shift, level + 0.3 + shift], [median, median], color=style.color, linewidth=2.2)


def _correlations(results: Results, question: str) -> str:
    texts = [
        f"{results.kind_titles.get(row.kind, row.kind)}: ρ {number(row.rho)} ({interval_text(row.ci)}), n {row.n}"
        for row in results.localisation.correlations
        if row.question == question and row.rho is not None
    ]
    return "\n".join(texts)
