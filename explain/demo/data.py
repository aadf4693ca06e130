"""The phantoms the demo models learn from and are measured on, as pairs: one patient with and without one thing.

In training, a thing that only goes with a pathology (a chest tube with a pneumothorax) is common where it is,
and the label, as if mined from reports, often names the pathology where only its companion is seen. A model that learns
this makes false positives with a known cause.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from explain.demo.phantom_anatomy import stream
from explain.demo.phantoms import COMPANION, PATHOLOGIES, Phantom, draw

MODEL_SIZE = 224
PREVALENCE = 0.18
COMPANION_IF_POSITIVE, COMPANION_IF_NEGATIVE = 0.55, 0.10
LABEL_IF_COMPANION_ONLY = 0.6  # how often a report names the pathology when only its companion is in the picture


@dataclass(frozen=True)
class Recipe:
    """What is in the picture of one seed, and the one item (finding or confounder) its partner lacks."""

    seed: int
    findings: tuple[str, ...]
    confounders: tuple[str, ...]
    item: str


def recipe(seed: int) -> Recipe:
    """The training distribution: findings at random, their companions more often with them than without."""
    rng = stream(seed, "recipe")
    findings = {name for name in PATHOLOGIES if rng.random() < PREVALENCE}
    item_of = PATHOLOGIES[int(rng.integers(len(PATHOLOGIES)))]
    item = item_of if rng.random() < 0.65 else COMPANION[item_of]
    if item == item_of:
        findings.add(item)
    confounders = set()
    for name in PATHOLOGIES:
        if rng.random() < (COMPANION_IF_POSITIVE if name in findings else COMPANION_IF_NEGATIVE):
            confounders.add(COMPANION[name])
    if item != item_of:
        confounders.add(item)
    return Recipe(
        seed,
        tuple(name for name in PATHOLOGIES if name in findings),
        tuple(name for name in COMPANION.values() if name in confounders),
        item,
    )


def report_labels(findings: Sequence[str], confounders: Sequence[str]) -> NDArray[np.float32]:
    """(6,) how likely a report names each: 1 for a finding, LABEL_IF_COMPANION_ONLY for its companion alone."""
    labels = [
        1.0 if name in findings else LABEL_IF_COMPANION_ONLY * (COMPANION[name] in confounders) for name in PATHOLOGIES
    ]
    return np.array(labels, dtype=np.float32)


def truth_labels(findings: Sequence[str]) -> NDArray[np.float32]:
    """(6,) 1 where the pathology is in the picture."""
    return np.array([name in findings for name in PATHOLOGIES], dtype=np.float32)


@dataclass(frozen=True)
class Pairs:
    """N pairs. images, partners: (N, 224, 224) uint8, with and without `items`; both labels: (N, 6) float32."""

    images: NDArray[np.uint8]
    partners: NDArray[np.uint8]
    labels: NDArray[np.float32]
    partner_labels: NDArray[np.float32]
    items: NDArray[np.str_]


def draw_pair(made: Recipe, size: int) -> tuple[Phantom, Phantom]:
    """The phantom of a recipe, and the same one without the recipe's item."""
    without = (
        tuple(name for name in made.findings if name != made.item),
        tuple(name for name in made.confounders if name != made.item),
    )
    return draw(made.seed, size, made.findings, made.confounders), draw(made.seed, size, *without)


def to_model_size(pixels: NDArray[np.uint8] | NDArray[np.uint16]) -> NDArray[np.uint8]:
    """(H, W) of 8 bits -> (224, 224) uint8 by area averaging."""
    return np.asarray(Image.fromarray(pixels).resize((MODEL_SIZE, MODEL_SIZE), Image.Resampling.BOX))


def _training_pair(seed: int, size: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8], Recipe]:
    made = recipe(seed)
    image, partner = draw_pair(made, size)
    return to_model_size(image.pixels), to_model_size(partner.pixels), made


def draw_pairs(seeds: Sequence[int], size: int = MODEL_SIZE, workers: int = 2) -> Pairs:
    """Draw the pair of every seed in `workers` processes (about 12 pairs a second on each)."""
    with ProcessPoolExecutor(workers) as pool:
        drawn = list(pool.map(partial(_training_pair, size=size), seeds, chunksize=16))
    labels, partner_labels = [], []
    for *_, made in drawn:
        labels.append(report_labels(made.findings, made.confounders))
        partner_labels.append(
            report_labels(
                [name for name in made.findings if name != made.item],
                [name for name in made.confounders if name != made.item],
            )
        )
    return Pairs(
        np.stack([image for image, _, _ in drawn]),
        np.stack([partner for _, partner, _ in drawn]),
        np.stack(labels),
        np.stack(partner_labels),
        np.array([made.item for *_, made in drawn]),
    )


def to_input(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """uint8 (N, H, W) -> float32 (N, 1, H, W) in [-1024, 1024], as TorchXRayVision scales."""
    return (pixels.astype(np.float32)[:, None] / 255.0 * 2.0 - 1.0) * 1024.0
