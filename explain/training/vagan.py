"""VA-GAN: train a map generator from images with a finding and images without; no classifier. Torch.

M is what must be added to an image with the finding so that a critic cannot tell it from the images without. The
critic is trained as in a Wasserstein GAN with a gradient penalty; the map is kept small by its mean |M|.
References: Baumgartner et al., "Visual Feature Attribution using Wasserstein GANs", CVPR 2018, eq. 2-4; Gulrajani et
al., "Improved Training of Wasserstein GANs", 2017, for the penalty.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from explain.evaluate.correlation import normalised_cross_correlation
from explain.models.map_generator import MapGenerator
from explain.training.items import Item
from explain.training.loop import HasState, Loop, Say, precision

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Setting:
    """Of one training. steps: of the generator ("map steps"); the critic takes `critic_steps` before each, and
    `long_critic_steps` before the first and every hundredth.

    filters, levels, fold: of the generator. width: channels of the critic's first layer. sparsity: weight of mean |M|,
    penalty: of the gradient penalty, both for images in [-1, 1].
    """

    size: int = 112
    steps: int = 1000
    batch: int = 16
    critic_steps: int = 5
    long_critic_steps: int = 30
    filters: int = 12
    levels: int = 3
    fold: int = 4
    width: int = 24
    sparsity: float = 100.0
    penalty: float = 10.0
    rate: float = 1e-3
    seed: int = 0

    def options(self) -> dict[str, int]:
        """What decides the generator's shape beside its size."""
        return {"filters": self.filters, "levels": self.levels, "fold": self.fold}

    def critic_updates(self, steps: int) -> int:
        """How many updates the critic has had after so many map steps."""
        long = (steps + 99) // 100
        return long * self.long_critic_steps + (steps - long) * self.critic_steps


class Pictures(Protocol):
    """Float32 (N, 1, S, S) in [-1, 1]: an array, or what reads its pixels as they are asked for."""

    def __len__(self) -> int: ...
    def __getitem__(self, chosen: Any, /) -> NDArray[np.float32]: ...


@dataclass(frozen=True)
class Examples:
    """What is trained on. negatives, positives: without the finding and with it.

    held_out, truth: positives kept apart, and (N, S, S) where the finding is, if that is known to the training. source:
    which images these are; a training goes on with the same only. items: what is held out, of images that are files.
    """

    negatives: Pictures
    positives: Pictures
    held_out: NDArray[np.float32]
    truth: NDArray[np.bool_] | None = None
    source: str = ""
    items: tuple[Item, ...] = ()


