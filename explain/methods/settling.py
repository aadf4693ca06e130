"""Integrated gradients with as many nodes as each image needs: they are doubled until its map no longer changes.

Nodes are equally spaced, both ends among them, and weighted by the trapezoidal rule, so that twice as many intervals
reuse every gradient there is. The gradient of a network with ReLUs jumps along the path; on such a function equal
spacing comes closer than Gauss-Legendre or Clenshaw-Curtis nodes of the same number (docs/performance.md).
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from explain.methods.at_input import AtInput, at_input
from explain.methods.batch import checked, gradient
from explain.methods.contract import Request, Results, stills
from explain.methods.gradients import PathIntegral, integrate_gradients
from explain.methods.modes import explaining
from explain.methods.smooth_grad import smoothed, smoothing_of


@dataclass(frozen=True)
class Settling:
    """When an image has enough nodes.

    spearman: the least rank correlation that a map kept is to have with the map of twice as many intervals. That one
    is not computed: twice the intervals bring 1 - Spearman to less than half (measured, docs/performance.md), so the
    map kept may differ from the one of half the intervals by twice as much.
    gap: the completeness gap may change by this share of |f(x) - f(0)|, or by 0.005 of probability.
    first, most: intervals to begin with and to end at; most is first times a power of 2.
    """

    spearman: float = 0.99
    gap: float = 0.05
    first: int = 16
    most: int = 256

    def __post_init__(self) -> None:
        if not (0 < self.spearman < 1 and self.gap > 0 and self.first >= 1 and self.most >= 2 * self.first):
            raise ValueError(f"{self} cannot be used: 0 < spearman < 1, gap > 0, most at least twice first")

    def met(self, agreement: Tensor, change: Tensor, rise: Tensor) -> Tensor:
        """Which images are settled, bool (N,): Spearman with half the intervals, change of the gap, f(x) - f(0)."""
        same_map = 1 - agreement <= 2 * (1 - self.spearman)
        return same_map & (change.abs() <= (self.gap * rise.abs()).clamp(min=0.005))


@dataclass(frozen=True)
class Settled:
    """integral: of the finest nodes computed. nodes: int64 (N,), gradients each image took. agreement: (N,), Spearman
    of the map with that of half the intervals. settled: bool (N,), false where `most` intervals were not enough."""

    integral: PathIntegral
    nodes: Tensor
    agreement: Tensor
    settled: Tensor


def integrate_until_settled(
    classifier: nn.Module,
    x: Tensor,
    targets: Tensor,
    rule: Settling = Settling(),
    batch_size: int = 8,
    end: AtInput | None = None,
) -> Settled:
    """Integrated gradients along the straight path from an all-zero image to x, with the nodes that each image needs.

    classifier, x, targets: as for `explain.methods.gradients`. batch_size: images per pass, filled across the nodes of
    all images that are not settled yet. end: what is known of the path's end, x itself, if its gradient is.
    An image without a finite map stops at once.

    References: Sundararajan, Taly, Yan, "Axiomatic Attribution for Deep Networks", ICML 2017, eq. 3.
    """
    x, targets = checked(x, targets)
    with explaining(x.device, classifier):
        path = _Path(classifier, x, targets, batch_size)
        everyone = torch.arange(len(x), device=x.device)
        total, ends = path.ends(everyone, end)
        rise = ends[:, 1] - ends[:, 0]
        total += path.sums(everyone, torch.arange(1, rule.first) / rule.first)[0]
        intervals = torch.full_like(targets, rule.first)
        agreement, settled = torch.zeros_like(rise), torch.zeros_like(targets, dtype=torch.bool)
        gap, ranks = (x * total)[:, 0].sum((1, 2)) / rule.first - rise, _ranks(x * total)
        active, count = everyone, rule.first
        while len(active) and count < rule.most:
            count *= 2
            total[active] += path.sums(active, torch.arange(1, count, 2) / count)[0]
            intervals[active] = count
            attributed = x[active] * total[active]
            new_gap, new_ranks = attributed[:, 0].sum((1, 2)) / count - rise[active], _ranks(attributed)
            agreement[active] = _correlation(ranks, new_ranks)
            settled[active] = rule.met(agreement[active], new_gap - gap, rise[active])
            finite = attributed.flatten(1).isfinite().all(1)
            going = ~settled[active] & finite
            active, gap, ranks = active[going], new_gap[going], new_ranks[going]
        attributions = (x * total)[:, 0] / intervals[:, None, None]
        return Settled(
            PathIntegral(attributions, ends[:, 1].float(), ends[:, 0].float()), intervals + 1, agreement, settled
        )


class _Path:
    """Gradients of a batch's images on their way from grey."""

    def __init__(self, classifier: nn.Module, x: Tensor, targets: Tensor, batch_size: int) -> None:
        if batch_size < 1:
            raise ValueError(f"batch_size is {batch_size}; it must be at least 1")
        self.classifier, self.x, self.targets, self.batch_size = classifier, x, targets, batch_size

    def ends(self, examples: Tensor, end: AtInput | None) -> tuple[Tensor, Tensor]:
        """Half the gradients at grey and at the image, summed, (B, 1, H, W), and f at both, (B, 2)."""
        if end is None or end.gradient is None:
            return self.sums(examples, torch.tensor([0.0, 1.0]), 0.5)
        total, grey = self.sums(examples, torch.tensor([0.0]), 0.5)
        return total + 0.5 * end.gradient[:, None], torch.cat([grey, end.predictions[:, None]], 1)

    def sums(self, examples: Tensor, alphas: Tensor, weight: float = 1.0) -> tuple[Tensor, Tensor]:
        """weight * the sum of d f / d x over the points alpha * x of each example, (B, 1, H, W), and f there (B, A)."""
        x, targets, alphas = self.x[examples], self.targets[examples], alphas.to(self.x)
        total, predictions = torch.zeros_like(x), []
        for rows in torch.arange(len(examples) * len(alphas), device=x.device).split(self.batch_size):
            which, node = rows // len(alphas), rows % len(alphas)
            found, values = gradient(self.classifier, x[which] * alphas[node, None, None, None], targets[which])
            total.index_add_(0, which, weight * found[:, None])
            predictions.append(values)
        values = torch.cat(predictions) if predictions else x.new_zeros(0)
        return total, values.reshape(len(examples), len(alphas))


