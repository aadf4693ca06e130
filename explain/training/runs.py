"""One run of the autoencoder training, from images to a model folder with its card."""

from __future__ import annotations

import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import torch

import explain
from explain.models.registry import LoadedClassifier
from explain.training.autoencoder import AutoencoderTraining, Setting, epochs_of, mean_absolute_error
from explain.training.data import Images, decoded
from explain.training.folder import write_model_folder
from explain.training.items import Item, split_by_patient
from explain.training.quality import Judge, judge_of, judged

ARCHITECTURE = "resnet-autoencoder"
Say = Callable[[str], object]


@dataclass(frozen=True)
class Prepared:
    """Images at the autoencoder's size, and what judges it; decoded once for all runs of a sweep."""

    training: Images
    held_out: Images
    judge: Judge | None


def prepare(
    items: list[Item],
    size: int,
    share: float,
    seed: int,
    cache: Path,
    say: Say,
    classifier: LoadedClassifier | None = None,
    device: torch.device | None = None,
    most: int = 48,
) -> Prepared:
    """Split by patient and decode. Raises DataError, OSError."""
    rest, apart = split_by_patient(items, share, seed)

    def read(part: list[Item], at: int, name: str) -> Images:
        def progress(done: int, of: int) -> None:
            if done == of or done % max(1, of // 4) == 0:
                say(f"reading {name}: {done} of {of}")

        return decoded(part, at, cache / f"{name}-{at}.npy", progress, lambda why: say(f"left out: {why}"))

    training, held_out = read(rest, size, "training"), read(apart, size, "held-out")
    if classifier is None:
        return Prepared(training, held_out, None)
    at_its_size = held_out if classifier.input_size == size else read(apart, classifier.input_size, "held-out")
    return Prepared(training, held_out, judge_of(classifier, at_its_size, device or torch.device("cpu"), most))


def train(
    setting: Setting,
    prepared: Prepared,
    folder: Path,
    device: torch.device,
    say: Say,
    each: Callable[[int, AutoencoderTraining, dict[str, float]], object] = lambda epoch, training, found: None,
) -> dict[str, Any]:
    """Train, and write the model folder of the epoch with the lowest error on held-out images; returns the card."""
    started = perf_counter()
    training = AutoencoderTraining(setting, prepared.training, prepared.held_out, device)
    done = 0
    for epoch, found in epochs_of(training):
        each(epoch, training, found)
        done = epoch
        left = (perf_counter() - started) / epoch * (setting.epochs - epoch)
        say(f"epoch {epoch} of {setting.epochs}: loss {found['loss']:.4f}, MAE {found['mae']:.1f}, {left:.0f} s left")
    card = card_of(training, prepared, done, perf_counter() - started)
    config = {"architecture": ARCHITECTURE, "input_size": setting.shape.size, "options": options_of(setting)}
    write_model_folder(folder, training.model, config, card)
    return card


def options_of(setting: Setting) -> dict[str, int]:
    """What, beside the size, decides the network's shape."""
    shape = setting.shape
    return {"bottleneck": shape.bottleneck, "depth": shape.depth, "width": shape.width}


def card_of(training: AutoencoderTraining, prepared: Prepared, epochs: int, seconds: float) -> dict[str, Any]:
    """Measured quality, and how the model was made. No path and no name of an image is in it."""
    mae = mean_absolute_error(training.model, prepared.held_out, training.device)
    card: dict[str, Any] = {
        "made_by": f"python -m explain.training autoencoder (explain {explain.__version__})",
        "setting": asdict(training.setting),
        "images": {"training": len(prepared.training.items), "held_out": len(prepared.held_out.items)},
        "epochs": epochs,
        "seconds": seconds,
        "device": f"{training.device.type} {platform.machine()}, {torch.get_num_threads()} threads",
        "quality": {"mae": mae, "mae_unit": "grey levels of the 2,048 between black and white, held-out images"},
    }
    if prepared.judge is not None:
        card["with_classifier"] = judged(prepared.judge, training.model)
    return card
