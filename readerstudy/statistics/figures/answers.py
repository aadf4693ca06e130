"""Figures of the answers themselves: by pathology and truth, the two questions jointly, counts as diverging bars."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from readerstudy.statistics.bootstrap import Floats
from readerstudy.statistics.figures.style import (
    INK,
    QUIET,
    RULE,
    TRUTH_TITLES,
    Look,
    grid,
    look,
    new_figure,
    scale_axis,
)
from readerstudy.statistics.frame import natural_sort
from readerstudy.statistics.rows import MeanRow, Question, Results

TRUTHS = ("TP", "FP")
MOST_LEVELS = 7
LEVEL_COLOURS = ("#b35806", "#d99a4e", "#f0c98c", "#efefef", "#a9cbe3", "#4f8fc0", "#123f6d")


def method_legend(results: Results) -> list[Line2D]:
    return [Line2D([], [], **asdict(look(i).points), label=label) for i, label in enumerate(results.methods.values())]


def by_pathology(results: Results) -> Figure | None:
    """Answers by pathology, truth and method: every answer as a bubble, mean and interval on top."""
    questions, methods = list(results.questions), list(results.methods)
    pathologies = natural_sort(row.pathology for row in results.scores)
    if not pathologies:
        return None
    figure = new_figure(0.5 + 2.5 * len(questions))
    panels = figure.subplots(len(questions), 2, squeeze=False, sharex=True, sharey="row")
    counts: Counter[tuple[str, str, str, str, float]] = Counter()
    for row in results.scores:
        counts[row.question, row.truth, row.pathology, row.method, row.score] += row.n
    largest = max(counts.values())
    means = {(m.question, m.truth, m.group, m.method): m for m in results.means}
    offsets = np.linspace(-0.18, 0.18, len(methods)) if len(methods) > 1 else [0.0]
    for i, question in enumerate(questions):
        for j, truth in enumerate(TRUTHS):
            axes = panels[i, j]
            for m, method in enumerate(methods):
                for x, pathology in enumerate(pathologies):
                    key, place = (question, truth, pathology, method), x + offsets[m]
                    own = [(found[4], n) for found, n in counts.items() if found[:4] == key]
                    if own:
                        _bubbles(axes, place, own, largest, look(m))
                    _mean(axes, place, means.get((question, truth, pathology, method)), look(m))
            axes.set_title(TRUTH_TITLES[truth] if i == 0 else "")
            axes.set_xticks(range(len(pathologies)), pathologies, rotation=30, ha="right")
            scale_axis(axes.yaxis, results.questions[question])
            _pad(axes, results.questions[question])
            grid(axes)
        panels[i, 0].set_ylabel(_short(question))
    figure.legend(handles=method_legend(results), loc="outside upper right", ncols=len(methods))
    return figure


def _bubbles(axes: Axes, x: float, own: list[tuple[float, int]], largest: int, style: Look) -> None:
    """(score, count) as circles whose area is in proportion to the count."""
    score, n = np.array(own).T
    axes.scatter(np.full(len(score), x), score, s=110 * n / largest, color=style.color, alpha=0.22, linewidths=0)


def _pad(axes: Axes, question: Question) -> None:
    room = 0.08 * (question.maximum - question.minimum)
    axes.set_ylim(question.minimum - room, question.maximum + room)


def _mean(axes: Axes, x: float, mean: MeanRow | None, style: Look) -> None:
    if mean is None or mean.mean is None:
        return
    if mean.ci_patient:
        axes.plot([x, x], mean.ci_patient, color=style.color, linewidth=1.4, zorder=3)
    axes.plot(x, mean.mean, **asdict(style.points), markersize=5.5, markeredgewidth=1.3, zorder=4)


def joint_means(results: Results) -> Figure | None:
    """Mean answers to the first two questions jointly; a line joins the methods of one pathology."""
    questions, methods = list(results.questions)[:2], list(results.methods)
    if len(questions) < 2:
        return None
    means = {(m.question, m.truth, m.group, m.method): m.mean for m in results.means}
    pathologies = natural_sort(row.pathology for row in results.scores)
    figure = new_figure(3.7)
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    ends: dict[str, list[tuple[str, float, float]]] = {truth: [] for truth in TRUTHS}
    taken: dict[str, list[tuple[float, float]]] = {truth: [] for truth in TRUTHS}
    for axes, truth in zip(panels, TRUTHS):
        for pathology in [*pathologies, "overall"]:
            points = [tuple(means.get((q, truth, pathology, method)) for q in questions) for method in methods]
            known = [(m, point) for m, point in enumerate(points) if None not in point]
            if not known:
                continue
            x, y = np.array([point for _, point in known], dtype=float).T
            strong = pathology == "overall"
            axes.plot(x, y, color=INK if strong else RULE, linewidth=1.8 if strong else 1.0, zorder=2)
            for m, point in known:
                axes.plot(
                    *point,
                    **asdict(look(m).points),
                    markersize=7 if strong else 5,
                    markeredgewidth=1.3,
                    zorder=3,
                )
            ends[truth].append(("all" if strong else pathology, x[-1], y[-1]))
            taken[truth] += list(zip(x, y))
        axes.set_title(TRUTH_TITLES[truth])
        axes.set_xlabel(f"mean: {_short(questions[0])}")
        axes.margins(0.3, 0.14)
        grid(axes, "both")
    for axes, truth in zip(panels, TRUTHS):
        _label_apart(axes, ends[truth], taken[truth])
    panels[0].set_ylabel(f"mean: {_short(questions[1])}")
    figure.legend(handles=method_legend(results), loc="outside upper right", ncols=len(methods))
    return figure


LABEL_SIDES = (
    (7, -3, "left"),
    (-7, -3, "right"),
    (6, 5, "left"),
    (-6, 5, "right"),
    (6, -11, "left"),
    (-6, -11, "right"),
)


def _label_apart(axes: Axes, ends: list[tuple[str, float, float]], taken: list[tuple[float, float]]) -> None:
    """Name each point on that side where the name covers the fewest markers and earlier names."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    per_x, per_y, size = 215 / (right - left), 215 / (top - bottom), 7.5  # a panel is about 215 points wide and high
    boxes = [(x * per_x - 4, y * per_y - 4, x * per_x + 4, y * per_y + 4) for x, y in taken]
    for name, x, y in sorted(ends, key=lambda end: (-end[2], end[0])):
        width = 0.52 * size * len(name)
        places = []
        for rank, (dx, dy, align) in enumerate(LABEL_SIDES):
            start = x * per_x + dx - (width if align == "right" else 0)
            box = (start, y * per_y + dy, start + width, y * per_y + dy + size)
            outside = max(0.0, left * per_x - box[0]) + max(0.0, box[2] - right * per_x - 8)
            places.append((3 * rank + outside + sum(_shared(box, other) for other in boxes), dx, dy, align, box))
        _, dx, dy, align, box = min(places, key=lambda place: place[0])
        boxes.append(box)
        axes.annotate(
            name, (x, y), xytext=(dx, dy), textcoords="offset points", ha=align, fontsize=size, zorder=4,
            color=INK if name == "all" else QUIET, fontweight="bold" if name == "all" else "normal",
        )  # fmt: skip


