"""Guided backprop refuses what it is not defined for, by name. How it guides: test_gradients.py."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from explain.methods.guided import FinalRelu, guided_backprop
from explain.testing import images


def network(activation: nn.Module) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.Sequential(nn.ReLU(), nn.Conv2d(4, 4, 3)), activation, nn.Flatten(),
        nn.Linear(4 * 28 * 28, 2), nn.Sigmoid(),
    )  # fmt: skip


class Applied(nn.Module):
    def __init__(self, function: object) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)  # type: ignore[operator]


def explain(model: nn.Module, final_relu: FinalRelu = "captum") -> Tensor:
    return guided_backprop(model, images(1) / 1024, torch.tensor([0]), final_relu)


@pytest.mark.parametrize("final_relu", ["captum", "full"])
@pytest.mark.parametrize(
    "activation", [nn.SiLU(), nn.GELU(), nn.LeakyReLU(), nn.ELU(), nn.PReLU(), nn.ReLU6(), nn.Hardswish(), nn.Tanh()]
)
def test_another_activation_is_refused_with_its_place(activation: nn.Module, final_relu: FinalRelu) -> None:
    model = network(activation)
    with pytest.raises(ValueError, match=f"{type(activation).__name__} in its layer '2': choose another kind"):
        explain(model, final_relu)
    assert not any(module._forward_pre_hooks for module in model.modules())


@pytest.mark.parametrize("final_relu", ["captum", "full"])
@pytest.mark.parametrize("function", [F.silu, F.gelu, F.leaky_relu, torch.tanh, Tensor.tanh, lambda x: F.elu(x, 2.0)])
def test_another_activation_as_a_function_is_refused(function: object, final_relu: FinalRelu) -> None:
    with pytest.raises(ValueError, match=r"applies the function (silu|gelu|leaky_relu|tanh|elu)"):
        explain(network(Applied(function)), final_relu)


def test_relus_and_what_makes_probabilities_are_let_through() -> None:
    for activation in (nn.ReLU(), nn.ReLU(inplace=True), Applied(F.relu), nn.MaxPool2d(1), nn.Sigmoid()):
        assert explain(network(activation)).any()
