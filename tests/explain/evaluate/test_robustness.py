"""How alike maps are, and what noise and blur do to them, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from explain.evaluate.likeness import spearman, top_iou
from explain.evaluate.metrics import METRICS, Subject
from explain.evaluate.robustness import changed, likeness, measure_max_sensitivity
from explain.methods.contract import Result
from explain.render.usable import UnusableMap
from tests.explain.evaluate.small import Weighted, kind_that_shows

PIXELS = np.random.default_rng(3).normal(0, 200, (20, 20)).astype(np.float32)


def subject(of: object = lambda image, models: image, values: np.ndarray = PIXELS) -> Subject:
    """A kind whose map is the image."""
    models = {"classifier": Weighted(PIXELS)}
    return Subject(map=values, pixels=PIXELS, models=models, render=kind_that_shows(of))  # type: ignore[arg-type]


def test_spearman_of_absolute_values_with_ties() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(-4, 5, (9, 9)).astype(float), rng.integers(-4, 5, (9, 9)).astype(float)
    assert spearman(a, b) == pytest.approx(spearmanr(np.abs(a).ravel(), np.abs(b).ravel()).statistic)
    assert spearman(a, -a) == 1
    assert spearman(a, np.ones((9, 9))) == 0
    with pytest.raises(UnusableMap):
        spearman(np.ones((9, 9)), a)


def test_top_iou_by_hand() -> None:
    a = np.arange(16.0).reshape(4, 4)
    b = a.copy()
    b[3, 3] = -1  # of its four highest, 12, 13 and 14 remain; 11 comes in
    assert top_iou(a, b, 75) == pytest.approx(3 / 5)
    assert top_iou(a, a, 75) == 1
    assert top_iou(a, np.ones((4, 4)), 75) == pytest.approx((4 * 0.25) / (4 + 12 * 0.25))


def test_noise_is_one_pattern_and_blur_keeps_a_constant() -> None:
    noisy = changed(PIXELS, "noise", "0.01 0.02") - PIXELS
    assert noisy[1] == pytest.approx(2 * noisy[0], abs=1e-3)
    assert noisy[0].std() == pytest.approx(20.48, rel=0.1)
    assert changed(np.full((9, 9), 5, np.float32), "blur", "2")[0] == pytest.approx(np.full((9, 9), 5), abs=1e-4)
    with pytest.raises(ValueError, match="numbers over 0"):
        changed(PIXELS, "blur", "0 1")


def test_likeness_falls_with_the_level() -> None:
    ranks, overlap = likeness(subject(), "noise", "0.001 0.1")
    noisy = changed(PIXELS, "noise", "0.001 0.1")
    assert ranks == pytest.approx([spearman(PIXELS, image) for image in noisy])
    assert ranks[0] > 0.99 > ranks[1] and overlap[0] > overlap[1]
    same = subject(lambda image, models: PIXELS)  # a map that does not look at the image
    for name in ("noise_spearman", "noise_iou", "blur_spearman", "blur_iou"):
        assert METRICS[name].measure(same) == 1
        with pytest.raises(UnusableMap):
            METRICS[name].measure(subject(values=PIXELS * 0))


def test_max_sensitivity_by_hand() -> None:
    """Of the image as its own map: the largest norm of the noise over the image's."""
    noise = np.random.default_rng(5).uniform(-0.2 * 2048, 0.2 * 2048, (8, 20, 20)).astype(np.float32)
    expected = np.linalg.norm(noise.reshape(8, -1), axis=1).max() / np.linalg.norm(PIXELS)
    assert measure_max_sensitivity(subject(), 8, 0.2, 5) == pytest.approx(expected, rel=1e-5)
    assert measure_max_sensitivity(subject(lambda image, models: PIXELS), 8, 0.2, 5) == 0


def test_a_kind_without_a_map_is_refused() -> None:
    curve = Subject(map=PIXELS, pixels=PIXELS, models={"classifier": Weighted(PIXELS)}, render=lambda p, m: [Result()])
    with pytest.raises(ValueError, match="makes no map"):
        METRICS["max_sensitivity"].measure(curve)
