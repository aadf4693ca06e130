import pytest
import torch
from torch import Tensor, nn

from explain.models.demo_pair import load_demo
from explain.models.dense_block import DenseBlock
from explain.models.fast import Pointwise, prepared
from tests.explain.conftest import radiographs
from tests.explain.methods.test_gradients import METHODS, relative, state


def error(ours: Tensor, other: Tensor) -> float:
    return float((ours - other).abs().max() / other.abs().max())


def test_a_prepared_densenet_predicts_and_explains_the_same(densenet: nn.Module) -> None:
    x, targets, before = radiographs(2), torch.tensor([1, 3]), state(densenet)
    fast = prepared(densenet)
    assert state(densenet) == before
    with torch.no_grad():
        assert error(fast(x), densenet(x)) < 1e-5
    for method in METHODS.values():
        assert relative(method(fast, x, targets), method(densenet, x, targets)) < 1e-4
        assert relative(method(fast, x, targets)[:1], method(fast, x[:1], targets[:1])) < 1e-4
    kinds = [type(module) for module in fast.modules()]
    layers = sum(type(module).__name__ == "_DenseLayer" for module in fast.modules())
    assert kinds.count(nn.Identity) == layers + 1  # norm2 of each layer, and norm0: what comes before a ReLU stays
    assert (kinds.count(DenseBlock), kinds.count(Pointwise)) == (2, 1)  # the transition has a 1 x 1 convolution


def test_a_prepared_resnet_autoencoder_draws_the_same() -> None:
    import torchxrayvision as xrv

    torch.manual_seed(0)
    model = xrv.autoencoders._ResNetAE(
        xrv.autoencoders.Bottleneck, xrv.autoencoders.DeconvBottleneck, [1, 1, 2, 2], n_classes=1
    )
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None
    x = radiographs(2, 224)
    with torch.no_grad():
        model.train()(x)
        model.eval()
        z = model.encode(x)
        fast = prepared(model)
        assert not any(isinstance(module, nn.BatchNorm2d) for module in fast.modules())
        assert error(fast.encode(x), z) < 1e-5
        assert error(fast.decode(z, (224, 224)), model.decode(z, (224, 224))) < 1e-5


def test_prepared_demo_models_compute_the_same() -> None:
    x = radiographs(2, 224)
    with torch.no_grad():
        for model in load_demo():
            assert error(prepared(model)(x), model(x)) < 1e-5


class Unordered(nn.Module):
    """Children in another order than they run: nothing here may be joined."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution, self.norm = nn.Conv2d(1, 1, 3), nn.BatchNorm2d(1)

    def forward(self, x: Tensor) -> Tensor:
        return self.convolution(self.norm(x)).mean((2, 3))


@pytest.mark.parametrize("model", [Unordered(), nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2, affine=False))])
def test_other_modules_keep_what_they_compute(model: nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.fill_(3), module.running_var.fill_(2)
    x = radiographs(2)
    with torch.no_grad():
        assert error(prepared(model)(x), model.eval()(x)) < 1e-5
