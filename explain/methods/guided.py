"""Guided backprop: the gradient with every negative part taken out at the ReLUs on the way back.

Shapes, ranges and smoothing: as in `explain.methods.gradients`. It is defined for ReLUs. What another activation would
need is not: a classifier that applies one is refused, by name.

Reference: Springenberg et al., "Striving for Simplicity: The All Convolutional Net", ICLR workshop 2015.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Literal, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from explain.methods.activations import IN_PLACE, OTHER_FUNCTIONS, OTHER_MODULES, RELUS
from explain.methods.batch import checked, gradient
from explain.methods.contract import Request, Results, stills
from explain.methods.modes import explaining
from explain.methods.smooth_grad import NONE, Smoothing, smoothed, smoothing_of
from explain.models.dense_block import layer_by_layer

FinalRelu = Literal["captum", "full"]


def guided_backprop(
    classifier: nn.Module,
    x: Tensor,
    targets: Tensor,
    final_relu: FinalRelu = "captum",
    smoothing: Smoothing = NONE,
    batch_size: int = 8,
) -> Tensor:
    """|gradient of f_target at x with the negative gradients set to zero at every ReLU on the way back|.

    final_relu: which ReLUs are guided. "captum": those that are `nn.ReLU` modules, as Captum does; a ReLU applied as a
        function, like the last one of TorchXRayVision's DenseNet, keeps its ordinary gradient. "full": every ReLU.
    Raises ValueError for a classifier with another activation than ReLU. A sigmoid or softmax is taken for what makes
    probabilities and let through.
    """
    return signed_guided_backprop(classifier, x, targets, final_relu, smoothing, batch_size).abs()


def signed_guided_backprop(
    classifier: nn.Module,
    x: Tensor,
    targets: Tensor,
    final_relu: FinalRelu = "captum",
    smoothing: Smoothing = NONE,
    batch_size: int = 8,
) -> Tensor:
    """The guided gradient with its sign, otherwise as `guided_backprop`."""
    x, targets = checked(x, targets)
    if final_relu not in ("captum", "full"):
        raise ValueError(f'final_relu is {final_relu!r}; give "captum" or "full"')

    def signed(images: Tensor, columns: Tensor) -> Tensor:
        return gradient(classifier, images, columns)[0]

    guided: AbstractContextManager[Any] = _GuideEveryRelu() if final_relu == "full" else _guide_relu_modules(classifier)
    with explaining(x.device, classifier), layer_by_layer(classifier), _only_relus(classifier), guided:
        return smoothed(signed, x, targets, smoothing, batch_size)


def compute(request: Request) -> Results:
    """The kind. Parameters: final_relu, samples, noise."""
    final_relu, smoothing = cast(FinalRelu, request.parameters["final_relu"]), smoothing_of(request)
    signed = signed_guided_backprop(
        request.classifier, request.x, request.targets, final_relu, smoothing, request.batch_size
    )
    return stills(request, signed.abs(), signed=list(signed))


class _Guide(torch.autograd.Function):
    """The identity, whose backward pass lets only positive gradients through: put before a ReLU, it guides it."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clone()  # a copy, so that an in-place ReLU after it works

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return gradients[0].clamp(min=0)


@contextmanager
def _guide_relu_modules(classifier: nn.Module) -> Iterator[None]:
    """Guide the ReLUs that are modules."""
    hooks = []
    try:
        for module in classifier.modules():
            if isinstance(module, nn.ReLU):
                hooks.append(module.register_forward_pre_hook(lambda _, inputs: (_Guide.apply(inputs[0]),)))
        yield
    finally:
        for hook in hooks:
            hook.remove()


class _GuideEveryRelu(TorchFunctionMode):
    """Guide every ReLU while active, whether a module, a function or a method (modules call the function)."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if function not in RELUS:
            return function(*args, **kwargs)
        x = args[0] if args else kwargs["input"]
        out = F.relu(_Guide.apply(x))
        in_place = function in IN_PLACE or kwargs.get("inplace") or args[1:] == (True,)
        return x.copy_(out) if in_place else out


class _RefuseOtherFunctions(TorchFunctionMode):
    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if function in OTHER_FUNCTIONS:
            raise _refusal(f"applies the function {function.__name__}")
        return function(*args, **(kwargs or {}))


@contextmanager
def _only_relus(classifier: nn.Module) -> Iterator[None]:
    """Raise ValueError where the classifier applies another activation, as a module or as a function."""

    def refuse(name: str, module: nn.Module) -> None:
        raise _refusal(f"applies {type(module).__name__} in its layer {name!r}")

    hooks = []
    try:
        for name, module in classifier.named_modules():
            if isinstance(module, OTHER_MODULES):
                hooks.append(module.register_forward_pre_hook(lambda module, _, name=name: refuse(name, module)))
        with _RefuseOtherFunctions():
            yield
    finally:
        for hook in hooks:
            hook.remove()


def _refusal(what: str) -> ValueError:
    return ValueError(
        f"guided backprop is defined for ReLUs, and this classifier {what}: choose another kind for it, such as input "
        "gradients or integrated gradients"
    )