def _ranks(signed: Tensor) -> Tensor:
    """The places of |values| in their order, (N, P), centred. Equal values keep their order in the picture, so pixels
    that are 0 in two maps of one image count as alike."""
    order = signed.flatten(1).abs().argsort(dim=1, stable=True)
    places = torch.arange(order.shape[1], dtype=torch.float64, device=order.device)
    return torch.empty(order.shape, dtype=torch.float64, device=order.device).scatter_(
        1, order, (places - places.mean()).expand(order.shape)
    )


def _correlation(ranks: Tensor, others: Tensor) -> Tensor:
    """Spearman of each pair, (N,), from centred ranks."""
    return ((ranks * others).sum(1) / ranks.square().sum(1).clamp(min=1)).float()


def compute(request: Request) -> Results:
    """The kind of integrated gradients. Parameters: steps (0: as many nodes as each image needs), samples, noise.

    Records whether enough steps were taken for the image itself, with SmoothGrad too.
    """
    steps, smoothing = int(request.parameters["steps"]), smoothing_of(request)
    classifier, size = request.classifier, request.batch_size

    def integral(x: Tensor, targets: Tensor, end: AtInput | None = None) -> tuple[PathIntegral, list[dict[str, Any]]]:
        if steps:
            known = end.predictions if end else None
            return integrate_gradients(classifier, x, targets, steps, size, known), [{}] * len(x)
        found = integrate_until_settled(classifier, x, targets, batch_size=size, end=end)
        columns = zip(found.nodes.tolist(), found.agreement.tolist(), found.settled.tolist())
        return found.integral, [{"nodes": n, "agreement": a, "settled": s} for n, a, s in columns]

    path, details = integral(request.x, request.targets, at_input(request))
    attributions = path.attributions
    if smoothing.samples:
        attributions = smoothed(
            lambda x, t: integral(x, t)[0].attributions, request.x, request.targets, smoothing, size
        )
    columns = (path.completeness_gap, path.prediction, path.prediction_baseline)
    records = [
        {"completeness_gap": gap, "prediction_input": at_x, "prediction_baseline": at_0} | more
        for gap, at_x, at_0, more in zip(*(column.tolist() for column in columns), details, strict=True)
    ]
    if smoothing.samples:  # each sample is a mean gradient times its own noisy pixel: no slope at x
        return stills(request, attributions.abs(), records)
    x = request.x[:, 0]
    rises = torch.where(x == 0, 0, attributions / torch.where(x == 0, 1, x))  # attribution = mean gradient times pixel
    return stills(request, attributions.abs(), records, list(rises))
