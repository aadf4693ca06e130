"""The card of a map generator: agreement with masks, and what a classifier makes of the altered images."""

import numpy as np
import pytest
import torch

from explain.models.registry import LoadedClassifier
from explain.testing import TinyClassifier, images, tiny_models
from explain.training.vagan_quality import Judge, fit, judged
from tests.explain.methods.test_generator import Halves


def test_maps_and_masks_by_hand() -> None:
    truth = np.zeros((2, 4, 4), bool)
    truth[:, :2, :2] = True
    maps = truth.astype(np.float32)
    maps[1] = 0  # changes nothing
    found = fit(maps, truth)
    assert (found["ncc"], found["iou"], found["masks"]) == pytest.approx((0.5, 0.5, 2))


def test_what_the_card_says_of_a_generator_that_takes_half_away() -> None:
    models, x = tiny_models(), images(3).numpy()
    names = TinyClassifier.pathologies
    classifier = LoadedClassifier("tiny", models["classifier"], names, "tiny.safetensors", "c" * 64, 32, None)
    judge = Judge(classifier, 1, x, torch.device("cpu"), None, "tiny names no autoencoder.")
    card = judged(judge, Halves(), batch=2)
    assert card["changed_again"] == pytest.approx(0.5) and card["self_consistency"] == 0
    with torch.no_grad():
        before, after = (models["classifier"](torch.from_numpy(one))[:, 1].mean().item() for one in (x, x / 2))
    assert (card["prediction"], card["prediction_altered"]) == pytest.approx((before, after), abs=1e-5)
    assert card["alignment"]["Two"] == pytest.approx(1) and set(card["alignment"]) <= set(names)
    assert -1 <= card["compatibility"] <= 1 and card["no_data_consistency"] == "tiny names no autoencoder."
    both = Judge(classifier, 1, x, torch.device("cpu"), models["autoencoder"])
    assert "data_consistency" in judged(both, Halves()) and "no_data_consistency" not in judged(both, Halves())
