"""Train the demo's classifier and autoencoder on phantoms, on two CPU cores in under an hour or on a GPU.

    python -m explain.training --output fixtures/models            draws, trains, calibrates, writes weights and card
    python -m explain.training --help

Three stages, each leaving usable weights in the output folder: the classifier on pictures; the autoencoder with an
elastic loss; both together, so that the classifier reads reconstructions and its gradient in latent space points
from a picture without a thing to the one with it (the pairs of data.py say what that direction is).

The shipped weights are what the first command made, in 50 minutes on two cores that other programs shared.
"""

from __future__ import annotations

import argparse
import logging
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from explain.demo.card import CALIBRATION_SEEDS, calibrate, held_out, measure, write_card
from explain.demo.data import Pairs, draw_pairs
from explain.models.demo_pair import CARD_FILE, CLASSIFIER_FILE, DemoAutoencoder, DemoClassifier, load_demo, save_demo
from explain.models.devices import device_of
from explain.training.loop import Loop, TrainingError

LOOPS = "training-demo"
TRAINING_SEEDS = 1_000_000  # first seed; held-out phantoms have others (card.py)


@dataclass(frozen=True)
class Batch:
    """Pairs for one step. x, partner: (N, 1, 224, 224) in [-1024, 1024]; labels: (N, 6); item: (N,) pathology index."""

    x: Tensor
    partner: Tensor
    labels: Tensor
    partner_labels: Tensor

    @property
    def images(self) -> Tensor:
        return torch.cat([self.x, self.partner])

    @property
    def all_labels(self) -> Tensor:
        return torch.cat([self.labels, self.partner_labels])


def draw_batch(pairs: Pairs, size: int, rng: np.random.Generator, device: torch.device) -> Batch:
    """`size` pairs at random; both pictures of a pair get the same shift, gain and offset."""
    chosen = rng.choice(len(pairs.images), size, replace=False)
    both = torch.from_numpy(np.stack([pairs.images[chosen], pairs.partners[chosen]])).to(device).float()
    both = torch.roll(both, tuple(int(s) for s in rng.integers(-6, 7, 2)), (-2, -1)) / 127.5 - 1.0
    gain = torch.from_numpy(rng.normal(1.0, 0.06, (size, 1, 1)).astype(np.float32)).to(device)
    offset = torch.from_numpy(rng.normal(0.0, 0.04, (size, 1, 1)).astype(np.float32)).to(device)
    both = 1024.0 * (both * gain + offset).clamp(-1.0, 1.0)
    x, partner = (part[:, None].contiguous(memory_format=torch.channels_last) for part in both)
    labels, partner_labels = (
        torch.from_numpy(part[chosen]).to(device) for part in (pairs.labels, pairs.partner_labels)
    )
    return Batch(x, partner, labels, partner_labels)


@dataclass(frozen=True)
class Stage:
    """One stage. folder: of its loop (checkpoints, log, curve). seed: of its batches; rate: highest learning rate."""

    folder: Path
    steps: int
    seed: int
    batch: int
    rate: float
    resume: bool = False