def _shared(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    """Area that two boxes (left, bottom, right, top) share."""
    return max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))


def diverging_bars(results: Results) -> Figure | None:
    """Shares of answers as stacked bars centred on the middle of the scale, per truth, method and reader."""
    if not results.scores:
        return None
    questions, methods = list(results.questions), list(results.methods)
    readers = natural_sort(row.reader for row in results.scores)
    groups = ["all readers", *readers] if 1 < len(readers) <= 4 else ["all readers"]
    bars = [(truth, group, method) for truth in TRUTHS for group in groups for method in methods]
    height = max(1.2, 0.23 * len(bars) + 0.12 * len(groups))
    figure = new_figure(height + 1.1)
    panels = figure.subplots(1, len(questions), squeeze=False, sharey=True)[0]
    heights = _bar_places(bars)
    for axes, question in zip(panels, questions):
        labels = _levels(results.questions[question])
        for place, (truth, group, method) in zip(heights, bars):
            counts = _level_counts(results, question, truth, group, method, labels)
            if counts.sum():
                _stack(axes, place, counts)
        axes.axvline(0, color=INK, linewidth=0.8, zorder=0)
        axes.set_xlim(-1.02, 1.02)
        axes.set_xticks([-1, -0.5, 0, 0.5, 1], ["100", "50", "0", "50", "100"])
        axes.set_xlabel("% of answers")
        axes.set_title(_short(question))
        grid(axes, "x")
        handles = [
            Patch(facecolor=colour, hatch=hatch, edgecolor="#404040", linewidth=0.5, label=label)
            for label, (colour, hatch) in zip(labels, _level_looks(len(labels)))
        ]
        axes.legend(
            handles=handles,
            loc="upper center",
            bbox_to_anchor=(0.5, -0.45 / height),
            ncols=len(labels),
            handlelength=1.6,
            columnspacing=0.9,
        )
    names = {"all readers": "all"}
    ticks = [f"{truth}  {names.get(group, group)}  {method}" for truth, group, method in bars]
    panels[0].set_yticks(heights, ticks)
    panels[0].invert_yaxis()
    return figure


