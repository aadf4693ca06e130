"""`python -m explain.evaluate`: measure kinds of explanation on a data set with masks, without Django.

    python -m explain.evaluate --images CXR --annotations nih:BBox_List_2017.csv --labels labels.csv \\
        --models xrv-densenet121-all --kinds input_gradient latentshift_map --output measured
    python -m explain.evaluate --data-set NIH --images CXR --models xrv-densenet121-all --output measured

For each task a seeded sample of images with a positive label and a mask is drawn, the kinds are computed, and tables
(CSV), curves (SVG) and index.html are written. What cannot be used is listed in problems.csv, and the rest goes on.
Exit status: 0, 1 when something was left out, 2 when nothing could be measured.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from explain.evaluate.annotations import READERS
from explain.evaluate.measuring.page import write
from explain.evaluate.measuring.plan import Found, Plan, default_metrics
from explain.evaluate.measuring.running import load_models, run
from explain.evaluate.measuring.sources import Source, XrvImages, open_folder
from explain.evaluate.measuring.tables import tables
from explain.evaluate.metrics import METRICS
from explain.methods.kinds import COMPARED_2021, KINDS
from explain.models.allocator import restart_keeping_memory
from explain.models.devices import device_of
from explain.models.weights import WeightsError


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m explain.evaluate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = made.add_argument
    add("--images", type=Path, required=True, help="folder of PNG, JPEG or DICOM files")
    add("--annotations", metavar="FORMAT:FILE", help=f"masks of a folder; FORMAT: {', '.join(READERS)}")
    add("--labels", type=Path, help="CSV: image, patient if known, then a column a task with 1, 0 or nothing")
    add("--data-set", help="instead of --annotations: a data set of TorchXRayVision, e.g. NIH or RSNA_Pneumonia")
    add("--csv", type=Path, help="of the data set, if not the one that TorchXRayVision ships")
    add("--views", nargs="+", default=["PA", "AP"], help="of the data set")
    add("--models", nargs="+", required=True, help="classifiers by name or dotted path")
    add("--kinds", nargs="+", default=[name for group in COMPARED_2021 for name in group], choices=list(KINDS))
    add(
        "--generator",
        default="",
        help="folder of a map generator, for kinds that need one; only its own task is measured",
    )
    add("--tasks", nargs="+", default=[], help="default: all that have masks")
    add("--metrics", nargs="+", default=[], choices=list(METRICS), metavar="NAME",
        help="default: localisation, completeness, faithfulness with the fill blur, counterfactual")  # fmt: skip
    add("--sample", type=int, default=80, help="images of each task (80)")
    add("--auc-sample", type=int, default=2048, help="labelled images for the AUC (2,048)")
    add("--redrawing", type=int, default=80, help="of those, how many the autoencoder redraws for table K.1 (80)")
    add("--randomisation", type=int, default=0, help="images of each task for the curve; the paper has 40")
    add("--robustness", type=int, default=0, help="images of each task for noise and blur; the paper has 80")
    add("--only-true-positives", action="store_true", help="only images whose prediction is over 0.5")
    add("--seed", type=int, default=0)
    add("--device", default="cpu")
    add("--batch-size", type=int, default=8, help="images per pass of a model; bounds memory")
    add("--output", type=Path, required=True, help="folder for tables, figures and page")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status."""
    wanted = parser().parse_args(arguments)
    plan = Plan(
        models=_each_once(wanted.models), kinds=_each_once(wanted.kinds), tasks=_each_once(wanted.tasks),
        metrics=_each_once(wanted.metrics) or default_metrics(), sample=wanted.sample, auc_sample=wanted.auc_sample,
        randomisation=wanted.randomisation, robustness=wanted.robustness, redrawing=wanted.redrawing,
        only_true_positives=wanted.only_true_positives, seed=wanted.seed, batch_size=wanted.batch_size,
        device=wanted.device, generator=wanted.generator,
    )  # fmt: skip
    found = Found(say=_say)
    try:
        _check(wanted)
        source = _source(wanted)
        models = load_models(plan, found)
        _require_folder(wanted.output)
        run(source, plan, models, found)
        left_out = _write(found, plan, wanted.output)
    except (ValueError, OSError, KeyError, WeightsError) as error:
        text = error.args[0] if isinstance(error, KeyError) and error.args else error
        sys.stderr.write(f"error: {text}\n")
        return 2
    return 2 if not found.values else 1 if left_out else 0


def _write(found: Found, plan: Plan, folder: Path) -> int:
    """How many things were left out."""
    made = tables(found, plan.seed)
    left_out = len(made[-1].rows)
    summary = [
        f"Models: {', '.join(plan.models)}. Kinds: {', '.join(plan.kinds)}. Seed {plan.seed}; up to {plan.sample} "
        f"images of each task{', predicted positive' if plan.only_true_positives else ''}.",
        f"{len(found.values):,} values; {left_out:,} things were left out, each named in problems.csv.",
    ]
    write(made, summary, folder)
    _say(f"{summary[1]} {folder / 'index.html'}")
    return left_out


def _each_once(names: Sequence[str]) -> tuple[str, ...]:
    """A name given twice would count each image twice."""
    return tuple(dict.fromkeys(names))


def _check(wanted: argparse.Namespace) -> None:
    """ValueError for a number out of its range, and for a device that is not there."""
    from_one, from_zero = ("sample", "batch_size"), ("auc_sample", "redrawing", "randomisation", "robustness", "seed")
    for low, name in [*((1, name) for name in from_one), *((0, name) for name in from_zero)]:
        if getattr(wanted, name) < low:
            raise ValueError(f"--{name.replace('_', '-')} {getattr(wanted, name)}: give a whole number from {low}")
    device_of(wanted.device)
    if not wanted.generator and (needy := [name for name in wanted.kinds if "generator" in KINDS[name].needs]):
        raise ValueError(f"--kinds {', '.join(needy)}: give --generator FOLDER (python -m explain.training vagan)")


def _require_folder(output: Path) -> None:
    """Before hours of measuring. ValueError in words."""
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"--output {output} cannot be made a folder: {error.strerror}") from error


def _source(wanted: argparse.Namespace) -> Source:
    if not wanted.images.is_dir():
        raise ValueError(f"there is no folder {wanted.images}: give --images")
    if wanted.data_set:
        return XrvImages(wanted.data_set, wanted.images, wanted.csv, wanted.views)
    reader, _, path = (wanted.annotations or "").partition(":")
    if not path:
        raise ValueError("give masks: --annotations FORMAT:FILE, or --data-set NAME")
    return open_folder(wanted.images, (reader, Path(path)), wanted.labels)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    restart_keeping_memory()
    sys.exit(main())
