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
from typing import Any, Literal, cast, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from explain.methods.activations import IN_PLACE, RELUS
from explain.methods.batch import checked, chosen
from explain.methods.contract import Request, Results, stills
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


def compute(request: Request) -> Results:
    """The kind. Parameters: variant, depth (1 is the last size of features, 2 the one before), features.

    Records the layer.
    """
    variant, depth = cast(Variant, request.parameters["variant"]), int(request.parameters["depth"])
    with explaining(request.device, request.classifier):
        layers = feature_layers(request.classifier, request.x[:1])
    if depth > len(layers):
        raise ValueError(f"depth is {depth}, and this classifier has features of {len(layers)} sizes")
    layer, rectified = layers[depth - 1], request.parameters["features"] == "after"
    maps = class_activation(
        request.classifier, request.x, request.targets, variant, layer, rectified, request.batch_size
    )
    return stills(request, maps, [{"layer": layer}] * len(maps))


def _map(classifier: nn.Module, x: Tensor, targets: Tensor, variant: Variant, layer: str, rectified: bool) -> Tensor:
    with torch.enable_grad(), _cut(classifier, layer, rectified) as cut:
        predictions = chosen(classifier(x), targets)
        features = cut.features
        if features is None or features.ndim != 4:
            raise ValueError(f"the layer {layer} gives no features (N, C, h, w) for this classifier's prediction")
        (gradient,) = torch.autograd.grad(predictions.sum(), features)
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
    return F.interpolate(small, x.shape[-2:], mode="bilinear", align_corners=False)[:, 0]


class _Cut(TorchFunctionMode):
    """Cuts the classifier's graph at a layer's output, or at the ReLU right after it: `features` is the new leaf.

    The rest of the model gets copies, so that an operation in place changes no feature.
    """

    def __init__(self, rectified: bool) -> None:
        super().__init__()
        self.rectified = rectified
        self.features: Tensor | None = None
        self._passed_on: Tensor | None = None

    def take(self, module: nn.Module, inputs: Any, output: Any) -> Any:
        """A forward hook."""
        if not isinstance(output, Tensor):
            return output
        self.features = output.detach().clone().requires_grad_()
        self._passed_on = self.features.clone()
        return self._passed_on

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        x: Any = args[0] if args else kwargs.get("input")
        if not self.rectified or function not in RELUS or self._passed_on is None or x is not self._passed_on:
            return function(*args, **kwargs)
        self._passed_on = None
        self.features = F.relu(x).detach().requires_grad_()
        in_place = function in IN_PLACE or kwargs.get("inplace") or args[1:] == (True,)
        return x.copy_(self.features) if in_place else self.features.clone()


@contextmanager
def _cut(classifier: nn.Module, layer: str, rectified: bool) -> Iterator[_Cut]:
    modules = dict(classifier.named_modules())
    if not layer or layer not in modules:
        raise ValueError(f"the classifier has no layer {layer!r}; a layer has a name as named_modules() gives it")
    cut = _Cut(rectified)
    hook = modules[layer].register_forward_hook(cut.take)
    try:
        with cut:
            yield cut
    finally:
        hook.remove()
