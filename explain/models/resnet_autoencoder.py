"""A residual autoencoder of any size, depth and bottleneck: what `python -m explain.training autoencoder` trains.

The encoder is a residual network (He et al., CVPR 2016) down to a grid of 1/32 of the image, whose channels are then
cut down to the bottleneck; the decoder goes the same way back, with bilinear enlargement before each stage. As in
Cohen et al., MIDL 2021, section 4.1, the bottleneck is what matters most.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from explain.models.demo_pair import Residual

REDUCTION = 32  # pixels of the image to one place of the latent grid
# depth, as residual networks are called -> blocks in each of the four stages, and whether blocks are the narrow ones
STAGES: dict[int, tuple[tuple[int, int, int, int], bool]] = {
    10: ((1, 1, 1, 1), False),
    18: ((2, 2, 2, 2), False),
    34: ((3, 4, 6, 3), False),
    50: ((3, 4, 6, 3), True),
    101: ((3, 4, 23, 3), True),
}


@dataclass(frozen=True)
class Shape:
    """What decides a network's weights. Raises ValueError, in words, for a shape that cannot be.

    size: pixels a side of the images it is trained on, a multiple of 32. bottleneck: numbers in an image's code, a
    multiple of the latent grid's places, (size / 32)^2. depth: 10, 18, 34, 50 or 101. width: channels of the first
    stage, which doubles from stage to stage; 64 in the usual networks.
    """

    size: int = 224
    bottleneck: int = 4704
    depth: int = 18
    width: int = 32

    def __post_init__(self) -> None:
        if self.size % REDUCTION or not REDUCTION <= self.size <= 1024:
            raise ValueError(f"size {self.size}: choose a multiple of {REDUCTION}, up to 1024")
        if self.bottleneck < 1 or self.bottleneck % self.places:
            near = max(1, round(self.bottleneck / self.places)) * self.places
            raise ValueError(
                f"bottleneck {self.bottleneck}: at {self.size} pixels choose a multiple of {self.places}, say {near}"
            )
        if self.depth not in STAGES:
            raise ValueError(f"depth {self.depth}: choose one of {', '.join(map(str, STAGES))}")
        if not 4 <= self.width <= 256 or self.width % 4:
            raise ValueError(f"width {self.width}: choose a multiple of 4, up to 256")

    @property
    def places(self) -> int:
        """Places of the latent grid."""
        return (self.size // REDUCTION) ** 2

    @property
    def channels(self) -> int:
        """Channels of the code at each place."""
        return self.bottleneck // self.places


class Narrow(nn.Module):
    """1 x 1, 3 x 3, 1 x 1 convolutions with a skip, the middle one with a quarter of the channels."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        middle = outputs // 4
        self.body = nn.Sequential(
            *_convolution(inputs, middle, 1),
            nn.ReLU(),
            *_convolution(middle, middle, 3, stride),
            nn.ReLU(),
            *_convolution(middle, outputs, 1),
        )
        self.skip: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            pool = nn.AvgPool2d(stride) if stride != 1 else nn.Identity()
            self.skip = nn.Sequential(pool, nn.Conv2d(inputs, outputs, 1, bias=False))
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.relu(self.body(x) + self.skip(x))
        return out


class ResNetAutoencoder(nn.Module):
    """(N, 1, H, W) in [-1024, 1024] <-> code (N, bottleneck / places, size / 32, size / 32), of unit scale."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape, self.input_size = shape, shape.size
        counts, narrow = STAGES[shape.depth]
        block = Narrow if narrow else Residual
        widths = [shape.width * 2**stage * (4 if narrow else 1) for stage in range(4)]
        down: list[nn.Module] = [nn.PixelUnshuffle(4), *_convolution(16, shape.width, 3), nn.ReLU()]
        inputs = shape.width
        for stage, (width, count) in enumerate(zip(widths, counts)):
            for number in range(count):
                down.append(block(inputs, width, 2 if stage and not number else 1))
                inputs = width
        # unit scale: noise on the code, and steps in it, have a known size
        code = (nn.Conv2d(inputs, shape.channels, 1), nn.BatchNorm2d(shape.channels, affine=False))
        self.encoder = nn.Sequential(*down, *code)
        up: list[nn.Module] = [*_convolution(shape.channels, inputs, 3), nn.ReLU()]
        for stage, (width, count) in reversed(list(enumerate(zip(widths, counts)))):
            for _ in range(count):
                up.append(block(inputs, width))
                inputs = width
            if stage:
                up.append(nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False))
        self.decoder = nn.Sequential(*up, nn.Conv2d(inputs, 16, 3, 1, 1), nn.PixelShuffle(4))

    def encode(self, x: Tensor) -> Tensor:
        """x of any size: it is brought to `input_size` first."""
        code: Tensor = self.encoder(_resized(x, self.shape.size) / 1024.0)
        return code

    def decode(self, z: Tensor, size: int | tuple[int, int] | None = None) -> Tensor:
        """(N, 1, H, W), about [-1024, 1024]; size is (H, W), one number for both, or the network's own."""
        return _resized(1024.0 * self.decoder(z), size or self.shape.size)

    def forward(self, x: Tensor) -> Tensor:
        return self.decode(self.encode(x), (x.shape[-2], x.shape[-1]))


def _convolution(inputs: int, outputs: int, side: int, stride: int = 1) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, side, stride, side // 2, bias=False), nn.BatchNorm2d(outputs)]


def _resized(x: Tensor, size: int | tuple[int, int]) -> Tensor:
    wanted = (size, size) if isinstance(size, int) else tuple(size)
    if wanted == tuple(x.shape[-2:]):
        return x
    return functional.interpolate(x, size=wanted, mode="bilinear", align_corners=False, antialias=True)


def parameter_count(shape: Shape) -> int:
    """How many numbers the network of a shape learns."""
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in ResNetAutoencoder(shape).parameters())