class Critic(nn.Module):
    """(N, 1, S, S) -> (N,): high for an image of the negative class. Nine convolutions; no batch norm, whose mixing of
    images the gradient penalty forbids."""

    def __init__(self, width: int = 24, fold: int = 4) -> None:
        super().__init__()
        shape = [(1, 2), (1, 1), (1, 1), (2, 2), (2, 1), (2, 1), (2, 1), (2, 1)]
        layers: list[nn.Module] = [nn.PixelUnshuffle(fold)]
        before = fold * fold
        for times, stride in shape:
            layers += [nn.Conv2d(before, times * width, 3, stride, 1), nn.LeakyReLU(0.2)]
            before = times * width
        self.layers = nn.Sequential(*layers, nn.Conv2d(before, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        grades: Tensor = self.layers(x)
        return grades.mean(dim=(1, 2, 3))


class VaGan:
    """The two networks with their optimisers, and one step of the training."""

    def __init__(self, setting: Setting, examples: Examples, device: torch.device) -> None:
        torch.manual_seed(setting.seed)
        self.setting, self.examples, self.device = setting, examples, device
        self.generator = MapGenerator(**setting.options(), size=setting.size)
        self.critic = Critic(setting.width, setting.fold)
        for network in (self.generator, self.critic):
            network.to(device).to(memory_format=torch.channels_last)
        self.optimisers = [
            torch.optim.Adam(network.parameters(), setting.rate, betas=(0.0, 0.9), fused=True)
            for network in (self.generator, self.critic)
        ]

    def run(self, folder: Path, log_every: int = 10, resume: bool = False, say: Say = log.info) -> Loop:
        """Train in `folder`, see Loop. Where the truth is known, the weights of the highest NCC are the best."""
        parts: dict[str, HasState] = {
            "generator": self.generator,
            "critic": self.critic,
            "optimiser of the generator": self.optimisers[0],
            "optimiser of the critic": self.optimisers[1],
        }
        settings = {name: value for name, value in asdict(self.setting).items() if name != "steps"}
        settings["images"] = [len(self.examples.negatives), len(self.examples.positives), self.examples.source]
        loop = Loop(
            folder, self.setting.steps, parts, settings=settings, seed=self.setting.seed, log_every=log_every,
            save_every=log_every, watch="ncc", better="higher", keep=["generator"], resume=resume,
            say=say,
        )  # fmt: skip
        return loop.run(self.step, lambda: self.evaluate(loop.step))

    def step(self, done: int, rng: np.random.Generator) -> Mapping[str, float]:
        """Updates of the critic, then one of the generator.

        distance: the critic's estimate of how far x + M is from the negatives; change: mean |M|, of a range of 2.
        """
        updates = self.setting.long_critic_steps if done % 100 == 0 else self.setting.critic_steps
        for _ in range(updates):
            distance, penalty = self._critic_step(rng)
        return {"distance": distance, "penalty": penalty, "change": self._map_step(rng)}

    def _critic_step(self, rng: np.random.Generator) -> tuple[float, float]:
        real, x = self._drawn(self.examples.negatives, rng), self._drawn(self.examples.positives, rng)
        with torch.no_grad(), precision(self.device):
            fake = x + self.generator.added(x).float()
        share = torch.rand(len(x), 1, 1, 1).to(self.device)
        between = (share * real + (1 - share) * fake).requires_grad_()
        (slope,) = torch.autograd.grad(self.critic(between).sum(), between, create_graph=True)
        penalty = (slope.flatten(1).norm(dim=1) - 1).square().mean()
        scores = self.critic(torch.cat([real, fake]))
        distance = scores[: len(real)].mean() - scores[len(real) :].mean()
        self.optimisers[1].zero_grad()
        (self.setting.penalty * penalty - distance).backward()
        self.optimisers[1].step()
        return distance.item(), penalty.item()

    def _map_step(self, rng: np.random.Generator) -> float:
        x = self._drawn(self.examples.positives, rng)
        self.critic.requires_grad_(False)
        with precision(self.device):
            added = self.generator.added(x).float()
        change = added.abs().mean()
        self.optimisers[0].zero_grad()
        (self.setting.sparsity * change - self.critic(x + added).mean()).backward()
        self.optimisers[0].step()
        self.critic.requires_grad_(True)
        return change.item()

    def _drawn(self, images: Pictures, rng: np.random.Generator) -> Tensor:
        return torch.from_numpy(images[rng.integers(0, len(images), self.setting.batch)]).to(self.device)

    def evaluate(self, steps: int) -> Mapping[str, float]:
        """Updates of the critic so far, and NCC of -M with the truth on what is held out, where it is known."""
        found: dict[str, float] = {"critic_updates": self.setting.critic_updates(steps)}
        if self.examples.truth is not None:
            maps = maps_of(self.generator, self.examples.held_out, self.device)
            ncc = normalised_cross_correlation(-maps, torch.from_numpy(self.examples.truth))
            found |= {"ncc": ncc.mean().item(), "ncc_sd": ncc.std().item()}
        return found


def maps_of(generator: MapGenerator, images: NDArray[np.float32], device: torch.device, batch: int = 32) -> Tensor:
    """M of images (N, 1, S, S) in [-1, 1], in the same unit: (N, S, S), in evaluation mode."""
    was = generator.training
    generator.eval()
    with torch.no_grad():
        parts = [generator.added(part.to(device))[:, 0].cpu() for part in torch.from_numpy(images).split(batch)]
    generator.train(was)
    return torch.cat(parts)


def shrunk(images: NDArray[Any], size: int) -> NDArray[Any]:
    """(N, S, S) -> (N, size, size), by area; yes and no are halved at 0.5."""
    if images.shape[-1] == size:
        return images
    small = functional.interpolate(torch.from_numpy(images[:, None].astype(np.float32)), (size, size), mode="area")
    found = small[:, 0].numpy()
    return found >= 0.5 if images.dtype == bool else found
