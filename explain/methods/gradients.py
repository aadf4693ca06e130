"""Method A: input gradients and integrated gradients of a chest X-ray classifier (guided backprop: guided.py).

Shared by all functions here:
    classifier  any module (N, 1, H, W) -> (N, K) whose output column k is f_k, the probability of pathology k
    x           float32 or float64 (N, 1, H, W), radiographs in [-1024, 1024]
    targets     int64 (N,), the output column to explain for each image
    maps        (N, H, W), non-negative, type and device of x
    smoothing   SmoothGrad: the mean of the signed maps of noisy copies; by default there is none
The classifier runs in evaluation mode and exact float32 and is left as it was found. An image that gives a non-finite
or constant map does not disturb the others of its batch; `explain.render.usable.map_problem` names it.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from explain.methods.batch import checked, chosen, gradient, path_points
from explain.methods.modes import explaining
from explain.methods.smooth_grad import NONE, Smoothing, smoothed


def input_gradients(
    classifier: nn.Module, x: Tensor, targets: Tensor, smoothing: Smoothing = NONE, batch_size: int = 8
) -> Tensor:
    """|d f_target(x) / d x| for each pixel.

    References: Simonyan, Vedaldi, Zisserman, "Deep Inside Convolutional Networks", 2013.
    """
    return signed_gradients(classifier, x, targets, smoothing, batch_size).abs()


def signed_gradients(
    classifier: nn.Module, x: Tensor, targets: Tensor, smoothing: Smoothing = NONE, batch_size: int = 8
) -> Tensor:
    """d f_target(x) / d x with its sign, (N, H, W)."""
    x, targets = checked(x, targets)

    def signed(images: Tensor, columns: Tensor) -> Tensor:
        return gradient(classifier, images, columns)[0]

    with explaining(x.device, classifier):
        return smoothed(signed, x, targets, smoothing, batch_size)


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
    classifier: nn.Module,
    x: Tensor,
    targets: Tensor,
    steps: int = 50,
    batch_size: int = 8,
    smoothing: Smoothing = NONE,
) -> Tensor:
    """|x * integral over a in [0, 1] of d f_target(a x) / d x|: see `integrate_gradients`, which also gives the gap."""
    x, targets = checked(x, targets)

    def signed(images: Tensor, columns: Tensor) -> Tensor:
        return integrate_gradients(classifier, images, columns, steps, batch_size).attributions

    return smoothed(signed, x, targets, smoothing, batch_size).abs()


def integrate_gradients(
    classifier: nn.Module,
    x: Tensor,
    targets: Tensor,
    steps: int = 50,
    batch_size: int = 8,
    prediction: Tensor | None = None,
) -> PathIntegral:
    """Integrate the gradient along the straight path from an all-zero (mid-grey) image to x.

    steps: Gauss-Legendre nodes on the path; the published maps used 100. batch_size: images per pass of the classifier,
    filled across the steps of all examples, so it bounds memory and changes the result by rounding only. prediction:
    (N,), f(x), where it is known.

    References: Sundararajan, Taly, Yan, "Axiomatic Attribution for Deep Networks", ICML 2017.
    """
    x, targets = checked(x, targets)
    if steps < 1 or batch_size < 1:
        raise ValueError(f"steps is {steps} and batch_size is {batch_size}; both must be at least 1")
    nodes, weights = np.polynomial.legendre.leggauss(steps)  # on [-1, 1]
    alphas = torch.as_tensor((nodes + 1) / 2, dtype=x.dtype, device=x.device)
    shares = torch.as_tensor(weights / 2, dtype=x.dtype, device=x.device)
    with explaining(x.device, classifier):
        total = torch.zeros_like(x)
        for example, step in path_points(x, steps, batch_size):
            points = x[example] * alphas[step, None, None, None]
            found, _ = gradient(classifier, points, targets[example])
            total.index_add_(0, example, (found * shares[step, None, None])[:, None])
        with torch.no_grad():
            if prediction is None:
                pairs = zip(x.split(batch_size), targets.split(batch_size))
                prediction = torch.cat([chosen(classifier(images), columns) for images, columns in pairs])
            baseline = classifier(torch.zeros_like(x[:1])).expand(len(x), -1)
        return PathIntegral((x * total)[:, 0], prediction.float(), chosen(baseline, targets).float())
