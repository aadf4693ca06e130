"""What separates an image from its adversary, weighted by what the classifier reacts to on the way there.

The adversary x_a is an image like x_s of which the classifier no longer says the same: the Latent Shift frame of lowest
prediction, or the output of a generator. x_s is the "stable" image, made in the same way (D(E(x)) for Latent Shift), so
that the two do not differ by what redrawing loses; or the input itself.

Reference: Charachon et al., "Visual Explanation by Unifying Adversarial Generation and Feature Importance
Attributions", 2021, sections 3.1-3.2 and 4.2 ("SyCE" starts from the stable image, "CyCE" from the input).
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from explain.methods.batch import checked, gradient, path_points
from explain.methods.blur import gaussian_blur
from explain.methods.contract import Request, Results, stills
from explain.methods.latent_shift import LatentShift, records_of, shift_of
from explain.methods.modes import explaining

KERNEL_SIZE, KERNEL_SIGMA = 28, 2.0  # pixels, of v2k


@dataclass(frozen=True)
class PathImportance:
    """Four maps, (N, H, W), non-negative, from one path; d = x_a - x_s, g_m the gradient of f at its m-th point.

    difference: |d|. v1: d^2 |mean_m g_m|: opposite gradients cancel. v2: d^2 mean_m |g_m|. v2k: the sum of v2's terms,
    each convolved with a Gaussian (28 x 28 pixels, sigma 2; 0 outside the image).
    """

    difference: Tensor
    v1: Tensor
    v2: Tensor
    v2k: Tensor


def difference(start: Tensor, adversary: Tensor) -> Tensor:
    """|x_s - x_a|, (N, H, W), of two batches (N, 1, H, W)."""
    return (start - adversary)[:, 0].abs()


def path_importance(
    classifier: nn.Module, start: Tensor, adversary: Tensor, targets: Tensor, steps: int = 50, batch_size: int = 8
) -> PathImportance:
    """All four maps from the gradients at the middles of `steps` equal parts of the line from x_s to x_a.

    classifier: (N, 1, H, W) -> (N, K) probabilities. start, adversary: (N, 1, H, W), x_s and x_a, in [-1024, 1024].
    targets: int64 (N,), the output to explain. steps: M; the paper has 50. batch_size: images per pass, filled across
    the steps of all examples. Raises ValueError for unequal shapes.

        gamma_m = x_s + (m - 1/2) / M (x_a - x_s),  g_m = d f_target / d x (gamma_m),  m = 1..M
    """
    start, targets = checked(start, targets)
    if adversary.shape != start.shape:
        raise ValueError(f"the adversary has shape {tuple(adversary.shape)}, its image {tuple(start.shape)}")
    if steps < 1 or batch_size < 1:
        raise ValueError(f"steps is {steps} and batch_size is {batch_size}; both must be at least 1")
    with explaining(start.device, classifier):
        change = adversary.detach().to(start) - start
        signed, unsigned = torch.zeros_like(start), torch.zeros_like(start)
        for example, step in path_points(start, steps, batch_size):
            share = ((step + 0.5) / steps).to(start)[:, None, None, None]
            found, _ = gradient(classifier, start[example] + share * change[example], targets[example])
            signed.index_add_(0, example, found[:, None] / steps)
            unsigned.index_add_(0, example, found[:, None].abs() / steps)
        v1, v2 = change**2 * signed.abs(), change**2 * unsigned
        blurred = gaussian_blur(v2, KERNEL_SIGMA, KERNEL_SIZE, "constant")  # convolution and sum can change places
        return PathImportance(change[:, 0].abs(), v1[:, 0], v2[:, 0], blurred[:, 0])


def compute_difference(request: Request) -> Results:
    """The kind of `difference`, to Latent Shift's lowest frame. Parameters: search, start."""
    shift = shift_of(request)
    maps = difference(_start(request, shift), shift.adversary()[:, None])
    return stills(request, maps, _records(request, shift))


def compute_v1(request: Request) -> Results:
    """The kind of v1, from Latent Shift's lowest frame. Parameters: search, start, path_steps."""
    return stills(request, _path(request).v1, _records(request, shift_of(request)))


def compute_v2(request: Request) -> Results:
    """The kind of v2, otherwise as `compute_v1`."""
    return stills(request, _path(request).v2, _records(request, shift_of(request)))


def compute_v2k(request: Request) -> Results:
    """The kind of v2k, otherwise as `compute_v1`."""
    return stills(request, _path(request).v2k, _records(request, shift_of(request)))


def _path(request: Request) -> PathImportance:
    """Of this batch, computed once for all kinds that ask with the same parameters."""
    shift, steps = shift_of(request), int(request.parameters["path_steps"])
    start, adversary = _start(request, shift), shift.adversary()[:, None]
    return request.once(
        ("path importance", shift.search, request.parameters["start"], steps),
        lambda: path_importance(request.classifier, start, adversary, request.targets, steps, request.batch_size),
    )


def _start(request: Request, shift: LatentShift) -> Tensor:
    return request.x if request.parameters["start"] == "input" else shift.reconstruction[:, None]


def _records(request: Request, shift: LatentShift) -> list[dict[str, Any]]:
    return [
        record | {"adversary_lambda": record["lambdas"][place], "adversary_prediction": record["predictions"][place]}
        for record, place in zip(records_of(request, shift), shift.lowest())
    ]
