"""`python -m explain.training vagan`: a map generator of one's own, from images with a finding and images without."""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

import explain
from explain.models.devices import device_of
from explain.models.map_generator import ARCHITECTURE
from explain.models.registry import LoadedClassifier, load_classifier
from explain.models.weights import WeightsError
from explain.training.data import remove_decoded
from explain.training.folder import check_folder_name, write_model_folder
from explain.training.items import DataError
from explain.training.loop import Loop, TrainingError, duration, seconds_of
from explain.training.vagan import Examples, Setting, VaGan, maps_of
from explain.training.vagan_data import (
    SYNTHETIC_IMAGES,
    TEST_SEED,
    examples_of,
    synthetic,
    synthetic_examples,
    two_sides,
)
from explain.training.vagan_quality import NO_CLASSIFIER, fit, judge_of, judged, masks_of

TESTED = 500  # positives of the fresh synthetic test set that the card's figures are from
EXAMPLE = """examples:
  python -m explain.training vagan --synthetic --output models/boxes
  python -m explain.training vagan --positives ward/effusion --negatives ward/normal --output models/effusion-maps
  python -m explain.training vagan --source ward.csv --pathology Effusion --output first-try --limit 300 --steps 200"""


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m explain.training vagan",
        description="Train a map generator (VA-GAN), and write it as a model folder.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    full, add = Setting(), made.add_argument
    add("--synthetic", action="store_true", help="the synthetic images of the paper, whose truth is known")
    add("--positives", help="images with the finding: a folder, or a manifest (docs/manifest.md)")
    add("--negatives", help="images without it")
    add("--source", help="instead of both: one manifest, or folder with a manifest.csv, that has labels")
    add("--pathology", help="which label of the source; with --positives, the finding's name: studies show no other")
    add("--output", type=Path, required=True, help="folder of the model; its name is the model's name")
    add("--size", type=int, default=full.size, help="pixels a side (default 112)")
    add("--limit", type=int, help="only that many images of each side (--synthetic: in all), for a first try")
    add("--steps", type=int, default=full.steps, help="map steps, each with 5 updates of the critic (default 1000)")
    add("--batch-size", type=int, default=full.batch, help="images a step (default 16)")
    add("--filters", type=int, default=full.filters, help="channels of the generator's first level (default 12)")
    add("--fold", type=int, default=full.fold, help="4 (default): both networks work on a quarter of the size; 2, 1")
    add("--rate", type=float, default=full.rate, help="learning rate (default 0.001)")
    add("--sparsity", type=float, default=full.sparsity, help="weight of mean |M| (default 100)")
    add("--seed", type=int, default=0, help="of the first weights and the order")
    add("--log-every", type=int, default=10, help="map steps from one row of the log and checkpoint to the next")
    add("--resume", action="store_true", help="go on with the training in the output folder")
    add("--classifier", default="", help="name, folder or package.module.Class: what it makes of altered images")
    add("--classifier-weights", type=Path, help="its weight file, instead of its own")
    add("--explained", type=int, default=48, help="held-out positives that it is tried on (default 48)")
    add("--device", default="cuda" if torch.cuda.is_available() else "cpu", help="cpu, cuda or cuda:N")
    return made


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser().parse_args(arguments)
    try:
        run(options)
    except (DataError, TrainingError, WeightsError, ValueError, OSError, KeyError) as error:
        raise SystemExit(f"vagan: {error.args[0] if isinstance(error, KeyError) else error}") from error


def run(options: argparse.Namespace) -> None:
    """Everything that can be refused is refused before anything is trained."""
    setting = setting_of(options)
    check_folder_name(options.output)
    device = device_of(options.device)
    classifier = _classifier(options, device)
    examples = _examples(options, setting)
    masks = masks_of(examples.items, options.pathology or "", setting.size)
    judge = classifier and judge_of(
        classifier, options.pathology, examples.items, options.output / "training", device, options.explained, say
    )
    training = VaGan(setting, examples, device)
    tell_cost(setting, examples, device)
    loop = training.run(options.output / "training", options.log_every, options.resume, say)
    training.generator.load_state_dict(loop.best_state("generator"))
    card = card_of(training, loop, options, masks)
    card["with_classifier"] = judged(judge, training.generator.eval()) if judge else NO_CLASSIFIER
    config = {"architecture": ARCHITECTURE, "input_size": setting.size, "options": setting.options()}
    config |= {"pathologies": [options.pathology]} if options.pathology and not options.synthetic else {}
    write_model_folder(options.output, training.generator, config, card)
    remove_decoded(options.output / "training")  # nobody looks for radiographs and file names in a model's folder
    figures = ", ".join(f"{name} {value:.3g}" for name, value in card["quality"].items() if isinstance(value, float))
    say(f"Wrote {options.output}, the weights of step {card['step']:,}: {figures}.")


