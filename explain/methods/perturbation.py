"""Search for the smallest change of an image that makes the prediction fall, and show where it is.

Shared by both functions:
    classifier  any module (N, 1, H, W) -> (N, K) whose output column k is f_k, the probability of pathology k
    x           (N, 1, H, W), radiographs in [-1024, 1024];  targets  int64 (N,), the output to explain for each
    maps        (N, H, W), non-negative, on the device of x
Each takes `iterations` passes forward and back. What is minimised is a sum over the images, and Adam treats each number
by itself, so the images of a batch do not influence each other.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from explain.methods.batch import checked, chosen
from explain.methods.blur import gaussian_blur
from explain.methods.contract import Request, Results, stills
from explain.methods.modes import explaining

_RANGE = 1024.0


@dataclass(frozen=True)
class MaskSettings:
    """Of `meaningful_perturbation`. Sigmas are in pixels of the image.

    mask_size, mask_sigma, image_sigma, iterations: as Charachon et al. 2021 set them; a mask is never larger than the
    image. sparsity, smoothness: w1 and w2 below, each the weight of a mean over the mask; exponent: beta. Neither paper
    says them for means and for probabilities: these were set on phantoms that are not the demo's.
    """

    mask_size: int = 56
    mask_sigma: float = 3.0
    image_sigma: float = 5.0
    sparsity: float = 3.0
    smoothness: float = 10.0
    exponent: float = 2.0
    iterations: int = 150
    learning_rate: float = 0.1


@dataclass(frozen=True)
class AdditiveSettings:
    """Of `additive_perturbation`. sparsity, smoothness: w1 and w2, each of a mean over pixels with m in units of 1024,
    half the range of a radiograph; exponent: beta. Set on phantoms that are not the demo's."""

    sparsity: float = 30.0
    smoothness: float = 300.0
    exponent: float = 2.0
    iterations: int = 150
    learning_rate: float = 0.003


def meaningful_perturbation(
    classifier: nn.Module, x: Tensor, targets: Tensor, settings: MaskSettings = MaskSettings(), batch_size: int = 8
) -> Tensor:
    """1 - m of the mask m that blurs as little as possible and makes the prediction fall as far as possible.

        m* = argmin f(m x + (1 - m) blur(x)) + w1 mean|1 - m| + w2 mean|grad m|^beta,  0 <= m <= 1, from m = 1

    A map is in 0..1: 1 where the image had to be blurred wholly.

    References: Fong and Vedaldi, "Interpretable Explanations of Black Boxes by Meaningful Perturbation", ICCV 2017, eq.
    3 and section 4.3, without its jitter.
    """
    x, targets = checked(x, targets)
    size = [min(settings.mask_size, length) for length in x.shape[-2:]]
    with explaining(x.device, classifier):
        blurred = gaussian_blur(x, settings.image_sigma)

    def enlarged(mask: Tensor) -> Tensor:
        whole = F.interpolate(mask, x.shape[-2:], mode="bilinear", align_corners=False)
        return gaussian_blur(whole, settings.mask_sigma)

    def penalty(mask: Tensor) -> Tensor:
        roughness = _roughness(mask, settings.exponent)
        return settings.sparsity * (1 - mask).abs().mean((1, 2, 3)) + settings.smoothness * roughness

    def change(mask: Tensor, rows: slice) -> Tensor:
        keep = enlarged(mask)
        return keep * x[rows] + (1 - keep) * blurred[rows]

    with explaining(x.device, classifier):
        start = torch.ones(len(x), 1, *size, dtype=x.dtype, device=x.device)
        rule = _Rule(classifier, targets, change, penalty, lambda mask, rows: mask.clamp_(0, 1))
        masks = rule.minimise(start, settings.iterations, settings.learning_rate, batch_size)
        with torch.no_grad():
            return (1 - enlarged(masks))[:, 0].clamp(min=0)


