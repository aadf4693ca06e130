"""The two perturbations: steps known by hand, and that they find what a classifier looks at."""

import pytest
import torch
from torch import Tensor, nn

from explain.methods.blur import gaussian_blur
from explain.methods.perturbation import (
    AdditiveSettings,
    MaskSettings,
    additive_perturbation,
    meaningful_perturbation,
)
from explain.testing import images
from tests.explain.methods.tiny import Linear

ONE = torch.tensor([0])


def test_additive_steps_by_hand() -> None:
    # without penalties a linear f has a constant gradient: each step of Adam is one learning rate against its sign,
    # and the image keeps its range, here -500 to 600
    weight = torch.tensor([[[1.0, -2.0, 0.0, 5.0]]], dtype=torch.float64)
    x = torch.tensor([[[[600.0, 550.0, 0.0, -500.0]]]], dtype=torch.float64)
    settings = AdditiveSettings(sparsity=0, smoothness=0, iterations=10, learning_rate=0.01)
    found = additive_perturbation(Linear(weight), x, ONE, settings)
    assert found.flatten().tolist() == pytest.approx([102.4, 50, 0, 0], rel=1e-6)


def test_mask_steps_by_hand() -> None:
    # the mask falls by one learning rate a step where blurring lowers f, and stays at 1 elsewhere
    x = images(1, 16).double()
    blurred = gaussian_blur(x, 5)
    weight = torch.ones(1, 16, 16, dtype=torch.float64)
    settings = MaskSettings(
        mask_size=16, mask_sigma=0.05, sparsity=0, smoothness=0, iterations=4, learning_rate=0.1
    )  # a mask of the image's size, not blurred
    found = meaningful_perturbation(Linear(weight), x, ONE, settings)
    falls = (x - blurred)[0] > 0
    assert torch.allclose(found, torch.where(falls, 0.4, 0.0).double(), atol=1e-6)


class Dot(nn.Module):
    """How bright the middle of one quarter is over its surroundings."""

    def forward(self, x: Tensor) -> Tensor:
        bright = x[:, 0, 8:12, 8:12].mean((1, 2)) - x[:, 0, 4:16, 4:16].mean((1, 2))
        return torch.sigmoid(bright / 200 - 1)[:, None]


def dotted(noise: int) -> Tensor:
    x = images(1, 32, noise).double() / 4
    x[0, 0, 8:12, 8:12] += 600
    return x


def test_both_find_what_the_classifier_looks_at() -> None:
    x = torch.cat([dotted(1), dotted(2)])
    targets = torch.tensor([0, 0])
    for maps in (
        meaningful_perturbation(Dot(), x, targets, MaskSettings(mask_size=16, mask_sigma=1, sparsity=1)),
        additive_perturbation(Dot(), x, targets, AdditiveSettings(sparsity=3, learning_rate=0.01)),
    ):
        inside = maps[:, 4:16, 4:16].sum((1, 2)) / maps.sum((1, 2))
        assert (inside > 0.5).all(), "by chance it would be 0.14"


def test_a_heavier_penalty_gives_a_smaller_change() -> None:
    def masked(sparsity: float) -> Tensor:
        settings = MaskSettings(mask_size=16, sparsity=sparsity, iterations=40)
        return meaningful_perturbation(Dot(), dotted(1), ONE, settings).sum()

    def added(sparsity: float) -> Tensor:
        return additive_perturbation(Dot(), dotted(1), ONE, AdditiveSettings(sparsity=sparsity, iterations=40)).sum()

    assert masked(10) < masked(0.3) and added(100) < added(1)


def test_wrong_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="iterations is 0"):
        meaningful_perturbation(Dot(), dotted(1), ONE, MaskSettings(iterations=0))
    with pytest.raises(ValueError, match="batch_size is 0"):
        additive_perturbation(Dot(), dotted(1), ONE, batch_size=0)
