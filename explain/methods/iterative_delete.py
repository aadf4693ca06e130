"""Iterative delete: take away what the gradient points at, look again, and average the gradients.

References: Bordes et al., "Iteratively unveiling new regions of interest in Deep Learning models", 2018; Cohen et al.,
"Gifsplanation via Latent Shift", MIDL 2021, appendix E.
"""

from typing import Literal, cast, get_args

import torch
from torch import Tensor, nn

from explain.methods.batch import checked, gradient
from explain.methods.contract import Request, Results, stills
from explain.methods.modes import explaining

Variant = Literal["remove", "released-code"]


def iterative_delete(
    classifier: nn.Module,
    x: Tensor,
    targets: Tensor,
    variant: Variant = "remove",
    rounds: int = 20,
    percentile: float = 98.0,
) -> Tensor:
    """|mean of the gradients of f_target at `rounds` images, each made from the one before|: (N, H, W).

    classifier, x, targets: as for `explain.methods.gradients`. A round's top pixels are those where its signed gradient
    is positive and over its own percentile (linear interpolation). variant: "remove" sets them to 0, mid-grey;
    "released-code" keeps them and sets all others to 0, as the code behind the published table E.1 does.
    Raises ValueError.
    """
    return signed_iterative_delete(classifier, x, targets, variant, rounds, percentile).abs()


def signed_iterative_delete(
    classifier: nn.Module,
    x: Tensor,
    targets: Tensor,
    variant: Variant = "remove",
    rounds: int = 20,
    percentile: float = 98.0,
) -> Tensor:
    """The mean of the gradients with its sign, otherwise as `iterative_delete`."""
    x, targets = checked(x, targets)
    if variant not in get_args(Variant):
        raise ValueError(f"variant is {variant!r}; give one of {', '.join(get_args(Variant))}")
    if rounds < 1 or not 0 <= percentile <= 100:
        raise ValueError(f"rounds is {rounds}, percentile {percentile}; give at least 1 round and 0 to 100")
    with explaining(x.device, classifier):
        total = torch.zeros_like(x[:, 0])
        for _ in range(rounds):
            found, _ = gradient(classifier, x, targets)
            total += found
            cut = torch.quantile(found.flatten(1), percentile / 100, dim=1)[:, None, None]
            top = ((found > cut) & (found > 0))[:, None]
            x = x.masked_fill(top if variant == "remove" else ~top, 0)
        return total / rounds


def compute(request: Request) -> Results:
    """The kind. Parameter: variant."""
    variant = cast(Variant, request.parameters["variant"])
    signed = signed_iterative_delete(request.classifier, request.x, request.targets, variant)
    return stills(request, signed.abs(), signed=list(signed))
