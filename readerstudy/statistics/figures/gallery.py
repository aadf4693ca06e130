"""Which figures a report has, in order, with the words under each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from matplotlib import rc_context
from matplotlib.figure import Figure

from readerstudy.common.idle import IDLE_AFTER_S
from readerstudy.statistics.bootstrap import FEWEST_CLUSTERS
from readerstudy.statistics.figures import answers, comparisons, course
from readerstudy.statistics.figures.style import SETTINGS, to_bytes
from readerstudy.statistics.rows import Results

_TIMED = {
    "looking": f"Time looking: the page was visible, less what is beyond {IDLE_AFTER_S} s without any input.",
    "visible": "Time the page was visible.",
    "opened_to_answered": "Time from opening the page to the last answer, pauses included.",
}


@dataclass(frozen=True)
class Drawing:
    """One figure: its file name without ending, title, caption, and its bytes (None, with `note`, when not drawn)."""

    name: str
    title: str
    caption: str
    svg: bytes | None
    png: bytes | None
    note: str | None = None


@dataclass(frozen=True)
class _Plan:
    name: str
    title: str
    caption: str
    draw: Callable[[Results], Figure | None]
    otherwise: str


def draw_all(results: Results) -> list[Drawing]:
    """All figures of the report, in its order."""
    with rc_context(SETTINGS):
        return [_drawing(plan, results) for plan in _plans(results)]


@dataclass(frozen=True)
class Caption:
    """A figure's file name without ending, its title and the words under it."""

    name: str
    title: str
    caption: str


def captions(results: Results) -> list[Caption]:
    """Of each figure in order, without drawing any."""
    return [Caption(plan.name, plan.title, plan.caption) for plan in _plans(results)]


def _drawing(plan: _Plan, results: Results) -> Drawing:
    figure = plan.draw(results)
    if figure is None:
        return Drawing(plan.name, plan.title, plan.caption, None, None, plan.otherwise)
    figure.draw_without_rendering()  # lay out once, for both files
    figure.set_layout_engine("none")
    return Drawing(plan.name, plan.title, plan.caption, to_bytes(figure, "svg"), to_bytes(figure, "png"))


def _plans(results: Results) -> list[_Plan]:
    return [
        _Plan(
            "flow",
            "Readers, reads, examples and exclusions",
            "Each answer left out is counted once, under the first reason that holds. Nothing is imputed.",
            course.flow,
            "There are no answers.",
        ),
        *_forests(results),
        *_of_answers(results),
        *_beside_answers(results),
    ]


def _level(results: Results) -> str:
    return f"{100 * (1 - results.plan.alpha):g} %"


def _forests(results: Results) -> list[_Plan]:
    """One for each pair of methods."""
    two = len(results.methods) == 2
    return [
        _Plan(
            "forest" if two else f"forest-{a}-{b}",
            f"Mean difference, {results.methods[b]} minus {results.methods[a]}",
            f"Points are mean differences over pairs of reader and example, bars {_level(results)} intervals from "
            f"resampling patients with these readers (none from fewer than {FEWEST_CLUSTERS}). Right of the "
            f"line: higher scores with {results.methods[b]}. Rows below “Overall” are exploratory. “{a} "
            "first” are the pairs in "
            f"which the reader saw {a} in the earlier read.",
            partial(comparisons.forest, method_a=a, method_b=b),
            "There are no pairs to compare.",
        )
        for a, b in dict.fromkeys((row.method_a, row.method_b) for row in results.paired)
    ]


def _of_answers(results: Results) -> list[_Plan]:
    return [
        _Plan(
            "answers-by-pathology",
            "Answers by pathology, truth and method",
            f"Bubbles: answers given, area in proportion to their number. Markers: means, with {_level(results)} "
            f"intervals from resampling patients (none from fewer than {FEWEST_CLUSTERS}).",
            answers.by_pathology,
            "There are no answers.",
        ),
        _Plan(
            "joint-means",
            "Means of the two answers jointly",
            "Each line joins one pathology's mean answers with the methods in turn. Up and right is more of both.",
            answers.joint_means,
            "The study asks only one question.",
        ),
        _Plan(
            "answer-counts",
            "Counts of answers",
            "Each bar is all answers of one truth, reader and method, centred on the middle of the scale: what "
            "lies right of the line is "
            "above the middle. Numbers are counts; scores below the middle are hatched.",
            answers.diverging_bars,
            "There are no answers.",
        ),
        _Plan(
            "roc",
            "ROC curves of the answers",
            "Thin: single readers; thick: their average. The further above the diagonal, the better the answers "
            "separate predictions that "
            "are right from those that are wrong.",
            comparisons.roc,
            "No ROC analysis is part of these results.",
        ),
    ]


def _beside_answers(results: Results) -> list[_Plan]:
    return [
        _Plan(
            "overlap",
            "Overlap of maps with expert masks against answers",
            "One point per example and map, which is cut so that as many pixels remain as the mask has; IoU: shared "
            "over joined area. Short bars are medians at each rounded score with three points or more. ρ: Spearman's "
            f"rank correlation with the readers' mean answer, {_level(results)} interval from resampling patients "
            "(2,000 samples at most), n examples.",
            comparisons.overlap,
            results.localisation.note or "No overlaps are stored.",
        ),
        _Plan(
            "reading-time",
            "Reading time by position in the read",
            "Medians over readers and neighbouring positions; bands are quartiles. "
            + _TIMED.get(results.timing.source or "", ""),
            course.reading_time,
            results.timing.note or "Positions are not recorded.",
        ),
    ]
