"""Gaussian blur of a batch of pictures."""

import torch
from torch import Tensor
from torch.nn import functional as F


def gaussian_blur(pictures: Tensor, sigma: float, size: int | None = None, edges: str = "replicate") -> Tensor:
    """Pictures (N, 1, H, W) convolved with a Gaussian of `sigma` pixels.

    size: taps in each direction, by default enough for 4 sigma on either side. An even kernel has its last tap on the
    left and top, so that nothing moves. edges: what lies outside a picture, "replicate" (its edge) or "constant" (0).
    """
    size = 2 * int(4 * sigma + 0.5) + 1 if size is None else size
    before, after = size // 2, size - 1 - size // 2
    places = torch.arange(-before, after + 1, dtype=torch.float64)
    weights = torch.exp(-(places**2) / (2 * sigma**2))
    kernel = (weights / weights.sum()).to(pictures)
    padded = F.pad(pictures, (before, after, before, after), edges)
    return F.conv2d(F.conv2d(padded, kernel[None, None, :, None]), kernel[None, None, None, :])
