"""`python -m explain.training autoencoder`: an autoencoder of one's own for Latent Shift."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from explain.models.devices import device_of
from explain.models.registry import LoadedClassifier, load_classifier
from explain.models.resnet_autoencoder import STAGES, Shape, parameter_count
from explain.models.weights import WeightsError
from explain.training.autoencoder import Setting, seconds_a_step
from explain.training.data import items_of, remove_decoded
from explain.training.folder import check_folder_name
from explain.training.items import DataError, evenly
from explain.training.loop import TrainingError, duration
from explain.training.runs import prepare, train
from explain.training.sweep import shapes_of, sweep

EXAMPLE = """example:
  python -m explain.training autoencoder ward.csv --output models/ward-ae --classifier xrv-densenet121-all
  python -m explain.training autoencoder ward.csv --output first-try --limit 300 --size 96 --width 16 --epochs 5"""


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m explain.training autoencoder",
        description="Train a residual autoencoder on radiographs, and write it as a model folder.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    full = Setting()
    add = made.add_argument
    add("source", help="folder of images, manifest (.csv; docs/manifest.md), or xrv:NAME (NIH, RSNA, PC ...)")
    add("--output", type=Path, required=True, help="folder of the model; its name is the model's name")
    add("--images", type=Path, help="folder of a TorchXRayVision data set's images")
    add("--table", type=Path, help="its table, where it is not the one that TorchXRayVision ships")
    add("--size", type=int, default=full.shape.size, help="pixels a side, a multiple of 32 (default 224)")
    add("--bottleneck", type=int, help="numbers of an image's code (default: 96 channels at each place)")
    add("--depth", type=int, default=full.shape.depth, help=f"{', '.join(map(str, STAGES))} (default 18)")
    add("--width", type=int, default=full.shape.width, help="channels of the first stage (default 32; usual nets 64)")
    add("--epochs", type=int, default=full.epochs, help="passes over the training images (default 30)")
    add("--batch-size", type=int, default=full.batch, help="images a step (default 16)")
    add("--rate", type=float, default=full.rate, help="highest learning rate (default 0.002)")
    add("--held-out", type=float, default=0.1, help="share of the images, by patient, that quality is measured on")
    add("--limit", type=int, help="only that many images, evenly over the source, for a first try")
    add("--seed", type=int, default=0, help="of the split, the first weights and the order")
    add("--classifier", default="", help="name, model folder or package.module.Class; its predictions go into the card")
    add("--classifier-weights", type=Path, help="its weight file, instead of its own")
    add("--explained", type=int, default=48, help="true positives that Latent Shift is tried on (default 48)")
    add("--sweep", default="", help="bottlenecks, e.g. 490,1225,2450,4900: trains a model for each below the output")
    add("--patience", type=int, default=8, help="stop after so many epochs without a lower error; 0: never (default 8)")
    add("--resume", action="store_true", help="go on from the last checkpoint, after a kill or a full disk")
    add("--cache", type=Path, help="folder that keeps decoded images for other runs (default: none are kept)")
    add("--device", default="cuda" if torch.cuda.is_available() else "cpu", help="cpu, cuda or cuda:N")
    return made


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser().parse_args(arguments)
    try:
        run(options)
    except (DataError, TrainingError, WeightsError, ValueError, OSError, KeyError) as error:
        text = error.args[0] if isinstance(error, KeyError) else error
        raise SystemExit(f"autoencoder: {text}") from error


def run(options: argparse.Namespace) -> None:
    """Everything that can be refused is refused before anything is written."""
    setting = setting_of(options)
    check_folder_name(options.output)
    device = device_of(options.device)
    bottlenecks = [int(part) for part in options.sweep.split(",") if part.strip()] if options.sweep else []
    shapes = shapes_of(bottlenecks, setting.shape) if options.sweep else [setting.shape]
    classifier = _classifier(options, device)
    items = items_of(options.source, images=options.images, table=options.table)
    chosen = evenly(items, options.limit)
    tell_cost(setting, shapes, len(chosen), len(items), options.held_out, device)
    cache = options.cache or options.output / "training"
    seed, most = options.seed, options.explained
    prepared = prepare(chosen, setting.shape.size, options.held_out, seed, cache, say, classifier, device, most)
    going = {"patience": options.patience, "resume": options.resume}
    if options.sweep:
        rows = sweep(bottlenecks, setting, prepared, options.output, device, say, **going)
        made = f"{len(bottlenecks)} models, sweep.csv ({len(rows)} rows) and sweep.png to {options.output}."
    else:
        card = train(setting, prepared, options.output, device, say, **going).card
        made = f"{options.output}: mean absolute error {card['quality']['mae']:.1f} of 2,048 grey levels."
    if options.cache is None:
        remove_decoded(cache)  # nobody looks for radiographs and file names in a model's folder
    say(f"Wrote {made}")


def setting_of(options: argparse.Namespace) -> Setting:
    """ValueError for what cannot be."""
    for name in ("epochs", "batch_size", "limit", "explained"):
        value = getattr(options, name)
        if value is not None and value < 1:
            raise ValueError(f"--{name.replace('_', '-')} {value}: give a whole number from 1")
    if options.patience < 0:
        raise ValueError(f"--patience {options.patience}: give a whole number from 0")
    if not 0 < options.held_out < 1:
        raise ValueError(f"--held-out {options.held_out}: give a share between 0 and 1")
    shape = Shape(options.size, options.bottleneck or 96 * (options.size // 32) ** 2, options.depth, options.width)
    return Setting(shape, options.epochs, options.batch_size, options.rate, options.seed)


def tell_cost(
    setting: Setting,
    shapes: Sequence[Shape],
    images: int,
    all_images: int,
    held_out: float,
    device: torch.device,
) -> None:
    """What this run, and the full setting on all images, will take here; measured on a few steps."""
    each = [seconds_a_step(replace(setting, shape=shape), device) for shape in (shapes[0], shapes[-1])]
    trained, disk = round(images * (1 - held_out)), 2 * images * setting.shape.size**2 / 1e6
    steps = setting.epochs * setting.steps(trained)
    say(
        f"{images} images at {setting.shape.size} px, {parameter_count(shapes[-1]):,} weights, {len(shapes)} model(s) "
        f"of {steps} steps: about {duration(steps * len(shapes) * sum(each) / 2)} on {device} "
        f"({torch.get_num_threads()} threads), and {disk:,.0f} MB of disk for decoded images."
    )
    full = Setting()
    if (images, setting.shape, setting.epochs) != (all_images, full.shape, full.epochs):
        steps = full.epochs * full.steps(round(all_images * 0.9))
        say(
            f"The full setting (all {all_images} images, {full.shape.size} px, {full.epochs} epochs, "
            f"depth {full.shape.depth}, width {full.shape.width}) would take about "
            f"{duration(steps * seconds_a_step(full, device, images=1))}."
        )


def _classifier(options: argparse.Namespace, device: torch.device) -> LoadedClassifier | None:
    if not options.classifier:
        return None
    return load_classifier(options.classifier, device, options.classifier_weights)


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
