"""ROC curves: their areas are the AUCs."""

import numpy as np
import pytest

from readerstudy.statistics.mrmc import average_roc, empirical_auc, roc_points
from readerstudy.statistics.mrmc.roc import roc_curves
from tests.statistics.mrmc.oracles import synthetic


def area(points: np.ndarray) -> float:
    return float(np.trapezoid(points[:, 1], points[:, 0]))


@pytest.mark.parametrize("name", ["full5", "missing6"])
def test_areas_are_the_aucs_and_the_average_curves_area_their_mean(name):
    data = synthetic(name)
    auc = empirical_auc(data.scores, data.truth)
    for m in range(2):
        curves = [roc_points(scores, data.truth) for scores in data.scores[m]]
        assert [area(curve) for curve in curves] == pytest.approx(auc[m].tolist(), rel=1e-12)
        assert area(average_roc(curves)) == pytest.approx(auc[m].mean(), rel=1e-12)


def test_a_curve_by_hand():
    points = roc_points([5, 3, 3, 1, np.nan], [1, 1, 0, 0, 1])
    np.testing.assert_array_equal(points, [[0, 0], [0, 0.5], [0.5, 1], [1, 1]])


def test_the_average_of_one_curve_is_the_curve():
    curve = roc_points([5, 4, 4, 3, 2, 1, 1], [1, 1, 0, 0, 1, 0, 0])
    np.testing.assert_allclose(average_roc([curve]), curve)


def test_the_figures_data_is_one_curve_per_reader_and_an_average():
    first, second = roc_curves(synthetic("full2"))
    assert (first.method, second.method) == ("A", "B")
    assert list(first.readers) == ["reader1", "reader2"]
    assert first.average[0] == [0, 0]
    assert first.average[-1] == [1, 1]
