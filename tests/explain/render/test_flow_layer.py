"""A flow as arrows, all of one scale."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from explain.render.flow import flow_layer
from explain.render.usable import UnusableMap


def moving(right: float, down: float) -> np.ndarray:
    """64 x 64 in which one square of 8 pixels moves; its middle is at (20, 28), right and down."""
    flow = np.zeros((2, 64, 64), np.float32)
    flow[:, 24:32, 16:24] = np.array([right, down])[:, None, None]
    return flow


def drawn(flow: np.ndarray) -> tuple[float, float, float, float]:
    """Left, top, right and bottom end of what is drawn, in pixels of the flow."""
    opacity = np.asarray(Image.open(BytesIO(flow_layer(flow))))[..., 3]
    assert opacity.shape == (192, 192)
    rows, columns = np.nonzero(opacity > 128)
    return tuple(value / 3 for value in (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1))


def test_an_arrow_goes_the_way_of_the_motion_and_is_six_times_as_long() -> None:
    left, top, right, bottom = drawn(moving(3, 0))
    assert (left, right) == (pytest.approx(20, abs=1.5), pytest.approx(20 + 18, abs=1.5))
    assert top < 28 < bottom and (top + bottom) / 2 == pytest.approx(28, abs=0.7)
    left, top, right, bottom = drawn(moving(0, -2))
    assert (top, bottom) == (pytest.approx(28 - 12, abs=1.5), pytest.approx(28, abs=1.5))


def test_one_scale_whatever_else_moves() -> None:
    alone = np.asarray(Image.open(BytesIO(flow_layer(moving(1, 1)))))
    both = moving(1, 1)
    both[0, 48:56, :8] = 4
    beside = np.asarray(Image.open(BytesIO(flow_layer(both))))
    assert np.array_equal(alone[:130], beside[:130]), "an arrow does not depend on the others"
    assert drawn(moving(50, 0)) == drawn(moving(5, 0)), "what is longer than the longest is drawn as that"


def test_it_is_the_same_every_time_and_bright_with_a_dark_rim() -> None:
    assert flow_layer(moving(2, 1)) == flow_layer(moving(2, 1))
    colours = {tuple(pixel) for pixel in np.asarray(Image.open(BytesIO(flow_layer(moving(3, 0))))).reshape(-1, 4)}
    assert {(255, 221, 51, 255), (0, 0, 0, 255)} <= colours


@pytest.mark.parametrize("value, words", [(0, "nothing moves"), (0.01, "nothing moves"), (np.nan, "not finite")])
def test_a_flow_that_shows_nothing_is_an_error(value: float, words: str) -> None:
    with pytest.raises(UnusableMap, match=words):
        flow_layer(np.full((2, 16, 16), value, np.float32))
