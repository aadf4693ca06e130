"""Models and kinds small enough to work figures out by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from explain.methods.contract import Result


class Weighted(nn.Module):
    """f(x) = sum of weights times pixels: one output."""

    def __init__(self, weights: np.ndarray) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.as_tensor(weights, dtype=torch.float32))

    def forward(self, x: Tensor) -> Tensor:
        return (x[:, 0] * self.weight).sum((1, 2))[:, None]


class Halves(nn.Module):
    """An autoencoder that gives each pixel half of its value."""

    def __init__(self) -> None:
        super().__init__()
        self.share = nn.Parameter(torch.tensor(0.5))

    def encode(self, x: Tensor) -> Tensor:
        return x * self.share

    def decode(self, z: Tensor, size: tuple[int, int]) -> Tensor:
        return z


def kind_that_shows(
    of: Callable[[np.ndarray, Mapping[str, nn.Module]], np.ndarray],
) -> Callable[..., Sequence[Result]]:
    """A renderer: `of` one image (H, W) and the models gives the map (H, W)."""
    return lambda pixels, models: [
        Result(torch.from_numpy(np.asarray(of(image, models), np.float32))) for image in pixels
    ]
