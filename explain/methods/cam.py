"""Class activation maps by gradients: which places of the last convolutional features raise the prediction.

    Grad-CAM    ReLU(sum_k alpha_k A_k),  alpha_k the mean over places of d f / d A_k
    HiResCAM    ReLU(sum_k (d f / d A_k) A_k)
    Grad-CAM++  ReLU(sum_k alpha_k A_k),  alpha_k the sum over places of w_k ReLU(d f / d A_k)
                with g = d f / d A_k and w_k = g^2 / (2 g^2 + (sum over places of A_k) g^3)

References: Selvaraju et al., "Grad-CAM", ICCV 2017, eq. 1-2; Draelos and Carin, "Use HiResCAM instead of Grad-CAM",
2020; Chattopadhay et al., "Grad-CAM++", WACV 2018, eq. 19 (for a score whose exponential is the class's output).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from explain.methods.activations import IN_PLACE, RELUS
from explain.methods.batch import checked, chosen
from explain.methods.modes import explaining

Variant = Literal["grad-cam", "hirescam", "grad-cam++"]


def class_activation(
    classifier: nn.Module,
    x: Tensor,
    targets: Tensor,
    variant: Variant = "grad-cam",
    layer: str | None = None,
    rectified: bool = True,
    batch_size: int = 8,
) -> Tensor:
    """The map of a layer's features (N, C, h, w), enlarged bilinearly to (N, H, W); non-negative.

    classifier, x, targets: as for `explain.methods.gradients`. layer: the name of a module, as `named_modules` gives
    it; by default `feature_layers(...)[0]`, the last convolutional features. rectified: take the features after the
    ReLU that follows the layer directly, where one does, also one applied as a function or in place (the last one of
    TorchXRayVision's DenseNet); else as they leave the layer. Only what comes after the features is differentiated.
    Raises ValueError for a layer that does not exist, is not used, or does not give (N, C, h, w).
    """
    x, targets = checked(x, targets)
    if variant not in get_args(Variant):
        raise ValueError(f"variant is {variant!r}; give one of {', '.join(get_args(Variant))}")
    with explaining(x.device, classifier):
        layer = layer or feature_layers(classifier, x[:1])[0]
        pairs = zip(x.split(batch_size), targets.split(batch_size))
        return torch.cat([_map(classifier, part, columns, variant, layer, rectified) for part, columns in pairs])


def feature_layers(classifier: nn.Module, x: Tensor) -> list[str]:
    """The layers with the last features of each size, from the smallest (what the model pools) to the largest.

    x: (1, 1, H, W). A layer's output counts as features if it is (1, C, h, w) of more than one place, and if C is not
    the number of classes (those are a model's predictions for each place). Raises ValueError if there is none.
    """
    seen: list[tuple[str, torch.Size]] = []
    names = {module: name for name, module in classifier.named_modules() if name}

    def note(module: nn.Module, inputs: Any, output: Any) -> None:
        if isinstance(output, Tensor) and output.ndim == 4 and output[0, 0].numel() > 1:
            seen.append((names[module], output.shape))

    hooks = [module.register_forward_hook(note) for module in names]
    try:
        with torch.no_grad():
            classes = classifier(x).shape[1]
    finally:
        for hook in hooks:
            hook.remove()
    last = {
        tuple(shape[2:]): name for name, shape in seen if shape[1] != classes
    }  # a later one replaces an earlier one
    if not last:
        raise ValueError("the classifier has no convolutional features for a class activation map")
    return [last[size] for size in sorted(last, key=lambda size: size[0] * size[1])]


def _map(classifier: nn.Module, x: Tensor, targets: Tensor, variant: Variant, layer: str, rectified: bool) -> Tensor:
    with torch.enable_grad(), features_of(classifier, layer, rectified) as cut:
        predictions = chosen(classifier(x), targets)
        (gradient,) = torch.autograd.grad(predictions.sum(), cut.found())
    return weighted(cut.found(), gradient, variant, x.shape[-2:])


def weighted(features: Tensor, gradient: Tensor, variant: Variant, size: torch.Size) -> Tensor:
    """The map (N, H, W) from a layer's features and their gradient, both (N, C, h, w); size: (H, W)."""
    features = features.detach()
    if variant == "hirescam":
        weights = gradient
    elif variant == "grad-cam":
        weights = gradient.mean((2, 3), keepdim=True)
    else:
        below = 2 * gradient**2 + features.sum((2, 3), keepdim=True) * gradient**3
        shares = torch.where(below == 0, 0, gradient**2 / torch.where(below == 0, 1, below))
        weights = (shares * gradient.clamp(min=0)).sum((2, 3), keepdim=True)
    small = (weights * features).sum(1, keepdim=True).clamp(min=0)
    return F.interpolate(small, size, mode="bilinear", align_corners=False)[:, 0]


class Features(TorchFunctionMode):
    """Takes a layer's output, or that of the ReLU right after it, where the classifier's graph can be differentiated.

    The features are a new leaf, unless an image needs its gradient too: then they stay part of its graph. The rest of
    the model gets copies, so that an operation in place changes no feature.
    """

    def __init__(self, layer: str, rectified: bool) -> None:
        super().__init__()
        self.layer, self.rectified = layer, rectified
        self.features: Tensor | None = None
        self._passed_on: Tensor | None = None

    def found(self) -> Tensor:
        """(N, C, h, w), once the classifier has run. Raises ValueError if the layer gave no such thing."""
        if self.features is None or self.features.ndim != 4:
            raise ValueError(f"the layer {self.layer} gives no features (N, C, h, w) for this classifier's prediction")
        return self.features

    def take(self, module: nn.Module, inputs: Any, output: Any) -> Any:
        """A forward hook."""
        if not isinstance(output, Tensor):
            return output
        self.features = _differentiable(output.clone())
        self._passed_on = self.features.clone()
        return self._passed_on

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        x: Any = args[0] if args else kwargs.get("input")
        if not self.rectified or function not in RELUS or self._passed_on is None or x is not self._passed_on:
            return function(*args, **kwargs)
        self._passed_on = None
        self.features = _differentiable(F.relu(x))
        in_place = function in IN_PLACE or kwargs.get("inplace") or args[1:] == (True,)
        return x.copy_(self.features) if in_place else self.features.clone()


@contextmanager
def features_of(classifier: nn.Module, layer: str, rectified: bool) -> Iterator[Features]:
    """While active, a pass of the classifier leaves the features in what this gives. Raises ValueError: no such layer.

    layer, rectified: as for `class_activation`.
    """
    modules = dict(classifier.named_modules())
    if not layer or layer not in modules:
        raise ValueError(f"the classifier has no layer {layer!r}; a layer has a name as named_modules() gives it")
    cut = Features(layer, rectified)
    hook = modules[layer].register_forward_hook(cut.take)
    try:
        with cut:
            yield cut
    finally:
        hook.remove()


def _differentiable(features: Tensor) -> Tensor:
    return features if features.requires_grad else features.requires_grad_()
