"""A flow as a picture: hue for the way, opacity for the distance."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from explain.render.checks import UnusableMap
from explain.render.flow import flow_layer


def test_hue_is_the_direction_and_opacity_the_length() -> None:
    flow = np.zeros((2, 2, 2), np.float32)
    flow[:, 0, 0] = 4, 0  # to the right
    flow[:, 0, 1] = -4, 0  # to the left
    flow[:, 1, 0] = 0, -2  # up, half as far
    picture = np.asarray(Image.open(BytesIO(flow_layer(flow))))
    assert picture.shape == (2, 2, 4)
    assert picture[0, 0].tolist() == [255, 0, 0, 255]
    assert picture[0, 1, 0] < 10 and picture[0, 1, 1] > 240 and picture[0, 1, 2] > 240
    assert picture[1, 0, 1] > picture[1, 0, 2] and picture[1, 0, 3] == pytest.approx(128, abs=2)
    assert picture[1, 1, 3] == 0


@pytest.mark.parametrize("value, words", [(0, "moves nothing"), (np.nan, "not finite")])
def test_a_flow_that_shows_nothing_is_an_error(value: float, words: str) -> None:
    with pytest.raises(UnusableMap, match=words):
        flow_layer(np.full((2, 3, 3), value, np.float32))
