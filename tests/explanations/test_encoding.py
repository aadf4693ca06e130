"""From what was computed to files: what shows nothing is an error and not a picture."""

import io

import numpy as np
import pytest
from PIL import Image

from explain.images.radiograph import Radiograph
from explain.render.usable import UnusableMap
from readerstudy.explanations.computing import Computed
from readerstudy.explanations.encoding import encode

RADIOGRAPH = Radiograph(np.arange(64 * 64, dtype=np.uint8).reshape(64, 64))


def shifted(step: float) -> Computed:
    """Eleven frames, each brighter than the one before by `step` of the model's range of 2048, in one corner."""
    frames = np.zeros((11, 224, 224), np.float32)
    frames[:, :20, :20] = np.arange(11, dtype=np.float32)[:, None, None] * step
    return Computed(np.abs(frames - frames[0]).max(0), frames)


def test_an_animation_in_which_nothing_moves_is_an_error():
    with pytest.raises(UnusableMap, match="look the same"):
        encode("animation", shifted(0.01), RADIOGRAPH)
    assert {file.role for file in encode("animation", shifted(10), RADIOGRAPH)} == {"gif", "strip"}


def test_a_curve_is_a_chart_for_readers_and_a_drawing_for_researchers():
    record = {"lambdas": [-2.0, 0.0, 1.0], "predictions": [0.1, 0.6, 0.7]}
    chart, drawing = encode("curve", Computed(None, None, record), RADIOGRAPH)
    assert (chart.role, chart.format, chart.width, chart.height) == ("layer", "image/png", 720, 480)
    assert drawing.role == "curve" and b"-2" in drawing.content


def test_a_flow_is_one_picture_and_lies_flattened_over_the_radiograph():
    flow = np.zeros((2, 224, 224), np.float32)
    flow[0, :40] = 3
    picture, alone = encode("flow", Computed(None, flow), RADIOGRAPH)
    assert (picture.role, picture.width, picture.height) == ("layer", 672, 672)
    assert (alone.role, alone.width, alone.height) == ("overlay", 600, 600)
    with Image.open(io.BytesIO(alone.content)) as opened:
        pixels = np.asarray(opened.convert("RGB")).astype(int)
    coloured = np.ptp(pixels, axis=-1).max(axis=1) > 50
    assert coloured[:120].any() and not coloured[150:].any(), "arrows where something moves, else the grey radiograph"
    with pytest.raises(UnusableMap, match="nothing moves"):
        encode("flow", Computed(None, flow * 0), RADIOGRAPH)
