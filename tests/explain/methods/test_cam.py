"""Class activation maps by hand, and against Captum where the ReLU is one that Captum sees."""

import pytest
import torch
from captum.attr import LayerAttribution, LayerGradCam
from torch import Tensor, nn
from torch.nn import functional as F

from explain.methods.cam import Variant, class_activation, feature_layers
from explain.models.fast import prepared
from tests.explain.conftest import radiographs
from tests.explain.methods.test_gradients import with_relu_module

ONE = torch.tensor([0])
A = torch.tensor([[[[4.0, -2.0], [1.0, -3.0]], [[-1.0, 3.0], [2.0, 1.0]]]])  # features (1, 2, 2, 2)
C = (2.0, -1.0)


class Pooled(nn.Module):
    """f = c . mean over places of ReLU(features), the ReLU applied in the way given."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.features, self.how = nn.Identity(), how

    def forward(self, x: Tensor) -> Tensor:
        features = self.features(A * (1 + 0 * x.sum()))
        if self.how == "in place":
            F.relu(features, inplace=True)
        else:
            features = F.relu(features)
        return (features.mean((2, 3)) @ torch.tensor(C))[:, None]


@pytest.mark.parametrize("how", ["a copy", "in place"])
@pytest.mark.parametrize("variant", ["grad-cam", "hirescam"])
def test_features_after_the_relu_by_hand(how: str, variant: Variant) -> None:
    # after average pooling and a linear layer both are the plain class activation map, here over the 4 places
    found = class_activation(Pooled(how), torch.zeros(1, 1, 2, 2), ONE, variant, "features")
    by_hand = (C[0] * A[:, 0].relu() + C[1] * A[:, 1].relu()).relu() / 4
    assert torch.allclose(found, by_hand)
    assert A.min() == -3  # what was cut out of the model is as it was


@pytest.mark.parametrize("how", ["a copy", "in place"])
def test_features_before_the_relu_by_hand(how: str) -> None:
    found = class_activation(Pooled(how), torch.zeros(1, 1, 2, 2), ONE, "grad-cam", "features", rectified=False)
    alphas = C[0] / 4 * 2 / 4, C[1] / 4 * 3 / 4  # 2 and 3 of 4 places are over 0: elsewhere the gradient is 0
    assert torch.allclose(found, (alphas[0] * A[:, 0] + alphas[1] * A[:, 1]).relu())


class Weighted(nn.Module):
    """f = sum(w * features), every place with a weight of its own."""

    weight = torch.tensor([[[1.0, -2.0], [0.0, 3.0]], [[0.5, 0.5], [-1.0, 1.0]]])

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return (self.features(A * (1 + 0 * x.sum())) * self.weight).sum((1, 2, 3))[:, None]


def test_the_three_variants_by_hand() -> None:
    def found(variant: Variant) -> Tensor:
        return class_activation(Weighted(), torch.zeros(1, 1, 2, 2), ONE, variant, "features")

    g = Weighted.weight
    assert torch.allclose(found("grad-cam"), (A * g.mean((1, 2), keepdim=True)).sum(1).relu())
    assert torch.allclose(found("hirescam"), (A * g).sum(1).relu())
    sums = A.sum((2, 3))[0]  # 0 and 5
    alphas = [
        sum(v * v / (2 * v * v + total * v**3) * max(v, 0) for v in channel.flatten().tolist() if v)
        for channel, total in zip(g, sums.tolist())
    ]
    assert torch.allclose(found("grad-cam++"), (alphas[0] * A[:, 0] + alphas[1] * A[:, 1]).relu())


def test_torchxrayvisions_in_place_relu_changes_nothing(densenet: nn.Module) -> None:
    x, targets = radiographs(3, 64), torch.tensor([2, 0, 1])
    seen = with_relu_module(densenet)
    captum = LayerGradCam(seen, seen.last).attribute(x, target=targets, relu_attributions=True)
    captum = LayerAttribution.interpolate(captum, (64, 64), "bilinear")[:, 0].detach()
    for model in (densenet, prepared(densenet)):
        assert torch.allclose(class_activation(model, x, targets), captum, atol=1e-4 * float(captum.max()))
    before = class_activation(densenet, x, targets, rectified=False)
    assert before.shape == (3, 64, 64) and not torch.allclose(before, captum, rtol=0.01)


def test_layers_are_found_from_the_last_size_to_the_first(densenet: nn.Module) -> None:
    names = feature_layers(densenet, radiographs(1, 64))
    assert names == ["features", "features.transition1.conv", "features.relu0"]
    maps = [class_activation(densenet, radiographs(1, 64), ONE, layer=name) for name in names]
    assert all(found.shape == (1, 64, 64) for found in maps)


def test_wrong_layers_are_refused(densenet: nn.Module) -> None:
    x = radiographs(1)
    with pytest.raises(ValueError, match="no layer 'feature'"):
        class_activation(densenet, x, ONE, layer="feature")
    with pytest.raises(ValueError, match="gives no features"):
        class_activation(densenet, x, ONE, layer="classifier")
    with pytest.raises(ValueError, match="variant is 'score-cam'"):
        class_activation(densenet, x, ONE, "score-cam")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no convolutional features"):
        class_activation(nn.Sequential(nn.Flatten(), nn.Linear(1024, 2)), x, ONE)