def additive_perturbation(
    classifier: nn.Module,
    x: Tensor,
    targets: Tensor,
    settings: AdditiveSettings = AdditiveSettings(),
    batch_size: int = 8,
) -> Tensor:
    """|m| of the smallest smooth picture m that makes the prediction fall when it is added to the image.

        m* = argmin f(x + m) + w1 mean|m| + w2 mean|grad m|^beta,  x + m within the image's own range, from m = 0

    Maps are in units of x.

    References: Baumgartner et al., "Visual Feature Attribution Using Wasserstein GANs", CVPR 2018, section 4.
    """
    x, targets = checked(x, targets)

    def penalty(added: Tensor) -> Tensor:
        return settings.sparsity * added.abs().mean((1, 2, 3)) + settings.smoothness * _roughness(
            added, settings.exponent
        )

    lowest, highest = x.amin((1, 2, 3), keepdim=True), x.amax((1, 2, 3), keepdim=True)

    def within(added: Tensor, rows: slice) -> None:
        added.copy_(((x[rows] + _RANGE * added).clamp(lowest[rows], highest[rows]) - x[rows]) / _RANGE)

    with explaining(x.device, classifier):
        rule = _Rule(classifier, targets, lambda added, rows: x[rows] + _RANGE * added, penalty, within)
        added = rule.minimise(torch.zeros_like(x), settings.iterations, settings.learning_rate, batch_size)
        return (_RANGE * added)[:, 0].abs()


def compute_meaningful(request: Request) -> Results:
    """The kind of `meaningful_perturbation`. Parameters: iterations, sparsity, smoothness."""
    settings = MaskSettings(
        iterations=int(request.parameters["iterations"]),
        sparsity=float(request.parameters["sparsity"]),
        smoothness=float(request.parameters["smoothness"]),
    )
    maps = meaningful_perturbation(request.classifier, request.x, request.targets, settings, request.batch_size)
    return stills(request, maps)


def compute_additive(request: Request) -> Results:
    """The kind of `additive_perturbation`. Parameters: iterations, sparsity, smoothness."""
    settings = AdditiveSettings(
        iterations=int(request.parameters["iterations"]),
        sparsity=float(request.parameters["sparsity"]),
        smoothness=float(request.parameters["smoothness"]),
    )
    maps = additive_perturbation(request.classifier, request.x, request.targets, settings, request.batch_size)
    return stills(request, maps)


@dataclass(frozen=True)
class _Rule:
    """change(v, rows): the images of these rows changed by v. penalty(v): (B,). bounded(v, rows): keeps v in bounds."""

    classifier: nn.Module
    targets: Tensor
    change: Callable[[Tensor, slice], Tensor]
    penalty: Callable[[Tensor], Tensor]
    bounded: Callable[[Tensor, slice], object]

    def minimise(self, start: Tensor, iterations: int, learning_rate: float, batch_size: int) -> Tensor:
        """v of least f(change(v)) + penalty(v) as Adam finds it, for all rows, `batch_size` at a time."""
        if iterations < 1 or batch_size < 1:
            raise ValueError(f"iterations is {iterations} and batch_size is {batch_size}; both must be at least 1")
        found = []
        for first in range(0, len(start), batch_size):
            rows = slice(first, first + batch_size)
            value = start[rows].clone().requires_grad_()
            adam = torch.optim.Adam([value], lr=learning_rate)
            for _ in range(iterations):
                with torch.enable_grad():
                    prediction = chosen(self.classifier(self.change(value, rows)), self.targets[rows])
                    (value.grad,) = torch.autograd.grad((prediction + self.penalty(value)).sum(), value)
                adam.step()
                with torch.no_grad():
                    self.bounded(value, rows)
            found.append(value.detach())
        return torch.cat(found)


def _roughness(pictures: Tensor, exponent: float) -> Tensor:
    """Mean over places of |grad|^exponent of pictures (N, 1, H, W): (N,); differences to the right and down."""
    right, down = pictures.diff(dim=3).abs(), pictures.diff(dim=2).abs()
    return (right**exponent).mean((1, 2, 3)) + (down**exponent).mean((1, 2, 3))
