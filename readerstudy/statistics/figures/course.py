"""Figures of how the study went: reading time by position, and who and what was read."""

from __future__ import annotations

from dataclasses import asdict, replace

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from readerstudy.common.counting import counted
from readerstudy.statistics.figures.style import INK, QUIET, grid, look, new_figure
from readerstudy.statistics.rows import Flow, Results


def reading_time(results: Results) -> Figure | None:
    """Median seconds per example by position in the read, with quartiles, a line for each period."""
    rows = results.timing.by_position
    if not rows:
        return None
    figure = new_figure(2.9)
    axes = figure.subplots()
    for i, period in enumerate(sorted({row.period for row in rows})):
        own = [row for row in rows if row.period == period]
        position = [row.position for row in own]
        dark = i % 2 == 0
        style = replace(look(i), color=INK if dark else QUIET, markerfacecolor="white" if dark else QUIET)
        axes.fill_between(
            position, [row.q1 for row in own], [row.q3 for row in own],
            facecolor="none" if i % 2 else "#dddddd", hatch="///" if i % 2 else None,
            edgecolor="#a8a8a8", linewidth=0.0, alpha=0.75,
        )  # fmt: skip
        axes.plot(position, [row.median for row in own], **asdict(style), markersize=4, label=f"period {period}")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("position in the read")
    axes.set_ylabel("seconds per example")
    axes.legend(loc="upper right", ncols=4)
    grid(axes)
    return figure


def flow(results: Results) -> Figure | None:
    """Flow of answers: rows in the export, what was left out and why, what was analysed, the pairs compared."""
    steps, asides = _steps(results.flow), _asides(results.flow)
    gaps = [max(1.6, LINE * len(aside) + 0.9) for aside in asides]
    heights = [LINE * len(step) + 0.5 for step in steps]
    total = sum(heights) + sum(gaps)
    figure = new_figure(0.22 * total)
    axes = figure.subplots()
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(total, 0)
    top = 0.0
    for i, (step, height) in enumerate(zip(steps, heights)):
        _box(axes, 0.03, 0.57, top, height, step)
        top += height
        if i < len(gaps):
            _arrow(axes, (0.3, top), (0.3, top + gaps[i]))
            _arrow(axes, (0.3, top + gaps[i] / 2), (0.66, top + gaps[i] / 2))
            aside_height = LINE * len(asides[i]) + 0.4
            _box(axes, 0.66, 0.99, top + (gaps[i] - aside_height) / 2, aside_height, asides[i])
            top += gaps[i]
    return figure


def _steps(data: Flow) -> list[list[str]]:
    """The lines of the boxes, from top to bottom."""
    counts = data.responses
    readers = [
        f"{row.reader}: {counted(row.reads, 'read')}, {counted(row.examples, 'example')}, "
        f"{counted(row.answers, 'answer')}"
        for row in data.readers[:MOST_READERS]
    ]
    if len(data.readers) > MOST_READERS:
        readers.append(f"and {len(data.readers) - MOST_READERS} more")
    return [
        [f"{counts.rows:,} rows in the export"],
        [
            f"{counts.analysed:,} of {counts.expected:,} possible answers analysed",
            f"{counted(data.n_readers, 'reader')}, {counted(data.n_reads, 'read')}, "
            f"{counted(data.n_patients, 'patient')}",
            f"{counted(data.n_examples, 'example')}: {data.n_tp} true positives, {data.n_fp} false positives",
            *readers,
        ],
        ["Pairs with both methods", *(f"{p.method_a} with {p.method_b}: {p.complete:,}" for p in data.pairs)],
    ]


def _asides(data: Flow) -> list[list[str]]:
    """The lines of the boxes beside the arrows: what was left out."""
    counts = data.responses
    reasons = (
        (counts.practice, "practice"),
        (counts.superseded, "replaced by a later revision"),
        (counts.excluded, "excluded"),
        (counts.without_score, "without a score"),
        (counts.without_truth, "of unknown truth"),
    )
    left_out = [f"{n:,} {words}" for n, words in reasons if n]
    whole = [f"{counted(data.n_excluded_examples, 'example')} left out whole"] if data.n_excluded_examples else []
    return [
        ["Left out", *(left_out or ["none"]), *whole],
        ["Pairs lacking one side", *(f"{p.method_a} with {p.method_b}: {p.incomplete:,}" for p in data.pairs)],
    ]


MOST_READERS = 6
LINE = 0.85  # height of a line of text, in the diagram's units


def _box(axes: Axes, left: float, right: float, top: float, height: float, lines: list[str]) -> None:
    axes.add_patch(
        Rectangle((left, top), right - left, height, facecolor="white", edgecolor=INK, linewidth=0.9, clip_on=False)
    )
    for i, line in enumerate(lines):
        y = top + height / 2 + LINE * (i - (len(lines) - 1) / 2)
        weight = "bold" if i == 0 else "normal"
        axes.text((left + right) / 2, y, line, ha="center", va="center_baseline", fontsize=8, fontweight=weight)


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    style = {"arrowstyle": "-|>", "color": INK, "linewidth": 0.9, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", xy=end, xytext=start, arrowprops=style, zorder=0)
