"""ROC curves of single readers and their average."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from readerstudy.statistics.mrmc.data import FloatArray, ReaderScores


def roc_points(scores: ArrayLike, truth: ArrayLike) -> FloatArray:
    """Empirical ROC of scores (cases,): rows (false positive rate, true positive rate) from (0, 0) to (1, 1).

    One point per distinct score, highest first; the area under straight lines through them is the empirical AUC.
    NaN scores are left out.
    """
    values = np.asarray(scores, dtype=float)
    given = ~np.isnan(values)
    values, positive = values[given], np.asarray(truth)[given] == 1
    levels, index = np.unique(-values, return_inverse=True)
    above = [np.bincount(index, weights=w, minlength=levels.size).cumsum() for w in (~positive, positive)]
    points = np.column_stack([above[0] / (~positive).sum(), above[1] / positive.sum()])
    return np.vstack([[0.0, 0.0], points])


def average_roc(curves: Sequence[FloatArray]) -> FloatArray:
    """Vertical average of ROC curves (mean true positive rate at each false positive rate), rows as in roc_points.

    Both ends of every vertical step are kept, so the area under the average is the average of the areas
    (Chen & Samuelson 2014, British J. Radiology 87, 20140016).
    """
    grid = np.unique(np.concatenate([curve[:, 0] for curve in curves]))
    low, high = np.mean([_rates_at(curve, grid) for curve in curves], axis=0)
    points = np.column_stack([np.repeat(grid, 2), np.column_stack([low, high]).ravel()])
    keep = np.append(True, np.any(np.diff(points, axis=0) != 0, axis=1))
    kept: FloatArray = points[keep]
    return kept


def _rates_at(curve: FloatArray, grid: FloatArray) -> FloatArray:
    """Lower and upper true positive rate (2, grid) of a curve at each false positive rate of the grid."""
    x, first = np.unique(curve[:, 0], return_index=True)
    last = np.append(first[1:], len(curve)) - 1
    bottom, top = curve[first, 1], curve[last, 1]
    left = np.searchsorted(x, grid, side="right") - 1
    right = np.minimum(left + 1, len(x) - 1)
    share = (grid - x[left]) / np.where(right > left, x[right] - x[left], 1.0)
    between = top[left] + share * (bottom[right] - top[left])
    on_knot = grid == x[left]
    return np.array([np.where(on_knot, bottom[left], between), np.where(on_knot, top[left], between)])


@dataclass(frozen=True)
class MethodCurves:
    """ROC curves of one method: rows (false positive rate, true positive rate) by reader, and their average."""

    method: str
    readers: dict[str, list[list[float]]]
    average: list[list[float]]


def roc_curves(data: ReaderScores) -> tuple[MethodCurves, ...]:
    """For the figure: the curves of every method."""
    curves = []
    for m, method in enumerate(data.methods):
        per_reader = {
            name: roc_points(data.scores[m, r], data.truth) for r, name in enumerate(data.readers) if data.used[m, r]
        }
        average = average_roc(list(per_reader.values())).tolist()
        curves.append(MethodCurves(method, {name: curve.tolist() for name, curve in per_reader.items()}, average))
    return tuple(curves)
