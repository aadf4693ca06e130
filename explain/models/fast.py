"""A copy of a model that computes the same faster: fewer passes over memory, and matrix products where they suffice.

What changes results by rounding only: batch normalisations go into the convolution before them, 1 x 1 convolutions
become matrix products, dense blocks one operation, and images are kept channels-last. Only layers known to follow each
other are joined: those of an `nn.Sequential`, and of TorchXRayVision's DenseNet and ResNet autoencoder.
"""

import copy
from collections.abc import Iterator
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from explain.models.dense_block import DenseBlock


def _kind(layer: type[nn.Module]) -> str:
    return f"{layer.__module__}.{layer.__qualname__}"


# By name: to import TorchXRayVision takes longer than to import torch, and most models here do not need it.
_DENSE_LAYER, _DENSE_BLOCK = "torchxrayvision.models._DenseLayer", "torchxrayvision.models._DenseBlock"
_CHAINS = {_kind(nn.Sequential), _DENSE_LAYER, _DENSE_BLOCK, "torchxrayvision.models._Transition"}
_BOTTLENECKS = {"torchxrayvision.autoencoders.Bottleneck", "torchxrayvision.autoencoders.DeconvBottleneck"}
_RESNET_AUTOENCODER = "torchxrayvision.autoencoders._ResNetAE"


def prepared(model: nn.Module) -> nn.Module:
    """A copy of `model` for explaining: in evaluation mode, parameters without gradients, its own device and type.

    The model itself is left alone. On a GPU the copy is the model in evaluation mode and no more: there, other things
    cost time.
    """
    model = copy.deepcopy(model).eval().requires_grad_(False)
    if any(tensor.device.type != "cpu" for tensor in model.parameters()):
        return model
    for parent in list(model.modules()):
        for convolution, norm in _pairs(parent):
            _fold(parent, convolution, norm)
        if _kind(type(parent)) in _BOTTLENECKS and isinstance(parent.relu, nn.ReLU):
            parent.relu.inplace = True  # what goes into it is used nowhere else
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Conv2d) and _is_pointwise(child) and _kind(type(parent)) != _DENSE_LAYER:
                setattr(parent, name, Pointwise(child))
            elif _kind(type(child)) == _DENSE_BLOCK and all(_is_folded(layer) for layer in child.children()):
                setattr(parent, name, DenseBlock(child))
    return model.to(memory_format=torch.channels_last)


class Pointwise(nn.Module):
    """A 1 x 1 convolution as one matrix product over all pixels, for channels-last images (N, C, H, W)."""

    def __init__(self, convolution: nn.Conv2d) -> None:
        super().__init__()
        self.weight = nn.Parameter(convolution.weight[:, :, 0, 0].contiguous(), requires_grad=False)
        self.bias = None if convolution.bias is None else nn.Parameter(convolution.bias, requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x.permute(0, 2, 3, 1), self.weight, self.bias).permute(0, 3, 1, 2)


def _pairs(parent: nn.Module) -> Iterator[tuple[str, str]]:
    """Names of the children (convolution, batch normalisation) of which the second sees nothing but the first."""
    kind = _kind(type(parent))
    if kind in _CHAINS:
        yield from pairwise(parent._modules)
    elif kind in _BOTTLENECKS:
        yield from (("conv1", "bn1"), ("conv2", "bn2"), ("conv3", "bn3"))
    elif kind == _RESNET_AUTOENCODER:
        yield "conv1", "bn1"


def _fold(parent: nn.Module, convolution_name: str, norm_name: str) -> None:
    convolution, norm = getattr(parent, convolution_name), getattr(parent, norm_name)
    if type(convolution) not in (nn.Conv2d, nn.ConvTranspose2d) or type(norm) is not nn.BatchNorm2d:
        return
    if norm.running_mean is None:  # it normalises by each batch, also in evaluation mode
        return
    transposed = isinstance(convolution, nn.ConvTranspose2d)
    kind = convolution.weight.dtype
    folded = fuse_conv_bn_eval(convolution.double(), norm.double(), transpose=transposed).to(kind)
    setattr(parent, convolution_name, folded.requires_grad_(False))
    setattr(parent, norm_name, nn.Identity())


def _is_folded(layer: nn.Module) -> bool:
    return isinstance(layer.norm2, nn.Identity)


def _is_pointwise(module: nn.Conv2d) -> bool:
    return module.kernel_size == module.stride == (1, 1) and module.padding in ((0, 0), "valid") and module.groups == 1
