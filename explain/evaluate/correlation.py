"""How alike a map and the known truth are, pixel by pixel. Torch.

Reference: Baumgartner et al., "Visual Feature Attribution using Wasserstein GANs", CVPR 2018 (its measure on synthetic
data).
"""

import torch
from torch import Tensor


def normalised_cross_correlation(maps: Tensor, truth: Tensor) -> Tensor:
    """Zero-mean normalised cross-correlation of each map with its truth: float64 (N,), -1..1.

    maps, truth: (N, H, W), numbers or yes and no. 0 where either is the same everywhere. Raises ValueError for other
    shapes.
    """
    if maps.ndim != 3 or maps.shape != truth.shape:
        raise ValueError(f"maps are {tuple(maps.shape)} and the truth {tuple(truth.shape)}; give (N, H, W) twice")
    a, b = (each.flatten(1).double() for each in (maps, truth))
    a, b = a - a.mean(1, keepdim=True), b - b.mean(1, keepdim=True)
    size = a.norm(dim=1) * b.norm(dim=1)
    return torch.where(size > 0, (a * b).sum(1) / size.clamp(min=torch.finfo(size.dtype).tiny), 0.0)
