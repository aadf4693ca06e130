"""A copy of a model that computes the same faster: fewer passes over memory, and matrix products where they suffice.

What changes results by rounding only: batch normalisations go into the convolution before them, 1 x 1 convolutions
become matrix products, dense blocks one operation, and images are kept channels-last. Only layers known to follow each
other are joined: those of an `nn.Sequential`, and of TorchXRayVision's DenseNet and ResNet autoencoder.
"""

import copy
from collections.abc import Iterator
from itertools import pairwise

import torch
import torchxrayvision as xrv
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from explain.models.dense_block import DenseBlock

_CHAINS = (nn.Sequential, xrv.models._DenseLayer, xrv.models._DenseBlock, xrv.models._Transition)
_BOTTLENECKS = (xrv.autoencoders.Bottleneck, xrv.autoencoders.DeconvBottleneck)


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
        if isinstance(parent, _BOTTLENECKS):
            parent.relu.inplace = True  # what goes into it is used nowhere else
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Conv2d) and _is_pointwise(child) and type(parent) is not xrv.models._DenseLayer:
                setattr(parent, name, Pointwise(child))
            elif type(child) is xrv.models._DenseBlock and all(_is_folded(layer) for layer in child.children()):
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
    if type(parent) in _CHAINS:
        yield from pairwise(parent._modules)
    elif isinstance(parent, _BOTTLENECKS):
        yield from (("conv1", "bn1"), ("conv2", "bn2"), ("conv3", "bn3"))
    elif isinstance(parent, xrv.autoencoders._ResNetAE):
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
