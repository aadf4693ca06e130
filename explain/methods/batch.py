"""What every explanation does with its batch: check it, pick each image's own prediction, and its gradient."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor


def checked(x: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """x as an ordinary tensor apart from any graph, targets beside it; ValueError on a wrong shape or type.

    float64 stays float64; any other floating-point type becomes float32.
    """
    if x.ndim != 4 or x.shape[1] != 1 or not len(x):
        raise ValueError(f"x has shape {tuple(x.shape)}; give radiographs as (N, 1, H, W) with N at least 1")
    if not x.is_floating_point() or targets.is_floating_point():
        raise ValueError(f"x is {x.dtype} and targets {targets.dtype}; give float32 pixels and int64 output columns")
    if targets.shape != x.shape[:1]:
        raise ValueError(f"targets has shape {tuple(targets.shape)}; give one for each of the {len(x)} images")
    with torch.inference_mode(False):
        x = x.detach().clone() if x.dtype == torch.float64 else x.detach().float().clone()
        return x, targets.detach().clone().to(x.device, torch.int64)


def chosen(predictions: Tensor, targets: Tensor) -> Tensor:
    """f_target of each image: (N, K) probabilities and (N,) columns -> (N,)."""
    return predictions.gather(1, targets[:, None])[:, 0]


def gradient(function: Callable[[Tensor], Tensor], x: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """d f_target / d x of each image, (N, H, W) signed, and f_target (N,); in one pass, as images do not interact."""
    with torch.enable_grad():
        x = x.detach().clone().requires_grad_()
        predictions = chosen(function(x), targets)
        (found,) = torch.autograd.grad(predictions.sum(), x)
    return found[:, 0], predictions.detach()


def path_points(x: Tensor, steps: int, batch_size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """(example, step) of all N * steps points of a batch's paths, in passes of `batch_size`: each int64 (B,)."""
    for rows in torch.arange(len(x) * steps, device=x.device).split(batch_size):
        yield rows // steps, rows % steps
