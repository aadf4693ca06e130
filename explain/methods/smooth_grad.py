"""SmoothGrad: the mean of a signed map over noisy copies of the image.

Reference: Smilkov et al., "SmoothGrad: removing noise by adding noise", 2017.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from explain.methods.contract import Request

Signed = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Smoothing:
    """samples: noisy copies of each image, 0 for none. noise: standard deviation as a share of each image's range."""

    samples: int = 0
    noise: float = 0.15

    def __post_init__(self) -> None:
        if self.samples < 0 or not 0 < self.noise < float("inf"):
            raise ValueError(f"samples is {self.samples} and noise {self.noise}; give 0 or more, and more than 0")


NONE = Smoothing()


def smoothing_of(request: Request) -> Smoothing:
    """What a kind's parameters `samples` and `noise` say."""
    return Smoothing(int(request.parameters["samples"]), float(request.parameters["noise"]))


def smoothed(signed: Signed, x: Tensor, targets: Tensor, smoothing: Smoothing, batch_size: int = 8) -> Tensor:
    """Mean of `signed(x + noise, targets)`, (N, H, W), over the noisy copies; without samples `signed(x, targets)`.

    signed: (B, 1, H, W), (B,) -> (B, H, W), each image by itself. The noise is Gaussian and drawn for each image from a
    seed that its own pixels give, so that an image's map is the same alone and in any batch, on any device.
    """
    if not smoothing.samples:
        return signed(x, targets)
    total = torch.zeros_like(x[:, 0])
    scale = smoothing.noise * (x.amax((1, 2, 3)) - x.amin((1, 2, 3)))
    sources = [_source(image) for image in x]
    examples = torch.arange(len(x), device=x.device).repeat_interleave(smoothing.samples)
    for rows in examples.split(batch_size):
        noise = torch.stack([torch.randn(x.shape[1:], generator=sources[n], dtype=x.dtype) for n in rows.tolist()])
        noisy = x[rows] + scale[rows, None, None, None] * noise.to(x.device)
        total.index_add_(0, rows, signed(noisy, targets[rows]))
    return total / smoothing.samples


def _source(image: Tensor) -> torch.Generator:
    return torch.Generator().manual_seed(zlib.crc32(image.detach().cpu().numpy().tobytes()))
