"""From what was computed to files: what shows nothing is an error and not a picture."""

import numpy as np
import pytest

from explain.images.radiograph import Radiograph
from explain.render.checks import UnusableMap
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
