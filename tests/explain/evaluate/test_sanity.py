"""Randomised layers: what changes, what stays, and maps that do not look at the model."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from explain.evaluate.metrics import METRICS, Subject
from explain.evaluate.sanity import cascade, entropy, layers_of, measure_entropy_rise, randomised
from explain.render.usable import UnusableMap
from tests.explain.evaluate.small import kind_that_shows


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 2, 3), nn.Flatten()).eval()


def subject(of: object, values: np.ndarray, pixels: np.ndarray) -> Subject:
    return Subject(map=values, pixels=pixels, models={"classifier": network()}, render=kind_that_shows(of))  # type: ignore[arg-type]


def test_layers_go_from_the_output_to_the_input() -> None:
    assert layers_of(network()) == ["3", "1", "0"]


def test_randomising_is_cumulative_keeps_size_and_leaves_the_model() -> None:
    model = network()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    one, three = randomised(model, 1), randomised(model, 3)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.equal(one[0].weight, model[0].weight) and not torch.equal(one[3].weight, model[3].weight)  # type: ignore[index]
    assert torch.equal(three[3].weight, one[3].weight)  # type: ignore[index]
    assert not torch.equal(three[0].weight, model[0].weight)  # type: ignore[index]
    assert float(three[3].weight.detach().std()) == pytest.approx(float(model[3].weight.detach().std()), rel=0.3)  # type: ignore[index]
    assert not torch.equal(randomised(model, 1, seed=1)[3].weight, one[3].weight)  # type: ignore[index]


def test_cascade_by_hand() -> None:
    """A map of the first layer's weights stays until that layer is reached, the last of three."""
    values = network()[0].weight.detach()[0, 0].numpy()
    shown = subject(lambda image, models: models["classifier"][0].weight.detach()[0, 0], values, values)
    shares, likeness = cascade(shown, 3)
    assert shares == pytest.approx([1 / 3, 2 / 3, 1])
    assert likeness[:2].tolist() == [1, 1] and likeness[2] < 0.9


def test_an_edge_detector_and_a_random_map_do_not_change_at_all() -> None:
    pixels = np.random.default_rng(0).normal(0, 300, (16, 16)).astype(np.float32)

    def edges(image: np.ndarray, models: object) -> np.ndarray:
        return np.hypot(*np.gradient(image.astype(float)))

    def drawn(image: np.ndarray, models: object) -> np.ndarray:
        return np.random.default_rng(7).random(image.shape)

    for of in (edges, drawn):
        made = subject(of, np.asarray(of(pixels, None), np.float32), pixels)
        assert cascade(made, 3)[1].tolist() == [1, 1, 1]
        assert METRICS["randomisation_spearman"].measure(made) == 1
        assert METRICS["randomisation_entropy_rise"].measure(made) == 0


def test_entropy_by_hand() -> None:
    assert entropy(np.repeat([0.0, 1.0], 8)) == pytest.approx(np.log(2))
    assert entropy(np.array([0.0, 0, 0, 1])) == pytest.approx(0.75 * np.log(4 / 3) + 0.25 * np.log(4))
    assert entropy(-np.arange(100.0)) == pytest.approx(np.log(100))


def test_a_randomised_map_that_is_constant_has_kept_nothing() -> None:
    values = np.repeat([0.0, 1.0], 8).reshape(4, 4)
    made = subject(lambda image, models: np.zeros((4, 4)), values, values.astype(np.float32))
    assert cascade(made, 2)[1].tolist() == [0, 0]
    assert measure_entropy_rise(made, 0) == -1
    for name in ("randomisation_spearman", "randomisation_entropy_rise"):
        with pytest.raises(UnusableMap, match="constant"):
            METRICS[name].measure(subject(lambda image, models: values, values * 0, values))
