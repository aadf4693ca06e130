"""Optical flow finds a movement that is known."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, shift

from explain.methods.flow import optical_flow


def texture() -> np.ndarray:
    noise = gaussian_filter(np.random.default_rng(0).normal(size=(96, 96)), 4)
    return np.clip(noise / noise.std() * 400, -1024, 1024)


def test_a_picture_that_moves_to_the_right_and_down() -> None:
    start = texture()
    right, down = optical_flow(start, shift(start, (1.5, 3), order=3, mode="nearest"))
    inside = slice(16, -16)
    assert np.median(right[inside, inside]) == pytest.approx(3, abs=0.2)
    assert np.median(down[inside, inside]) == pytest.approx(1.5, abs=0.2)


def test_the_same_picture_does_not_move() -> None:
    flow = optical_flow(texture(), texture())
    assert flow.shape == (2, 96, 96) and flow.dtype == np.float32 and not flow.any()


def test_wrong_input() -> None:
    with pytest.raises(ValueError, match="two pictures of one shape"):
        optical_flow(texture(), texture()[:-1])
    assert np.isnan(optical_flow(texture() * np.nan, texture())).all()
