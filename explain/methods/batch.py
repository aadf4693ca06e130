"""What every explanation does with its batch: check it, and pick each image's own prediction."""

import torch
from torch import Tensor


def checked(x: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """x as an ordinary float32 tensor apart from any graph, targets beside it; ValueError on a wrong shape or type."""
    if x.ndim != 4 or x.shape[1] != 1 or not len(x):
        raise ValueError(f"x has shape {tuple(x.shape)}; give radiographs as (N, 1, H, W) with N at least 1")
    if not x.is_floating_point() or targets.is_floating_point():
        raise ValueError(f"x is {x.dtype} and targets {targets.dtype}; give float32 pixels and int64 output columns")
    if targets.shape != x.shape[:1]:
        raise ValueError(f"targets has shape {tuple(targets.shape)}; give one for each of the {len(x)} images")
    with torch.inference_mode(False):
        return x.detach().float().clone(), targets.detach().clone().to(x.device, torch.int64)


def chosen(predictions: Tensor, targets: Tensor) -> Tensor:
    """f_target of each image: (N, K) probabilities and (N,) columns -> (N,)."""
    return predictions.gather(1, targets[:, None])[:, 0]
