"""TorchXRayVision's DenseNet-121 and ResNet-101 autoencoder, seeded and fitted to phantoms for a few minutes.

    python -m bench.fitted_models --folder FOLDER

Writes classifier.safetensors, autoencoder.safetensors and latent_scale. Random weights will not do for comparing maps:
their function is so rough that 50 and 100 steps of integrated gradients differ (Spearman 0.75) and that rounding
decides where a walk along lambda turns. A short fit makes them as smooth as trained ones; it makes no useful model.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torchxrayvision as xrv
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from explain.demo.data import draw_pairs, to_input
from explain.demo.phantoms import PATHOLOGIES
from explain.models.registry import load_classifier

FIRST_SEED, PAIRS = 9_000_000, 160
STEPS = {"classifier": {128: 100, 224: 15}, "autoencoder": {128: 50, 224: 20}}  # of each size in pixels, in turn
NOISE = 50.0  # standard deviation of the noise on pictures, of 2048: the classifier's gradient gets smoother


def fit(
    model: nn.Module, loss_of: Callable[[Tensor, Tensor], Tensor], x: Tensor, steps: dict[int, int], batch: int
) -> None:
    """AdamW on random batches of pictures, small ones first, in bfloat16 where safe. loss_of: (pictures, indices)."""
    sizes = [size for size, count in steps.items() for _ in range(count)]
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 1e-3, total_steps=len(sizes))
    model.train()
    for size in sizes:
        chosen = torch.randint(len(x), (batch,))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = loss_of(functional.interpolate(x[chosen], size=size, mode="area"), chosen)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()


@torch.no_grad()
def settle(model: nn.Module, x: Tensor) -> None:
    """Batch norms' statistics at the size that is explained, as the plain average over `x`."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None
    model.train()
    for part in x.split(16):
        model(part)
    model.eval()


def make(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)  # before the minutes of the fit
    torch.manual_seed(0)
    pairs = draw_pairs(range(FIRST_SEED, FIRST_SEED + PAIRS))
    x = torch.from_numpy(to_input(np.concatenate([pairs.images, pairs.partners])))
    labels = torch.from_numpy(np.concatenate([pairs.labels, pairs.partner_labels]))
    classifier, autoencoder = xrv.models.DenseNet(), xrv.autoencoders.ResNetAE101()
    columns = [xrv.datasets.default_pathologies.index(name) for name in PATHOLOGIES]

    def label_loss(pictures: Tensor, chosen: Tensor) -> Tensor:
        faded = torch.rand(len(chosen), 1, 1, 1) * pictures  # as on the way from integrated gradients' baseline
        logits = classifier(faded + NOISE * torch.randn_like(faded))[:, columns].float()
        return functional.binary_cross_entropy_with_logits(logits, 0.05 + 0.9 * labels[chosen])

    def elastic_loss(pictures: Tensor, chosen: Tensor) -> Tensor:
        error = (autoencoder(pictures)["out"].float() - pictures) / 1024.0
        return error.square().mean() + error.abs().mean()

    fit(classifier, label_loss, x, STEPS["classifier"], 16)
    with torch.no_grad():  # begin with pictures that fill the grey range
        autoencoder.conv1_1.weight.mul_(x.std() / autoencoder.train()(x[:8])["out"].std())
    fit(autoencoder, elastic_loss, x, STEPS["autoencoder"], 8)
    for name, model in (("classifier", classifier), ("autoencoder", autoencoder)):
        settle(model, x[::5])
        save_file(model.state_dict(), folder / f"{name}.safetensors")
    probabilities = load_classifier("xrv-densenet121-all", weights=folder / "classifier.safetensors").module
    scale = (20 / walk_end(probabilities, autoencoder, x[:1], columns[0])) ** 0.5
    (folder / "latent_scale").write_text(str(scale))


def walk_end(classifier: nn.Module, autoencoder: nn.Module, x: Tensor, target: int) -> float:
    """About how far along the unscaled gradient the released code's score turns or has fallen by 0.15."""
    z = autoencoder.encode(x).detach().requires_grad_()
    first = torch.sigmoid(classifier(autoencoder.decode(z, (224, 224)))[0, target])
    (gradient,) = torch.autograd.grad(first, z)
    at, before = 1.0, first.item()
    with torch.no_grad():
        while at < 1e7:
            now = torch.sigmoid(classifier(autoencoder.decode(z - at * gradient, (224, 224)))[0, target]).item()
            if now > before or first.item() - now > 0.15:
                return at
            at, before = at * 1.5, now
    return at


class ScaledLatent(nn.Module):
    """An autoencoder whose latent code is `scale` times as long, so that a step along its gradient does less."""

    def __init__(self, autoencoder: nn.Module, scale: float) -> None:
        super().__init__()
        self.autoencoder, self.scale = autoencoder, scale

    def encode(self, x: Tensor) -> Tensor:
        return self.autoencoder.encode(x) * self.scale

    def decode(self, z: Tensor, size: tuple[int, int]) -> Tensor:
        return self.autoencoder.decode(z / self.scale, size)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    make(parser.parse_args().folder)
