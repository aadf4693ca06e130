"""A dense block of TorchXRayVision's DenseNet as one operation with its own gradient.

Layer by layer, a dense block copies all its features at every layer and adds up their gradients in as many passes; on a
CPU that costs as much as its products. Here each layer writes into its place of one channels-last array.

Reference: Huang et al., "Densely Connected Convolutional Networks", CVPR 2017.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F


class _Layer(NamedTuple):
    """relu(x * scale + offset), times `first` + bias, relu, 3 x 3 convolution `second`. first: (hidden, inputs)."""

    scale: Tensor
    offset: Tensor
    first: Tensor
    bias: Tensor
    second: Tensor


class DenseBlock(nn.Module):
    """A dense block (N, C, H, W) -> (N, C + growth, H, W) in evaluation mode, its parameters without gradients.

    plain: the same block as modules, with `norm2` of each layer folded into `conv1`; it computes where ReLU modules
    must be seen, see `layer_by_layer`.
    """

    def __init__(self, plain: nn.Module) -> None:
        super().__init__()
        self.plain = plain
        self.fused = True

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = (
            _Fused.apply(x, [_layer(module) for module in self.plain.children()]) if self.fused else self.plain(x)
        )
        return out


@contextmanager
def layer_by_layer(model: nn.Module) -> Iterator[None]:
    """Let the dense blocks of `model` run their modules one by one, so that hooks on their ReLUs are called."""
    blocks = [module for module in model.modules() if isinstance(module, DenseBlock)]
    before = [block.fused for block in blocks]
    try:
        for block in blocks:
            block.fused = False
        yield
    finally:
        for block, fused in zip(blocks, before):
            block.fused = fused


def _layer(module: Any) -> _Layer:
    norm, first = module.norm1, module.conv1
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    offset = norm.bias - norm.running_mean * scale
    return _Layer(scale, offset, first.weight.flatten(1), first.bias, module.conv2.weight)


class _Fused(torch.autograd.Function):
    """Arrays here are (N, H, W, C); a layer reads the first channels of `features` and writes those after them."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, layers: list[_Layer]) -> Tensor:
        n, inputs, height, width = x.shape
        features = x.new_empty(n, height, width, inputs + sum(len(layer.second) for layer in layers))
        features[..., :inputs] = x.permute(0, 2, 3, 1)
        kept: list[Tensor] = []
        for layer in layers:
            end = len(layer.scale)
            active = torch.addcmul(layer.offset, features[..., :end], layer.scale).relu_()
            hidden = F.linear(active, layer.first, layer.bias).relu_()
            new = F.conv2d(hidden.permute(0, 3, 1, 2), layer.second, padding=1)
            features[..., end : end + len(layer.second)] = new.permute(0, 2, 3, 1)
            if ctx.needs_input_grad[0]:
                kept += [active, hidden]
        ctx.layers, ctx.inputs = layers, inputs
        ctx.save_for_backward(*kept)
        return features.permute(0, 3, 1, 2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        gradient = gradients[0].permute(0, 2, 3, 1).clone(memory_format=torch.contiguous_format)
        kept = list(ctx.saved_tensors)
        for layer in reversed(ctx.layers):
            hidden, active, end = kept.pop(), kept.pop(), len(layer.scale)
            new = gradient[..., end : end + len(layer.second)].contiguous().permute(0, 3, 1, 2)
            back = _through_convolution(new, hidden.permute(0, 3, 1, 2), layer.second)
            back = _through_relu(back.permute(0, 2, 3, 1), hidden)
            # the scale of norm1 goes into the weights: fewer than pixels
            back = back.flatten(0, 2) @ (layer.first * layer.scale)
            gradient[..., :end] += _through_relu(back.view_as(active), active)
        return gradient[..., : ctx.inputs].permute(0, 3, 1, 2), None


def _through_convolution(gradient: Tensor, x: Tensor, weight: Tensor) -> Tensor:
    wanted = [True, False, False]
    one = [1, 1]
    backward = torch.ops.aten.convolution_backward
    back: Tensor = backward(gradient, x, weight, None, one, one, one, False, [0, 0], 1, wanted)[0]
    return back


def _through_relu(gradient: Tensor, output: Tensor) -> Tensor:
    back: Tensor = torch.ops.aten.threshold_backward(gradient, output, 0)
    return back