def setting_of(options: argparse.Namespace) -> Setting:
    """ValueError for what cannot be."""
    for name in ("size", "limit", "steps", "batch_size", "filters", "fold", "log_every", "explained"):
        value = getattr(options, name)
        if value is not None and value < 1:
            raise ValueError(f"--{name.replace('_', '-')} {value}: give a whole number from 1")
    for name in ("rate", "sparsity"):
        if not 0 < getattr(options, name) < float("inf"):
            raise ValueError(f"--{name} {getattr(options, name)}: give a number over 0")
    same = {name: getattr(options, name) for name in ("size", "steps", "filters", "fold", "rate", "sparsity", "seed")}
    return Setting(batch=options.batch_size, **same)


def tell_cost(setting: Setting, examples: Examples, device: torch.device) -> None:
    """What this run, and the full setting, will take here; measured on a few steps of networks of their own."""
    seconds = {}
    for one in {setting, replace(Setting(), seed=setting.seed)}:
        blank = np.zeros((2, 1, one.size, one.size), np.float32)
        trial, rng = VaGan(one, Examples(blank, blank, blank), device), np.random.default_rng(0)
        seconds[one] = seconds_of(lambda trial=trial, rng=rng: trial.step(1, rng)) * one.steps  # type: ignore[misc]
    full, updates = replace(Setting(), seed=setting.seed), setting.critic_updates(setting.steps)
    say(
        f"{len(examples.positives):,} images with the finding and {len(examples.negatives):,} without, at "
        f"{setting.size} px; {setting.steps:,} map steps with {updates:,} updates of the critic: about "
        f"{duration(seconds[setting])} on {device} ({torch.get_num_threads()} threads)."
    )
    if setting != full:
        say(f"The full setting ({full.size} px, {full.steps:,} map steps) would take about {duration(seconds[full])}.")


def card_of(
    training: VaGan, loop: Loop, options: argparse.Namespace, masks: Mapping[int, NDArray[np.bool_]]
) -> dict[str, Any]:
    """Measured quality, and how the generator was made. No path and no name of an image is in it.

    masks: of held-out positives, by their place; nothing was trained or chosen on them.
    """
    setting, examples = training.setting, training.examples
    step = loop.best_step or loop.step
    return {
        "made_by": f"python -m explain.training vagan (explain {explain.__version__})",
        "setting": asdict(setting),
        "trained_on": "synthetic boxes" if options.synthetic else options.pathology or "positives and negatives",
        "images": {"positives": len(examples.positives), "negatives": len(examples.negatives)},
        "step": step,
        "critic_updates": setting.critic_updates(step),
        "seconds": loop.seconds,
        "device": f"{training.device.type} {platform.machine()}, {torch.get_num_threads()} threads",
        "quality": _quality(training, options, masks),
    }


def _quality(training: VaGan, options: argparse.Namespace, masks: Mapping[int, NDArray[np.bool_]]) -> dict[str, Any]:
    """Mean |M| of a range of 2, and where truth is known IoU of |M| and NCC: of -M on a fresh synthetic test set, where
    boxes are bright; of |M| on held-out images with masks, since a finding may be bright or dark."""
    images, size, measured_on = training.examples.held_out, training.setting.size, "held-out positives"
    if options.synthetic:
        fresh = synthetic(2 * min(TESTED, options.limit or TESTED), TEST_SEED, size).positives()
        images, masks, measured_on = fresh.images, dict(enumerate(fresh.masks)), f"a fresh test set, seed {TEST_SEED}"
    maps = maps_of(training.generator, images, training.device).numpy()
    found: dict[str, Any] = {"mean_change": float(np.abs(maps).mean()), "images": len(maps), "measured_on": measured_on}
    shown = -maps if options.synthetic else np.abs(maps)
    return found | (fit(shown[list(masks)], np.stack(list(masks.values()))) if masks else {})


def _classifier(options: argparse.Namespace, device: torch.device) -> LoadedClassifier | None:
    """ValueError for one that can say nothing of these images."""
    if not options.classifier:
        return None
    if options.synthetic or not options.pathology:
        raise ValueError("--classifier needs --pathology, which says whose prediction to look at, and real images")
    found = load_classifier(options.classifier, device, options.classifier_weights)
    if options.pathology not in found.pathologies:
        known = ", ".join(name for name in found.pathologies if name)
        raise ValueError(f"{found.name} does not predict {options.pathology}, but {known}: leave out --classifier")
    return found


def _examples(options: argparse.Namespace, setting: Setting) -> Examples:
    given = [options.synthetic, bool(options.positives or options.negatives), bool(options.source)]
    if sum(given) != 1:
        raise ValueError("give --synthetic, or --positives and --negatives, or --source and --pathology")
    if options.synthetic:
        count = options.limit or SYNTHETIC_IMAGES
        if count < 40:
            raise ValueError(f"--limit {count}: at least 40 synthetic images are needed")
        return synthetic_examples(count, setting.size)
    sides = two_sides(options.source, options.pathology, options.positives, options.negatives)
    return examples_of(*sides, setting.size, options.limit, options.seed, options.output / "training", say)


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
