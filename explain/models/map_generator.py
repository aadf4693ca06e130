"""The map generator of VA-GAN: a U-Net that says what to add to an image so that it looks like the other class."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

ARCHITECTURE = "map-generator"  # in a model folder's config


class MapGenerator(nn.Module):
    """M(x), what to add to x: (N, 1, H, W) -> (N, 1, H, W), both in units of [-1024, 1024].

    size: pixels a side of the images it is trained on; any other is brought to it, and the map back. filters: channels
    of the finest level, doubled at each coarser one. levels: of the U-Net. fold: pixels of a fold x fold square are
    taken as channels first and laid out again last, so that every level is that much smaller. Raises ValueError for a
    size that is no multiple of fold * 2 ** (levels - 1).
    References: Ronneberger et al., "U-Net", 2015; Baumgartner et al., CVPR 2018, section 3.3.
    """

    def __init__(self, filters: int = 12, levels: int = 3, fold: int = 4, size: int = 112) -> None:
        super().__init__()
        if min(filters, levels, fold) < 1 or levels < 2:
            raise ValueError(f"filters {filters}, levels {levels}, fold {fold}: give numbers from 1, 2 levels at least")
        multiple = fold * 2 ** (levels - 1)
        if size < 1 or size % multiple:
            raise ValueError(f"size {size}: give a multiple of {multiple}")
        self.fold, self.size = fold, size
        widths = [filters * 2**level for level in range(levels)]
        self.down = nn.ModuleList(
            _block(before, after) for before, after in zip([fold * fold, *widths], widths, strict=False)
        )
        self.up = nn.ModuleList(
            _block(fine + coarse, fine) for fine, coarse in zip(widths[-2::-1], widths[:0:-1], strict=True)
        )
        self.last = nn.Conv2d(filters, fold * fold, 1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(torch.as_tensor(self.last.bias))

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        small = _resized(x, (self.size, self.size))
        return _resized(1024.0 * self.added(small / 1024.0), (height, width))

    def added(self, x: Tensor) -> Tensor:
        """The same for x in [-1, 1] of its own size, as in training."""
        now, kept = functional.pixel_unshuffle(x, self.fold), []
        for level, block in enumerate(self.down):
            now = block(functional.max_pool2d(now, 2) if level else now)
            kept.append(now)
        for block, fine in zip(self.up, kept[-2::-1], strict=True):
            now = block(torch.cat([fine, functional.interpolate(now, scale_factor=2.0)], 1))
        return functional.pixel_shuffle(self.last(now), self.fold)


def _block(before: int, after: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for width in (before, after):
        layers += [nn.Conv2d(width, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


def _resized(x: Tensor, size: tuple[int, int]) -> Tensor:
    if tuple(x.shape[-2:]) == size:
        return x
    return functional.interpolate(x, size=size, mode="bilinear", align_corners=False, antialias=True)
