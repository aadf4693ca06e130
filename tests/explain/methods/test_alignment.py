"""Which other outputs move along, by hand and on a record of Latent Shift."""

import json

import numpy as np
import pytest
import torch

from explain.methods.alignment import alignment, changes
from explain.methods.contract import explained
from explain.methods.kinds import KINDS
from explain.testing import TinyClassifier, images, tiny_models


def test_by_hand() -> None:
    #          target  along  against  still  uneven
    outputs = [[0.1, 0.20, 0.9, 0.3, 0.0],
               [0.2, 0.25, 0.8, 0.3, 0.3],
               [0.3, 0.30, 0.7, 0.3, 0.0]]  # fmt: skip
    found = alignment(outputs, 0)
    assert found[:3].tolist() == pytest.approx([1, 1, -1]) and np.isnan(found[3]) and found[4] == pytest.approx(0)
    assert np.isnan(alignment(outputs, 3)).all()
    assert changes(outputs, [-20, -10, 0]).tolist() == pytest.approx([-0.2, -0.1, 0.2, 0, 0])
    assert changes(outputs, [-20, 0, 10]).tolist() == pytest.approx([-0.1, -0.05, 0.1, 0, -0.3])


def test_it_is_pearsons_correlation() -> None:
    outputs = np.random.default_rng(0).random((11, 6))
    np.testing.assert_allclose(alignment(outputs, 2), np.corrcoef(outputs.T)[2])


@pytest.mark.parametrize("outputs, target", [([1, 2], 0), ([[1, 2]], 2), ([[1, 2]], -1)])
def test_wrong_input_is_refused(outputs: list[object], target: int) -> None:
    with pytest.raises(ValueError, match="outputs have shape"):
        alignment(outputs, target)


def test_every_output_along_lambda_is_in_the_record() -> None:
    models, x, targets = tiny_models(), images(2), torch.tensor([3, 0])
    made = explained([KINDS["latentshift_animation"]], x, targets, models)["latentshift_animation"].results
    for result, target in zip(made, targets.tolist()):
        record = result.record
        assert result.frames is not None and record["target"] == target
        assert record["output_names"] == list(TinyClassifier.pathologies)
        with torch.no_grad():
            outputs = models["classifier"](result.frames[:, None])
        np.testing.assert_allclose(record["outputs"], outputs.numpy(), atol=1e-4)
        np.testing.assert_allclose(np.array(record["outputs"])[:, target], record["predictions"], atol=5e-5)
        assert alignment(record["outputs"], target)[target] == pytest.approx(1)
        assert len(json.dumps(record["outputs"])) < 600