def minimise(
    loss_of: Callable[[Batch], dict[str, Tensor]],
    models: dict[str, nn.Module],
    pairs: Pairs,
    stage: Stage,
    device: torch.device,
) -> None:
    """AdamW with one cycle of the learning rate, in the common loop; logs the mean of every part of the loss."""
    parameters = [p for model in models.values() for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(parameters, lr=stage.rate, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, stage.rate, total_steps=stage.steps, pct_start=0.15)

    def step(done: int, rng: np.random.Generator) -> dict[str, float]:
        parts = loss_of(draw_batch(pairs, stage.batch, rng, device))
        optimiser.zero_grad(set_to_none=True)
        sum(parts.values(), torch.zeros((), device=device)).backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        schedule.step()
        return {name: float(part.detach()) for name, part in parts.items()}

    Loop(
        stage.folder,
        stage.steps,
        {**models, "optimiser": optimiser, "schedule": schedule},
        settings={"steps": stage.steps, "pairs": len(pairs.images), "rate": stage.rate, "batch": stage.batch},
        seed=stage.seed,
        resume=stage.resume,
    ).run(step)


def autocast(device: torch.device) -> torch.autocast:
    return torch.autocast(device.type, dtype=torch.bfloat16)


def label_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy with smoothed labels: separable labels must not drive the logits, and so the gradients, away."""
    return functional.binary_cross_entropy_with_logits(logits.float(), 0.02 + 0.96 * labels)


def elastic_loss(reconstructed: Tensor, batch: Batch) -> Tensor:
    """Squared plus absolute error in units of [-1, 1], weighted up where a pair differs: what findings are made of."""
    difference = (batch.x - batch.partner).abs() / 1024.0
    weight = 1.0 + 6.0 * (difference / 0.15).clamp(max=1.0)
    error = (reconstructed.float() - batch.images) / 1024.0
    return (torch.cat([weight, weight]) * (error.square() + error.abs())).mean()


def noisy(z: Tensor, amount: float) -> Tensor:
    return z + amount * torch.randn_like(z)


def train_classifier(classifier: DemoClassifier, pairs: Pairs, stage: Stage, device: torch.device) -> None:
    """Stage 1: labels of reports, on pictures as they are."""
    classifier.train()

    def loss_of(batch: Batch) -> dict[str, Tensor]:
        with autocast(device):
            logits = classifier.logits(batch.images)
        return {"labels": label_loss(logits, batch.all_labels)}

    minimise(loss_of, {"classifier": classifier}, pairs, stage, device)
    classifier.eval()


def train_autoencoder(autoencoder: DemoAutoencoder, pairs: Pairs, stage: Stage, device: torch.device) -> None:
    """Stage 2: elastic loss, with noise on the latent so that small steps in it stay pictures."""
    autoencoder.train()

    def loss_of(batch: Batch) -> dict[str, Tensor]:
        with autocast(device):
            reconstructed = autoencoder.decode(noisy(autoencoder.encode(batch.images), 0.1))
        return {"elastic": elastic_loss(reconstructed, batch)}

    minimise(loss_of, {"autoencoder": autoencoder}, pairs, stage, device)
    autoencoder.eval()


def alignment_loss(gradient: Tensor, z: Tensor, amount: Tensor) -> Tensor:
    """1 - cosine of d logit / d z and the latent step that a pair's item makes, weighted by how it changes the label.

    gradient, z: (2N, ...), pictures with their items, then the same without; amount: (N,) change of the label.
    """
    with_item, without = z.chunk(2)
    step = (with_item - without).flatten(1)
    cosine = functional.cosine_similarity(gradient.float().flatten(1), torch.cat([step, step]), eps=1e-6)
    weight = torch.cat([amount, amount])
    return ((1.0 - cosine) * weight).sum() / weight.sum().clamp(min=1e-3)


def train_together(
    classifier: DemoClassifier, autoencoder: DemoAutoencoder, pairs: Pairs, stage: Stage, device: torch.device
) -> None:
    """Stage 3: the classifier also reads reconstructions, these keep its features, and gradients are aligned.

    Batch norm keeps its statistics, which would differ between pictures and reconstructions.
    """
    classifier.eval()
    autoencoder.eval()

    def loss_of(batch: Batch) -> dict[str, Tensor]:
        amount, target = (batch.labels - batch.partner_labels).max(dim=1)
        with autocast(device):
            z = autoencoder.encode(batch.images).float()
        start = noisy(z, 0.1)
        with autocast(device):
            reconstructed = autoencoder.decode(start)
            rebuilt, real = classifier.features(reconstructed), classifier.features(batch.images)
            logits = classifier.pool(torch.cat([rebuilt, real]))
        chosen = logits[: len(start)].gather(1, torch.cat([target, target])[:, None]).float().sum()
        (gradient,) = torch.autograd.grad(chosen, start, create_graph=True)
        return {
            "labels": label_loss(logits, torch.cat([batch.all_labels, batch.all_labels])),
            "elastic": elastic_loss(reconstructed, batch),
            "features": 0.1 * functional.l1_loss(rebuilt.float(), real.detach().float()),
            "alignment": 1.0 * alignment_loss(gradient, z.detach(), amount),
        }

    minimise(loss_of, {"classifier": classifier, "autoencoder": autoencoder}, pairs, stage, device)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m explain.training", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--output", type=Path, required=True, help="folder for the weights, e.g. fixtures/models")
    parser.add_argument("--pairs", type=int, default=6000, help="pairs of phantoms to draw (default 6000)")
    parser.add_argument("--cache", type=Path, help="keep the drawn pairs in this .npz, or take them from it")
    parser.add_argument("--stage", choices=["all", "classifier", "autoencoder", "together"], default="all")
    parser.add_argument("--steps", type=float, default=1.0, help="factor on the number of steps (0.01 to try it out)")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint, after a kill")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--workers", type=int, default=2, help="processes that draw")
    options = parser.parse_args(arguments)
    if options.workers < 1:
        parser.error(f"--workers {options.workers}: give a whole number from 1")
    try:
        device = device_of(options.device)
    except ValueError as error:
        parser.error(str(error))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.manual_seed(0)
    pairs = _pairs(options.pairs, options.cache, options.workers)
    try:
        train(options.stage, pairs, options.output, device, options.steps, options.resume)
    except TrainingError as error:
        raise SystemExit(f"demo: {error}") from error
    classifier, autoencoder = load_demo(options.output)
    calibrate(classifier, held_out(CALIBRATION_SEEDS, 600, options.workers))
    save_demo(classifier, autoencoder, options.output)
    write_card(measure(*load_demo(options.output)), options.output / CARD_FILE)
    remove_checkpoints(options.output)


def train(
    stage: str, pairs: Pairs, folder: Path, device: torch.device, factor: float = 1.0, resume: bool = False
) -> None:
    """Run one stage, or "all", from the weights in `folder` (for "all": from random ones), and write it there.

    Each stage has a loop below `folder`/training-demo, whose checkpoints stay. Raises TrainingError.
    """
    classifier, autoencoder = DemoClassifier(), DemoAutoencoder()
    if (folder / CLASSIFIER_FILE).is_file() and stage != "all":
        classifier, autoencoder = load_demo(folder)
    for model in (classifier, autoencoder):
        model.to(device).to(memory_format=torch.channels_last).requires_grad_(True)

    def one(name: str, steps: int, seed: int, batch: int, rate: float) -> Stage:
        return Stage(folder / LOOPS / name, max(2, int(steps * factor)), seed, batch, rate, resume)

    if stage in ("all", "classifier"):
        train_classifier(classifier, pairs, one("classifier", 2000, 1, 16, 3e-3), device)
        save_demo(classifier, autoencoder, folder)
    if stage in ("all", "autoencoder"):
        train_autoencoder(autoencoder, pairs, one("autoencoder", 6000, 2, 8, 3e-3), device)
        save_demo(classifier, autoencoder, folder)
    if stage in ("all", "together"):
        train_together(classifier, autoencoder, pairs, one("together", 1500, 3, 8, 1e-3), device)
        save_demo(classifier, autoencoder, folder)


def remove_checkpoints(folder: Path) -> None:
    """Weights and card are written: nothing is left to resume."""
    for name in ("classifier", "autoencoder", "together"):
        shutil.rmtree(folder / LOOPS / name, ignore_errors=True)
    with suppress(OSError):
        (folder / LOOPS).rmdir()


def _pairs(count: int, cache: Path | None, workers: int) -> Pairs:
    if cache is not None and cache.is_file():
        with np.load(cache) as kept:
            return Pairs(**kept)
    pairs = draw_pairs(range(TRAINING_SEEDS, TRAINING_SEEDS + count), workers=workers)
    if cache is not None:
        np.savez(cache, **vars(pairs))
    return pairs
