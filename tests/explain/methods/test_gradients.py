import copy
import warnings
from collections.abc import Callable

import numpy as np
import pytest
import torch
from captum.attr import GuidedBackprop, IntegratedGradients
from torch import Tensor, nn
from torch.nn import functional as F

from explain.methods.gradients import input_gradients, integrate_gradients, integrated_gradients
from explain.methods.guided import guided_backprop
from explain.methods.modes import exact_float32, frozen
from explain.render.usable import UnusableMap, map_problem, require_usable
from tests.explain.conftest import radiographs

METHODS: dict[str, Callable[..., Tensor]] = {
    "input gradients": input_gradients,
    "guided backprop, captum": guided_backprop,
    "guided backprop, full": lambda *a: guided_backprop(*a, final_relu="full"),
    "integrated gradients": lambda *a: integrated_gradients(*a, steps=12, batch_size=5),
}


class Linear(nn.Module):
    """f_k(x) = sum(w_k * x): its gradient is w_k everywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.linspace(-1, 1, 2 * 16).reshape(2, 4, 4))

    def forward(self, x: Tensor) -> Tensor:
        return torch.einsum("nchw,khw->nk", x, self.weight)


def state(model: nn.Module) -> list[object]:
    """Everything that an explanation must leave as it was found."""
    modules = [(m.training, getattr(m, "inplace", None), len(m._forward_pre_hooks), len(m._forward_hooks),
                len(m._backward_hooks), m.__dict__.get("forward")) for m in model.modules()]  # fmt: skip
    return [*modules, *[(p.requires_grad, p.grad, p.detach().sum().item()) for p in model.parameters()],
            *[b.double().sum().item() for b in model.buffers()]]  # fmt: skip


def relative(ours: Tensor, other: Tensor) -> float:
    """Largest difference over each map's maximum."""
    return float(((ours - other).abs().amax((1, 2)) / other.abs().amax((1, 2))).max())


def test_linear_model_by_hand() -> None:
    model, x, targets = Linear(), radiographs(2, 4), torch.tensor([1, 0])
    weights = model.weight.detach()[targets]
    assert torch.allclose(input_gradients(model, x, targets), weights.abs())
    assert torch.allclose(guided_backprop(model, x, targets), weights.abs())
    result = integrate_gradients(model, x, targets, steps=1)
    assert torch.allclose(result.attributions, weights * x[:, 0], rtol=1e-5)
    assert torch.allclose(result.completeness_gap, torch.zeros(2), atol=1e-2)


def test_guided_backprop_by_hand() -> None:
    # y = 3 relu(x1) - 2 relu(x2): where both are positive the plain gradient is (3, -2), the guided one (3, 0)
    class Two(nn.Module):
        def __init__(self, how: Callable[[Tensor], Tensor]) -> None:
            super().__init__()
            self.relu = how

        def forward(self, x: Tensor) -> Tensor:
            return (self.relu(x * 1).flatten(1) * torch.tensor([3.0, -2.0])).sum(1, keepdim=True)

    def in_place_statement(x: Tensor) -> Tensor:
        F.relu_(x)
        return x

    x, target = torch.tensor([[[[5.0, 7.0]]], [[[5.0, -7.0]]]]), torch.tensor([0, 0])
    plain, guided = torch.tensor([[[3.0, 2.0]], [[3.0, 0.0]]]), torch.tensor([[[3.0, 0.0]], [[3.0, 0.0]]])
    for how in (nn.ReLU(), nn.ReLU(inplace=True)):
        assert torch.equal(guided_backprop(Two(how), x, target), guided)
        assert torch.equal(guided_backprop(Two(how), x, target, "full"), guided)
    for how in (F.relu, torch.relu, Tensor.relu, lambda x: F.relu(x, inplace=True), torch.relu_, in_place_statement):
        assert torch.equal(guided_backprop(Two(how), x, target), plain)
        assert torch.equal(guided_backprop(Two(how), x, target, "full"), guided)


@pytest.mark.parametrize("name", METHODS)
def test_a_batch_gives_what_single_images_give(densenet: nn.Module, name: str) -> None:
    x, targets = radiographs(5), torch.tensor([3, 0, 4, 0, 1])
    maps = METHODS[name](densenet, x, targets)
    single = torch.cat([METHODS[name](densenet, x[i : i + 1], targets[i : i + 1]) for i in range(5)])
    assert maps.shape == (5, 32, 32) and maps.dtype == torch.float32 and (maps >= 0).all()
    assert all(map_problem(m) is None for m in maps)
    assert relative(maps, single) < 1e-4


def captum_guided(model: nn.Module, x: Tensor, targets: Tensor) -> Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return GuidedBackprop(model).attribute(x.clone().requires_grad_(), target=targets)[:, 0].abs()


def test_guided_backprop_is_captums(densenet: nn.Module) -> None:
    x, targets = radiographs(3), torch.tensor([2, 0, 1])
    captum = captum_guided(densenet, x, targets)
    assert relative(guided_backprop(densenet, x, targets), captum) < 1e-5
    assert relative(guided_backprop(densenet, x, targets, "full"), captum) > 0.01  # the last ReLU does matter


