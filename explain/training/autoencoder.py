"""Train a residual autoencoder with an elastic loss, squared plus absolute error.

Reference: Cohen et al., "Gifsplanation via Latent Shift", MIDL 2021, section 4.1 and appendix D.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from explain.models.resnet_autoencoder import ResNetAutoencoder, Shape
from explain.training.data import Images
from explain.training.loop import precision, seconds_of

WARM_UP = 0.1  # share of the steps in which the learning rate rises
NOISE = 0.1  # on the code, whose scale is 1, so that small steps in it stay pictures
MOST_MEASURED = 512  # held-out images that an epoch is measured on


@dataclass(frozen=True)
class Setting:
    """How to train. The learning rate rises over a tenth of the steps and falls as a cosine to nothing.

    batch: images a step. rate: the highest learning rate, of AdamW. seed: of first weights, order, changes and noise.
    """

    shape: Shape = field(default_factory=Shape)
    epochs: int = 30
    batch: int = 16
    rate: float = 2e-3
    seed: int = 0

    def steps(self, images: int) -> int:
        """Steps of an epoch; what does not fill a batch waits for another epoch."""
        return max(1, images // self.batch)


def elastic_loss(reconstructed: Tensor, x: Tensor) -> Tensor:
    """Mean of squared plus absolute error, in units of half the range: both in [-1024, 1024] -> a number."""
    error = (reconstructed.float() - x) / 1024.0
    return (error.square() + error.abs()).mean()


class AutoencoderTraining:
    """The network and its optimiser. A step is decided by its number alone, so that training can go on anywhere."""

    def __init__(self, setting: Setting, training: Images, held_out: Images, device: torch.device) -> None:
        self.setting, self.training, self.held_out, self.device = setting, training, held_out, device
        torch.manual_seed(setting.seed)
        self.model = ResNetAutoencoder(setting.shape).to(device)
        self.model.to(memory_format=torch.channels_last)
        decayed = [p for p in self.model.parameters() if p.ndim > 1]
        others = [p for p in self.model.parameters() if p.ndim <= 1]
        groups = [{"params": decayed, "weight_decay": 1e-3}, {"params": others, "weight_decay": 0.0}]
        self.optimiser = torch.optim.AdamW(groups, lr=setting.rate)
        self.steps_in_epoch = setting.steps(len(training.items))
        self.steps = setting.epochs * self.steps_in_epoch

    def step(self, number: int) -> dict[str, float]:
        """Train on the batch of step `number`, from 0; the loss before the step."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.setting.rate * rate_at(number, self.steps)
        self.model.train()
        x = self._batch(number)
        with precision(self.device):
            z = self.model.encode(x)
        noise = torch.from_numpy(self._random(number, 1).standard_normal(tuple(z.shape), dtype=np.float32))
        with precision(self.device):
            reconstructed = self.model.decode(z + NOISE * noise.to(self.device))
        loss = elastic_loss(reconstructed, x)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()
        return {"loss": loss.item()}

    def measure(self) -> dict[str, float]:
        """Mean absolute error on held-out images, in grey levels of the 2,048 between black and white."""
        return {"mae": mean_absolute_error(self.model, self.held_out, self.device, self.setting.batch)}

    def _batch(self, number: int) -> Tensor:
        """Every image once an epoch; each moved by up to 1/32 of its side, and a little brighter or darker."""
        epoch, place = divmod(number, self.steps_in_epoch)
        order = np.random.default_rng((self.setting.seed, 0, epoch)).permutation(len(self.training.items))
        chosen = np.sort(order[place * self.setting.batch : (place + 1) * self.setting.batch])
        rng = self._random(number, 2)
        x = self.training.batch(chosen)
        reach = x.shape[-1] // 32
        for image, (down, right) in zip(x, rng.integers(-reach, reach + 1, (len(x), 2))):
            image[0] = _moved(image[0], int(down), int(right))
        gain, offset = rng.normal(1.0, 0.06, (len(x), 1, 1, 1)), rng.normal(0.0, 41.0, (len(x), 1, 1, 1))
        changed = torch.from_numpy((x * gain + offset).clip(-1024, 1024).astype(np.float32)).to(self.device)
        return changed.contiguous(memory_format=torch.channels_last)

    def _random(self, number: int, stream: int) -> np.random.Generator:
        return np.random.default_rng((self.setting.seed, stream, number))


def rate_at(step: int, steps: int) -> float:
    """Share of the highest learning rate at a step of `steps`, in (0, 1]."""
    rising = max(1, round(WARM_UP * steps))
    if step < rising:
        return (step + 1) / rising
    return max(1e-4, 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising))))


@torch.no_grad()
def mean_absolute_error(model: nn.Module, images: Images, device: torch.device, batch: int = 16) -> float:
    """Of images redrawn, in grey levels of the 2,048 between black and white; at most 512 images."""
    model.eval()
    count = min(len(images.items), MOST_MEASURED)
    total = 0.0
    for start in range(0, count, batch):
        x = torch.from_numpy(images.batch(range(start, min(start + batch, count)))).to(device)
        total += (model(x) - x).abs().mean(dim=(1, 2, 3)).sum().item()
    return total / count


def seconds_a_step(setting: Setting, device: torch.device, images: int = 4) -> float:
    """Measured on noise, with a network that is thrown away.

    images: of the step, so many are measured on a CPU, whose time goes with them.
    """
    few = min(setting.batch, images) if device.type == "cpu" else setting.batch
    model = ResNetAutoencoder(setting.shape).to(device)
    x = torch.rand(few, 1, setting.shape.size, setting.shape.size, device=device)

    def work() -> None:
        elastic_loss(model(x), x).backward()
        if device.type == "cuda":
            torch.cuda.synchronize()

    return seconds_of(work, times=1) * setting.batch / few


def _moved(image: np.ndarray, down: int, right: int) -> np.ndarray:
    """(H, W) moved; the pixels of the edge fill what is left free."""
    height, width = image.shape
    rows = np.arange(height) - down
    columns = np.arange(width) - right
    moved: np.ndarray = image[rows.clip(0, height - 1)][:, columns.clip(0, width - 1)]
    return moved
