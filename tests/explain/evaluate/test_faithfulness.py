"""Curves of replaced parts, worked out by hand on f(x) = w . x."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from explain.evaluate.faithfulness import (
    deletion_curve,
    fill_of,
    insertion_curve,
    measure_aopc,
    measure_deletion,
    measure_infidelity,
    measure_insertion,
    places_of,
    replacement_curve,
)
from explain.evaluate.metrics import Subject
from explain.render.usable import UnusableMap
from explain.testing import images, tiny_models
from tests.explain.evaluate.small import Weighted

PIXELS = np.array([[4, 3], [2, 1]], np.float32)  # f is a tenth of the sum


def subject(values: np.ndarray = PIXELS, pixels: np.ndarray = PIXELS) -> Subject:
    """Its fill is 0 everywhere."""
    made = Subject(map=values, pixels=pixels, models={"classifier": Weighted(np.full((2, 2), 0.1))})
    made.once(("fill", "blur"), lambda: np.zeros((2, 2), np.float32), of_image=True)
    return made


def test_places_of_patches() -> None:
    values = np.array([[1, 1, 0, 0], [1, 1, 0, 8], [5, 5, 0, 1], [5, 5, 0, 0]])  # means 1, 2, 5, 0.25
    assert places_of(values, 2).tolist() == [[2, 2, 1, 1], [2, 2, 1, 1], [0, 0, 3, 3], [0, 0, 3, 3]]
    uneven = np.arange(9).reshape(3, 3)  # patches of 4, 2, 2 and 1 pixels, means 2, 3.5, 6.5 and 8
    assert places_of(uneven, 2).tolist() == [[3, 3, 2], [3, 3, 2], [1, 1, 0]]


def test_equal_patches_are_taken_in_a_drawn_order() -> None:
    values = np.zeros((4, 4))
    values[0, 0] = 1
    first, other = places_of(values, seed=0), places_of(values, seed=1)
    assert first[0, 0] == other[0, 0] == 0
    assert sorted(first.ravel()) == list(range(16)) and not np.array_equal(first, other)
    assert np.array_equal(first, places_of(values, seed=0))


def test_deletion_and_insertion_by_hand() -> None:
    shares, deleted = deletion_curve(subject(), "blur", 1, 4)
    assert shares.tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert deleted == pytest.approx([1, 0.6, 0.3, 0.1, 0], abs=1e-6)
    _, inserted = insertion_curve(subject(), "blur", 1, 4)
    assert inserted == pytest.approx([0, 0.4, 0.7, 0.9, 1], abs=1e-6)
    assert measure_deletion(subject(), "blur", 1, 4) == pytest.approx((0.5 + 0.6 + 0.3 + 0.1) / 4)
    assert measure_insertion(subject(), "blur", 1, 4) == pytest.approx((0.4 + 0.7 + 0.9 + 0.5) / 4)
    assert measure_deletion(subject(-PIXELS), "blur", 1, 4) > measure_deletion(subject(), "blur", 1, 4)


def test_insertion_read_from_its_end_replaces_the_least_relevant_first() -> None:
    _, inserted = insertion_curve(subject(), "blur", 1, 4)
    least_first = replacement_curve(
        Weighted(np.full((2, 2), 0.1)), PIXELS, PIXELS * 0, places_of(-PIXELS), np.arange(5), 0
    )
    assert inserted[::-1] == pytest.approx(least_first)


def test_aopc_is_over_random_orders() -> None:
    right = 1 - (1 + 0.6 + 0.3 + 0.1 + 0) / 5
    random = 0.0
    for seed in (0, 1):
        order = np.argsort(-np.random.default_rng(seed).random((2, 2)).ravel())
        random += (1 - (1 - np.cumsum([0, *PIXELS.ravel()[order]]) / 10).mean()) / 2
    assert measure_aopc(subject(), "blur", 1, 4, 2) == pytest.approx(right - random)
    even = subject(PIXELS, np.full((2, 2), 2.5, np.float32))
    assert measure_aopc(even, "blur", 1, 4, 2) == pytest.approx(0, abs=1e-6)  # every order is as good
    assert measure_aopc(subject(), "blur", 1, 400, 2) == measure_aopc(subject(), "blur", 1, 4, 2)


def test_explanations_of_one_image_share_its_random_orders() -> None:
    first = subject()
    passes: list[int] = []
    first.models["classifier"].register_forward_hook(lambda module, inputs, output: passes.append(len(output)))
    measure_aopc(first, "blur", 1, 4, 2)
    assert sum(passes) == 15  # five images for the map, and for each of two orders
    other = replace(first, map=-PIXELS)
    assert measure_aopc(other, "blur", 1, 4, 2) == pytest.approx(measure_aopc(subject(-PIXELS), "blur", 1, 4, 2))
    assert sum(passes) == 20


def test_passes_of_any_size_give_the_same() -> None:
    one = replace(subject(), batch_size=1)
    one.once(("fill", "blur"), lambda: np.zeros((2, 2), np.float32), of_image=True)
    assert deletion_curve(one, "blur", 1, 4)[1] == pytest.approx(deletion_curve(subject(), "blur", 1, 4)[1])


def test_fills() -> None:
    pixels = np.arange(16, dtype=np.float32).reshape(4, 4)
    made = Subject(map=pixels, pixels=pixels, models={"classifier": Weighted(pixels)})
    mean = fill_of(made, "mean")  # squares of 3 pixels here, cut at the border
    assert mean[0, 0] == pytest.approx((0 + 1 + 4 + 5) / 4) and mean[1, 1] == pytest.approx(5)
    blurred = fill_of(made, "blur")
    assert np.ptp(blurred) < np.ptp(pixels) and blurred.mean() == pytest.approx(7.5, abs=0.5)
    with pytest.raises(ValueError, match="no fill is called 'zeros'"):
        fill_of(made, "zeros")  # type: ignore[arg-type]


def test_the_counterfactual_fill_has_less_of_the_finding() -> None:
    models, pixels = tiny_models(), images(1)[0, 0].numpy()
    made = Subject(map=pixels, pixels=pixels, target=1, models=models)
    start, end = replacement_curve(
        models["classifier"], pixels, fill_of(made, "counterfactual"), places_of(pixels), np.array([0, pixels.size]), 1
    )
    assert end < start


def test_infidelity_by_hand() -> None:
    weights = np.array([[0.5, -1], [2, 0]], np.float32) / 100
    right = replace(subject(), signed=weights, models={"classifier": Weighted(weights)})
    assert measure_infidelity(right, 64, 0.05, 0) == pytest.approx(0, abs=1e-8)
    silent = replace(right, signed=weights * 0)
    expected = (weights**2).sum() * (0.05 * 2048) ** 2  # the variance of w . I
    assert measure_infidelity(silent, 4096, 0.05, 0) == pytest.approx(expected, rel=0.1)


def test_a_constant_map_is_refused() -> None:
    with pytest.raises(UnusableMap, match="constant"):
        measure_deletion(subject(np.ones((2, 2))), "blur", 1, 4)
