"""Method A: input gradients, guided backprop and integrated gradients of a chest X-ray classifier.

Shared by all functions here:
    classifier  any module (N, 1, H, W) -> (N, K) whose output column k is f_k, the probability of pathology k
    x           float32 (N, 1, H, W), radiographs in [-1024, 1024]
    targets     int64 (N,), the output column to explain for each image
    maps        float32 (N, H, W), non-negative, on the device of x
The classifier runs in evaluation mode and exact float32 and is left as it was found. An image that gives a non-finite
or constant map does not disturb the others of its batch; `explain.render.checks.map_problem` names it.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from explain.methods.batch import checked, chosen
from explain.methods.contract import Request, Results, stills
from explain.methods.modes import explaining
from explain.models.dense_block import layer_by_layer

FinalRelu = Literal["captum", "full"]


def input_gradients(classifier: nn.Module, x: Tensor, targets: Tensor) -> Tensor:
    """|d f_target(x) / d x| for each pixel.

    References: Simonyan, Vedaldi, Zisserman, "Deep Inside Convolutional Networks", 2013.
    """
    x, targets = checked(x, targets)
    with explaining(x.device, classifier):
        return _gradient(classifier, x, targets)[0].abs()


def guided_backprop(classifier: nn.Module, x: Tensor, targets: Tensor, final_relu: FinalRelu = "captum") -> Tensor:
    """|gradient of f_target at x with the negative gradients set to zero at every ReLU on the way back|.

    final_relu: which ReLUs are guided. "captum": those that are `nn.ReLU` modules, as Captum does; a ReLU applied as a
        function, like the last one of TorchXRayVision's DenseNet, keeps its ordinary gradient. "full": every ReLU.

    References: Springenberg et al., "Striving for Simplicity: The All Convolutional Net", ICLR workshop 2015.
    """
    x, targets = checked(x, targets)
    if final_relu not in ("captum", "full"):
        raise ValueError(f'final_relu is {final_relu!r}; give "captum" or "full"')
    guided: AbstractContextManager[Any] = _GuideEveryRelu() if final_relu == "full" else _guide_relu_modules(classifier)
    with explaining(x.device, classifier), layer_by_layer(classifier), guided:
        return _gradient(classifier, x, targets)[0].abs()


@dataclass(frozen=True)
class PathIntegral:
    """Integrated gradients with what tells whether enough steps were taken.

    attributions: float32 (N, H, W), signed; prediction, prediction_baseline: float32 (N,), f(x) and f(0).
    """

    attributions: Tensor
    prediction: Tensor
    prediction_baseline: Tensor

    @property
    def completeness_gap(self) -> Tensor:
        """(N,): sum of attributions - (f(x) - f(0)). Zero for an exact integral; compare with f(x) - f(0)."""
        return self.attributions.sum(dim=(1, 2)) - (self.prediction - self.prediction_baseline)

    def maps(self) -> Tensor:
        """The non-negative maps shown to readers, (N, H, W)."""
        return self.attributions.abs()


def integrated_gradients(
    classifier: nn.Module, x: Tensor, targets: Tensor, steps: int = 50, batch_size: int = 8
) -> Tensor:
    """|x * integral over a in [0, 1] of d f_target(a x) / d x|: see `integrate_gradients`, which also gives the gap."""
    return integrate_gradients(classifier, x, targets, steps, batch_size).maps()


def integrate_gradients(
    classifier: nn.Module, x: Tensor, targets: Tensor, steps: int = 50, batch_size: int = 8
) -> PathIntegral:
    """Integrate the gradient along the straight path from an all-zero (mid-grey) image to x.

    steps: Gauss-Legendre nodes on the path; the published maps used 100. batch_size: images per pass of the classifier,
    filled across the steps of all examples, so it bounds memory and changes the result by rounding only.

    References: Sundararajan, Taly, Yan, "Axiomatic Attribution for Deep Networks", ICML 2017.
    """
    x, targets = checked(x, targets)
    if steps < 1 or batch_size < 1:
        raise ValueError(f"steps is {steps} and batch_size is {batch_size}; both must be at least 1")
    nodes, weights = np.polynomial.legendre.leggauss(steps)  # on [-1, 1]
    alphas = torch.as_tensor((nodes + 1) / 2, dtype=torch.float32, device=x.device)
    shares = torch.as_tensor(weights / 2, dtype=torch.float32, device=x.device)
    with explaining(x.device, classifier):
        total = torch.zeros_like(x)
        for rows in torch.arange(len(x) * steps, device=x.device).split(batch_size):
            example, step = rows // steps, rows % steps
            points = x[example] * alphas[step, None, None, None]
            gradient, _ = _gradient(classifier, points, targets[example])
            total.index_add_(0, example, (gradient * shares[step, None, None])[:, None])
        with torch.no_grad():
            prediction = torch.cat(
                [chosen(classifier(a), b) for a, b in zip(x.split(batch_size), targets.split(batch_size))]
            )
            baseline = classifier(torch.zeros_like(x[:1])).expand(len(x), -1)
        return PathIntegral((x * total)[:, 0], prediction.float(), chosen(baseline, targets).float())


def compute_input_gradient(request: Request) -> Results:
    """The kind of `input_gradients`."""
    return stills(request, input_gradients(request.classifier, request.x, request.targets))


def compute_guided_backprop(request: Request) -> Results:
    """The kind of `guided_backprop`. Parameter: final_relu."""
    final_relu = cast(FinalRelu, request.parameters["final_relu"])
    return stills(request, guided_backprop(request.classifier, request.x, request.targets, final_relu))


def compute_integrated_gradients(request: Request) -> Results:
    """The kind of `integrate_gradients`, which records whether enough steps were taken. Parameter: steps."""
    steps = int(request.parameters["steps"])
    integral = integrate_gradients(request.classifier, request.x, request.targets, steps, request.batch_size)
    columns = (integral.completeness_gap, integral.prediction, integral.prediction_baseline)
    records = [
        {"completeness_gap": gap, "prediction_input": at_x, "prediction_baseline": at_0}
        for gap, at_x, at_0 in zip(*(column.tolist() for column in columns), strict=True)
    ]
    return stills(request, integral.maps(), records)


def _gradient(function: Callable[[Tensor], Tensor], x: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """d f_target / d x of each image, (N, H, W) signed, and f_target (N,); in one pass, as images do not interact."""
    with torch.enable_grad():
        x = x.detach().clone().requires_grad_()
        predictions = chosen(function(x), targets)
        (gradient,) = torch.autograd.grad(predictions.sum(), x)
    return gradient[:, 0], predictions.detach()


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
        if function not in _RELUS:
            return function(*args, **kwargs)
        x = args[0] if args else kwargs["input"]
        out = F.relu(_Guide.apply(x))
        in_place = function in _RELUS_IN_PLACE or kwargs.get("inplace") or args[1:] == (True,)
        return x.copy_(out) if in_place else out


_RELUS_IN_PLACE = frozenset({F.relu_, torch.relu_, Tensor.relu_})
_RELUS = _RELUS_IN_PLACE | {F.relu, torch.relu, Tensor.relu}
