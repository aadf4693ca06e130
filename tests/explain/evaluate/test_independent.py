"""Agreement with Quantus 0.6.0, an independent implementation, where both mean the same. Made once, with NumPy 2.4.6.

The inputs are formulas, so that anybody can make the numbers again: an image of 8 x 8 pixels, a classifier
f = sigmoid(w . x), and 0 as what replaces pixels. docs/evaluate.md says where the two differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from explain.evaluate.faithfulness import deletion_curve, measure_aopc, places_of, replacement_curve
from explain.evaluate.likeness import spearman
from explain.evaluate.localisation import fnr_at_percentiles, hit_rate, relevance_mass, relevance_rank
from explain.evaluate.metrics import Subject
from explain.evaluate.robustness import measure_max_sensitivity
from explain.evaluate.sanity import entropy
from explain.methods.batch import gradient
from tests.explain.evaluate.small import kind_that_shows

I = np.arange(64.0)  # noqa: E741
VALUES = np.abs(np.sin(1 + 3 * I)).reshape(8, 8).astype(np.float32)
PIXELS = (500 * np.sin(2 + 5 * I)).reshape(8, 8).astype(np.float32)
MASK = np.zeros((8, 8), bool)
MASK[2:6, 1:5] = True


class Sigmoid(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.as_tensor(np.cos(7 * I).reshape(8, 8) / 2000, dtype=torch.float32))

    def forward(self, x: Tensor) -> Tensor:
        return torch.sigmoid((x[:, 0] * self.w).sum((1, 2)))[:, None]


def subject() -> Subject:
    made = Subject(map=VALUES, pixels=PIXELS, models={"classifier": Sigmoid()})
    made.once(("fill", "blur"), lambda: np.zeros((8, 8), np.float32), of_image=True)
    return made


def test_localisation() -> None:
    assert relevance_mass(VALUES, MASK) == pytest.approx(0.29749804735183716, abs=1e-6)
    assert relevance_rank(VALUES, MASK) == pytest.approx(0.4375, abs=1e-6)
    assert hit_rate(VALUES, MASK) == 1
    assert 1 - fnr_at_percentiles(VALUES, MASK, [90])[0] == pytest.approx(0.5, abs=1e-6)  # TopKIntersection, k = 6


def test_pixel_flipping_is_the_deletion_curve_without_its_start() -> None:
    _, curve = deletion_curve(subject(), "blur", 1, 64)
    flipped = curve[1:]
    expected = [0.568737924, 0.61361438, 0.761804163, 0.434154391, 0.487912208, 0.5]
    assert flipped[[0, 1, 15, 31, 62, 63]] == pytest.approx(expected, abs=1e-6)
    assert flipped.mean() == pytest.approx(0.49480561213567853, abs=1e-6)
    assert np.trapezoid(flipped) == pytest.approx(31.133190155029297, abs=2e-5)  # its AUC counts steps; ours, shares


def test_region_perturbation_is_the_fall_that_aopc_averages() -> None:
    expected = [
        0.062303632, 0.120081365, 0.123355389, 0.118812859, 0.114775062, 0.102951854, 0.02106601, -0.062488735,
        0.003203511, 0.048785776, 0.001113951, 0.032199383, 0.078500152, 0.117081195, 0.07688871, 0.023171604,
    ]  # fmt: skip
    counts, zeros, model = np.arange(17), np.zeros((8, 8), np.float32), Sigmoid()
    curve = replacement_curve(model, PIXELS, zeros, places_of(VALUES, 2), counts, 0)
    assert curve[0] - curve[1:] == pytest.approx(expected, abs=1e-6)
    least = replacement_curve(model, PIXELS, zeros, places_of(-VALUES, 2), counts, 0)
    assert (least[0] - least[1:])[[0, 1, 2, 15]] == pytest.approx(
        [-0.053336203, -0.092899323, -0.054928064, 0.023171604], abs=1e-6
    )
    drawn = [places_of(np.random.default_rng(seed).random((8, 8)), 2) for seed in range(3)]
    random = np.mean([replacement_curve(model, PIXELS, zeros, order, counts, 0).mean() for order in drawn])
    over = sum(expected) / 17 - (curve[0] - random)  # Samek's mean has k = 0 too
    assert measure_aopc(subject(), "blur", 2, 100, 3) == pytest.approx(over, abs=1e-6)


def test_entropy_and_rank_correlation() -> None:
    assert entropy(VALUES) == pytest.approx(3.947583934334545, abs=1e-6)
    other = np.abs(np.sin(2 + 3 * I) + 0.3).reshape(8, 8)
    assert spearman(VALUES, other) == pytest.approx(-0.28415750915750915, abs=1e-6)


def test_max_sensitivity() -> None:
    """Of |gradient|, with the one noise that both were given."""

    def shown(image: np.ndarray, models: Mapping[str, nn.Module]) -> np.ndarray:
        x = torch.as_tensor(image, dtype=torch.float32)[None, None]
        return gradient(models["classifier"], x, torch.tensor([0]))[0][0].abs().numpy()

    made = subject()
    values = shown(PIXELS, made.models)
    made = replace(made, map=values, render=kind_that_shows(shown))
    assert measure_max_sensitivity(made, 1, 0.2, 5) == pytest.approx(0.1496647447347641, abs=1e-6)
