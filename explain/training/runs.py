"""One run of the autoencoder training, from images to a model folder with its card."""

from __future__ import annotations

import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

import explain
from explain.models.registry import LoadedClassifier
from explain.training.autoencoder import AutoencoderTraining, Setting, mean_absolute_error
from explain.training.data import Images, decoded
from explain.training.folder import write_model_folder
from explain.training.items import Item, digest_of, split_by_patient
from explain.training.loop import Loop
from explain.training.quality import Judge, judge_of, judged

ARCHITECTURE, TRAINING = "resnet-autoencoder", "training"
JUDGED = ("prediction_change", "reached", "compatibility_error", "iou")
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


@dataclass(frozen=True)
class Trained:
    """What a run gives: the card, and a row for each epoch: epoch, loss, mae, and where it was judged its figures."""

    card: dict[str, Any]
    rows: list[dict[str, float]]


def train(
    setting: Setting,
    prepared: Prepared,
    folder: Path,
    device: torch.device,
    say: Say,
    *,
    patience: int = 0,
    judge_every: int = 0,
    resume: bool = False,
) -> Trained:
    """Train, and write the model folder of the epoch with the lowest error on held-out images.

    The training itself is `folder`/training. patience: stop after so many epochs without a lower error, 0: never.
    judge_every: epochs from one judgement by the classifier to the next, 0: none on the way. Raises TrainingError.
    """
    training = AutoencoderTraining(setting, prepared.training, prepared.held_out, device)
    learnt, apart = prepared.training.items, prepared.held_out.items
    an_epoch = training.steps_in_epoch
    loop = Loop(
        folder / TRAINING,
        training.steps,
        {"model": training.model, "optimiser": training.optimiser},
        settings={**asdict(setting), "images": [len(learnt), len(apart), digest_of([*learnt, *apart])[:12]]},
        seed=setting.seed,
        log_every=an_epoch,
        save_every=min(an_epoch, 200),
        watch="mae",
        patience=patience,
        keep=["model"],
        resume=resume,
        say=say,
    )

    def evaluate() -> dict[str, float]:
        epoch, found = loop.step // an_epoch, training.measure()
        asked = judge_every and (epoch % judge_every == 0 or loop.step == loop.steps)
        if prepared.judge is not None and asked:
            figures = judged(prepared.judge, training.model)
            found |= {name: figures[name] for name in JUDGED if name in figures}
        return found

    loop.run(lambda done, rng: training.step(done), evaluate)
    training.model.load_state_dict(loop.best_state("model"))
    card = card_of(training, prepared, loop.step // an_epoch, loop.best_step // an_epoch, loop.seconds)
    config = {"architecture": ARCHITECTURE, "input_size": setting.shape.size, "options": options_of(setting)}
    write_model_folder(folder, training.model, config, card)
    return Trained(card, [{"epoch": row["step"] // an_epoch, **row} for row in loop.rows])


def options_of(setting: Setting) -> dict[str, int]:
    """What, beside the size, decides the network's shape."""
    shape = setting.shape
    return {"bottleneck": shape.bottleneck, "depth": shape.depth, "width": shape.width}


def card_of(
    training: AutoencoderTraining, prepared: Prepared, epochs: int, best: int, seconds: float
) -> dict[str, Any]:
    """Measured quality, and how the model was made. No path and no name of an image is in it."""
    mae = mean_absolute_error(training.model, prepared.held_out, training.device)
    card: dict[str, Any] = {
        "made_by": f"python -m explain.training autoencoder (explain {explain.__version__})",
        "setting": asdict(training.setting),
        "images": {"training": len(prepared.training.items), "held_out": len(prepared.held_out.items)},
        "epochs": epochs,
        "best_epoch": best,
        "seconds": seconds,
        "device": f"{training.device.type} {platform.machine()}, {torch.get_num_threads()} threads",
        "quality": {"mae": mae, "mae_unit": "grey levels of the 2,048 between black and white, held-out images"},
    }
    if prepared.judge is not None:
        card["with_classifier"] = judged(prepared.judge, training.model, properties=True)
    return card
