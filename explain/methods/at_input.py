"""One forward and one backward pass at the radiograph itself, shared by the kinds that look there.

These are input gradients, class activation maps, and integrated gradients, whose path ends there. What the pass must
give follows from all that is computed for a batch together (`Request.together`); each kind alone takes what it did.
"""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from explain.methods.batch import checked, chosen
from explain.methods.cam import Variant, class_activation, feature_layers, features_of, weighted
from explain.methods.contract import Request, Results, stills
from explain.methods.gradients import signed_gradients
from explain.methods.kind import Value
from explain.methods.modes import explaining
from explain.methods.smooth_grad import smoothing_of


@dataclass(frozen=True)
class Activation:
    """Which class activation map; as for `explain.methods.cam.class_activation`."""

    variant: Variant
    layer: str
    rectified: bool


@dataclass(frozen=True)
class AtInput:
    """predictions: (N,), f(x). gradient: (N, H, W), d f / d x with its sign. activation: (N, H, W), of `asked`.

    None: not asked for.
    """

    predictions: Tensor
    gradient: Tensor | None = None
    activation: Tensor | None = None
    asked: Activation | None = None


def look(
    classifier: nn.Module,
    x: Tensor,
    targets: Tensor,
    with_gradient: bool,
    asked: Activation | None = None,
    batch_size: int = 8,
) -> AtInput:
    """Predictions, and the gradient and one class activation map where wanted, with one pass for each image.

    classifier, x, targets: as for `explain.methods.gradients`.
    """
    x, targets = checked(x, targets)
    with explaining(x.device, classifier):
        pairs = zip(x.split(batch_size), targets.split(batch_size))
        parts = [_part(classifier, part, columns, with_gradient, asked) for part, columns in pairs]
    return AtInput(
        torch.cat([part.predictions for part in parts]),
        torch.cat([part.gradient for part in parts if part.gradient is not None]) if with_gradient else None,
        torch.cat([part.activation for part in parts if part.activation is not None]) if asked else None,
        asked,
    )


def _part(classifier: nn.Module, x: Tensor, targets: Tensor, with_gradient: bool, asked: Activation | None) -> AtInput:
    cut = features_of(classifier, asked.layer, asked.rectified) if asked else nullcontext()
    with torch.set_grad_enabled(with_gradient or asked is not None), cut as features:
        x = x.detach().clone().requires_grad_(with_gradient)
        predictions = chosen(classifier(x), targets)
        wanted = ([features.found()] if features else []) + ([x] if with_gradient else [])
        found = list(torch.autograd.grad(predictions.sum(), wanted)) if wanted else []
    activation = None
    if features and asked:
        activation = weighted(features.found(), found[0], asked.variant, x.shape[-2:])
    return AtInput(predictions.detach(), found[-1][:, 0] if with_gradient else None, activation, asked)


def at_input(request: Request) -> AtInput:
    """The pass of this batch, made when a kind first asks, with all that the kinds of the batch need of it."""

    def make() -> AtInput:
        asked = [_activation(request, values) for compute, values in request.together if compute == _CAM]
        with_gradient = any(
            (compute == _GRADIENT and not values["samples"]) or (compute == _INTEGRATED and not values["steps"])
            for compute, values in request.together
        )
        first = asked[0] if asked else None
        return look(request.classifier, request.x, request.targets, with_gradient, first, request.batch_size)

    return request.once("the pass at the input", make)


def compute_input_gradient(request: Request) -> Results:
    """The kind of `explain.methods.gradients.input_gradients`. Parameters: samples, noise."""
    signed, smoothing = None, smoothing_of(request)
    if not smoothing.samples:
        signed = at_input(request).gradient
    if signed is None:
        signed = signed_gradients(request.classifier, request.x, request.targets, smoothing, request.batch_size)
    return stills(request, signed.abs(), signed=list(signed))


def compute_class_activation(request: Request) -> Results:
    """The kind of `class_activation`. Parameters: variant, depth (1 is the last size of features, 2 the one before),
    features. Records the layer."""
    wanted, shared = _activation(request, request.parameters), at_input(request)
    maps = shared.activation
    if maps is None or shared.asked != wanted:
        maps = class_activation(
            request.classifier,
            request.x,
            request.targets,
            wanted.variant,
            wanted.layer,
            wanted.rectified,
            request.batch_size,
        )
    return stills(request, maps, [{"layer": wanted.layer}] * len(maps))


def _activation(request: Request, values: Mapping[str, Value]) -> Activation:
    def layers() -> list[str]:
        with explaining(request.device, request.classifier):
            return feature_layers(request.classifier, request.x[:1])

    found, depth = request.once("feature layers", layers), int(values["depth"])
    if depth > len(found):
        raise ValueError(
            f"depth of Grad-CAM is {depth}, but this classifier has features of {len(found)} sizes (the last of each: "
            f"{', '.join(found)}); give at most {len(found)}"
        )
    return Activation(cast(Variant, values["variant"]), found[depth - 1], values["features"] == "after")


_GRADIENT = f"{__name__}:compute_input_gradient"
_CAM = f"{__name__}:compute_class_activation"
_INTEGRATED = "explain.methods.settling:compute"