def with_relu_module(densenet: nn.Module) -> nn.Module:
    """TorchXRayVision's DenseNet with its last ReLU as a module, `last`."""

    class WithModule(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.last = copy.deepcopy(densenet), nn.ReLU()

        def forward(self, x: Tensor) -> Tensor:
            features = F.adaptive_avg_pool2d(self.last(self.inner.features(x)), (1, 1)).flatten(1)
            p, at = torch.sigmoid(self.inner.classifier(features)), self.inner.op_threshs
            return torch.where(p < at, p / (2 * at), 1 - (1 - p) / (2 * (1 - at)))

    return WithModule()


def test_full_guided_backprop_is_captums_when_the_last_relu_is_a_module(densenet: nn.Module) -> None:
    x, targets = radiographs(3), torch.tensor([2, 0, 1])
    assert (
        relative(guided_backprop(densenet, x, targets, "full"), captum_guided(with_relu_module(densenet), x, targets))
        < 1e-5
    )


def test_integrated_gradients_are_captums_and_complete(densenet: nn.Module) -> None:
    x, targets = radiographs(3), torch.tensor([2, 0, 1])
    captum = IntegratedGradients(densenet).attribute(x, target=targets, n_steps=20, method="gausslegendre")
    result = integrate_gradients(densenet, x, targets, steps=20, batch_size=7)
    assert relative(result.attributions, captum[:, 0]) < 1e-4
    with torch.no_grad():
        rise = (densenet(x) - densenet(x * 0)).gather(1, targets[:, None])[:, 0]
    assert torch.allclose(result.prediction - result.prediction_baseline, rise, atol=1e-6)
    assert torch.allclose(result.completeness_gap, result.attributions.sum((1, 2)) - rise, atol=1e-5)
    gaps = [integrate_gradients(densenet, x, targets, steps=n).completeness_gap.abs().max() for n in (2, 200)]
    assert gaps[1] < 0.1 * gaps[0]


@pytest.mark.parametrize("name", METHODS)
def test_the_classifier_is_left_as_it_was_found(densenet: nn.Module, name: str) -> None:
    model = copy.deepcopy(densenet).train()
    model.features.denseblock1.eval()
    next(model.parameters()).requires_grad_(False)
    x, targets = radiographs(2), torch.tensor([0, 1])
    before = state(model)
    with torch.inference_mode():
        maps = METHODS[name](model, x.clone(), targets.clone())
    assert state(model) == before
    assert relative(maps, METHODS[name](densenet, x, targets)) < 1e-5  # and was used in evaluation mode
    with pytest.raises(RuntimeError):
        METHODS[name](model, x, torch.tensor([0, 5]))  # there is no output column 5
    assert state(model) == before


def test_float32_is_exact_inside_and_as_before_outside() -> None:
    conv, matmul = torch.backends.cudnn.conv, torch.backends.mkldnn.matmul
    before = conv.fp32_precision, matmul.fp32_precision
    matmul.fp32_precision = "bf16"
    try:
        with pytest.raises(KeyError), torch.autocast("cpu"), exact_float32(torch.device("cpu")):
            assert conv.fp32_precision == "ieee" and matmul.fp32_precision == "ieee"
            assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32
            raise KeyError
        assert (conv.fp32_precision, matmul.fp32_precision) == (before[0], "bf16")
    finally:
        matmul.fp32_precision = before[1]


def test_frozen_restores_after_an_exception() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout())
    model[1].eval()
    before = state(model)
    with pytest.raises(KeyError), frozen(model):
        assert not model.training and not model[0].weight.requires_grad
        raise KeyError
    assert state(model) == before


def test_one_bad_image_is_reported_and_the_others_are_not_disturbed(densenet: nn.Module) -> None:
    x, targets = radiographs(3), torch.tensor([0, 1, 2])
    good = input_gradients(densenet, x, targets)
    x[1, 0, 3, 3] = torch.nan
    maps = input_gradients(densenet, x, targets)
    assert [map_problem(m) is None for m in maps] == [True, False, True]
    assert relative(maps[[0, 2]], good[[0, 2]]) < 1e-4
    with pytest.raises(UnusableMap, match="not finite"):
        require_usable(maps[1])
    with pytest.raises(UnusableMap, match="constant"):
        require_usable(np.zeros((4, 4)))


@pytest.mark.parametrize(
    "x, targets, words",
    [
        (torch.zeros(2, 3, 8, 8), torch.tensor([0, 0]), "shape"),
        (torch.zeros(2, 1, 8, 8), torch.tensor([0]), "one for each"),
        (torch.zeros(1, 1, 8, 8, dtype=torch.uint8), torch.tensor([0]), "float32"),
    ],
)
def test_wrong_input_is_refused_in_words(x: Tensor, targets: Tensor, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        input_gradients(Linear(), x, targets)