def _bar_places(bars: list[tuple[str, str, str]]) -> list[float]:
    """Rows one apart, with a gap between groups and a wider one between truths."""
    places, place = [], 0.0
    for i, (truth, group, _) in enumerate(bars):
        if i:
            place += 1 + (0.8 if truth != bars[i - 1][0] else 0.35 if group != bars[i - 1][1] else 0)
        places.append(place)
    return places


def _levels(question: Question) -> list[str]:
    low, high = question.minimum, question.maximum
    if high - low < MOST_LEVELS and float(low).is_integer():
        return [str(value) for value in range(int(low), int(high) + 1)]
    edges = np.linspace(low, high, 6)
    return [f"{a:g} to {b:g}" for a, b in pairwise(edges)]


def _level_counts(results: Results, question: str, truth: str, group: str, method: str, labels: list[str]) -> Floats:
    scale = results.questions[question]
    counts = np.zeros(len(labels))
    binned = "to" in labels[0]
    for row in results.scores:
        if (row.question, row.truth, row.method) == (question, truth, method) and group in (
            "all readers",
            row.reader,
        ):
            share = (row.score - scale.minimum) / (scale.maximum - scale.minimum)
            place = int(share * len(labels)) if binned else int(row.score - scale.minimum)
            counts[min(max(place, 0), len(labels) - 1)] += row.n
    return counts


def _level_looks(n: int) -> list[tuple[str, str]]:
    """Colour and hatch per level: hatched below the middle, plain above, so that both ends differ in grey."""
    picks = np.linspace(0, len(LEVEL_COLOURS) - 1, n).round().astype(int)
    middle = (n - 1) / 2
    hatches = ["////" if i < middle - 1 else "//" if i < middle else "" for i in range(n)]
    return [(LEVEL_COLOURS[pick], hatch) for pick, hatch in zip(picks, hatches)]


def _stack(axes: Axes, place: float, counts: Floats) -> None:
    shares = counts / counts.sum()
    half = len(shares) // 2
    left = -shares[:half].sum() - (shares[half] / 2 if len(shares) % 2 else 0)
    for n, share, (colour, hatch) in zip(counts, shares, _level_looks(len(shares))):
        axes.barh(place, share, left=left, height=0.86, color=colour, hatch=hatch, edgecolor="#404040", linewidth=0.5)
        if share > 0.07:
            dark = sum(int(colour[i : i + 2], 16) for i in (1, 3, 5)) < 330
            box = {"facecolor": colour, "edgecolor": "none", "pad": 0.6} if hatch else None
            axes.text(
                left + share / 2,
                place,
                f"{n:g}",
                ha="center",
                va="center",
                fontsize=6.5,
                color="white" if dark else INK,
                bbox=box,
            )
        left += share


def _short(key: str) -> str:
    return key.replace("_", " ")
