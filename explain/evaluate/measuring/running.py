"""The run: the draw, predictions, explanations, their figures. What fails is a Problem, and the rest goes on."""

from __future__ import annotations

import time
import zlib
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import rankdata
from torch import nn

from explain.errors import said
from explain.evaluate import robustness, sanity
from explain.evaluate.measuring.plan import Found, Plan, Redrawn, Value, default_metrics
from explain.evaluate.measuring.sources import Problem, Source
from explain.evaluate.metric import Subject
from explain.evaluate.metrics import BLUR_LEVELS, METRICS, NOISE_LEVELS
from explain.evaluate.subjects import Renderer, as_input, subject_of
from explain.images.checks import ImageError
from explain.methods.contract import Result, explained
from explain.methods.kind import Need
from explain.methods.kinds import KINDS
from explain.methods.modes import explaining
from explain.models.fast import prepared
from explain.models.generators import load_generator
from explain.models.registry import LoadedClassifier, load_autoencoder, load_classifier
from explain.models.weights import WeightsError

OPERATING_POINT = 0.5  # classifiers are calibrated so
DEPTHS = 6


@dataclass(frozen=True)
class Case:
    image: str
    pixels: np.ndarray
    mask: np.ndarray


@dataclass(frozen=True)
class Loaded:
    """A classifier with its fast copies. mapped: the only tasks that a map generator is for, or () for any."""

    about: LoadedClassifier
    models: dict[Need, nn.Module]
    mapped: tuple[str, ...] = ()


def run(source: Source, plan: Plan, models: Sequence[Loaded], found: Found) -> None:
    """Measure all; values, curves and problems go into `found`."""
    found.problems += source.problems
    found.patients = source.patients
    for loaded in models:
        tasks = [task for task in plan.tasks or sorted(source.masked) if _usable(task, source, loaded, found)]
        _predict_sample(source, plan, loaded, tasks, found)
        for task in tasks:
            _measure_task(source, plan, loaded, task, found)


def load_models(plan: Plan, found: Found) -> list[Loaded]:
    """All models, before anything is measured; one that cannot be loaded is a problem, and the others go on.

    Raises WeightsError or KeyError where none can be loaded, ValueError for two that have one name.
    """
    models: list[Loaded] = []
    for place, name in enumerate(plan.models, 1):
        try:
            models.append(_load(name, plan, found))
        except (WeightsError, KeyError) as error:
            if place == len(plan.models) and not models:
                raise
            found.problems.append(Problem(name, str(error.args[0] if error.args else error)))
            found.say(f"left out: {found.problems[-1].what}")
    names = [loaded.about.name for loaded in models]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"two of the models are called {', '.join(twice)}: rename a folder")
    return models


def _load(name: str, plan: Plan, found: Found) -> Loaded:
    """With its autoencoder where a kind needs it, or where it is there."""
    about = load_classifier(name, plan.device)
    models: dict[Need, nn.Module] = {"classifier": prepared(about.module)}
    needed = any("autoencoder" in KINDS[kind].needs for kind in plan.kinds)
    if about.autoencoder and (needed or plan.redrawing):
        try:
            models["autoencoder"] = prepared(load_autoencoder(about.autoencoder, plan.device).module)
        except WeightsError as error:
            if needed:
                raise
            found.problems.append(Problem(f"{name}, redrawing", str(error)))
    pathologies: tuple[str, ...] = ()
    if any("generator" in KINDS[kind].needs for kind in plan.kinds):
        generator = load_generator(str(Path(plan.generator).resolve()), plan.device)
        models["generator"], pathologies = prepared(generator.module), generator.pathologies
    return Loaded(about, models, pathologies)


def _usable(task: str, source: Source, loaded: Loaded, found: Found) -> bool:
    if task not in loaded.about.pathologies:
        found.problems.append(Problem(f"{loaded.about.name}, {task}", "the model does not predict this task"))
        return False
    if loaded.mapped and task not in loaded.mapped:
        what = f"the map generator was trained on {', '.join(loaded.mapped)}"
        found.problems.append(Problem(f"{loaded.about.name}, {task}", what))
        return False
    if not source.masked.get(task):
        found.problems.append(Problem(f"{loaded.about.name}, {task}", "empty sample: no image has its label and mask"))
        return False
    return True


def _drawn(names: Sequence[str], seed: int, what: str) -> list[str]:
    """All names in the order in which they are drawn: the same for every model."""
    order = np.random.default_rng([seed, zlib.crc32(what.encode())]).permutation(len(names))
    return [sorted(names)[place] for place in order]


def _measure_task(source: Source, plan: Plan, loaded: Loaded, task: str, found: Found) -> None:
    target, count = loaded.about.target(task), 0
    kinds = [KINDS[name] for name in plan.kinds]
    for cases in _batches(_cases(source, plan, loaded, task, found), plan.batch_size):
        start = time.perf_counter()
        subjects = _explain(cases, plan, loaded, target, found)
        each = (time.perf_counter() - start) / len(cases)
        if not count:
            found.say(f"{loaded.about.name}, {task}: {len(kinds)} kinds take {each:.1f} s a case")
            _estimate(plan, loaded, each, found)
        for (case, kind), subject in subjects.items():
            _figures(plan, loaded, task, case, kind, subject, found)
            _curves(plan, loaded, task, case, kind, subject, count + _place(cases, case), found)
        count += len(cases)
    if not count:
        and_positive = " and is predicted positive" if plan.only_true_positives else ""
        what = f"empty sample: no drawn image could be used{and_positive}"
        found.problems.append(Problem(f"{loaded.about.name}, {task}", what))
    found.say(f"{loaded.about.name}, {task}: {count} images measured")


def _estimate(plan: Plan, loaded: Loaded, seconds: float, found: Found) -> None:
    """How long the curves of one task may take, said before they begin."""
    levels = len(NOISE_LEVELS.split()) + len(BLUR_LEVELS.split())
    again = plan.randomisation * DEPTHS + plan.robustness * levels
    renders = sum(METRICS[name].renders for name in plan.metrics) * plan.sample
    if again + renders:
        found.say(
            f"  randomisation ({plan.randomisation} images, {DEPTHS} depths), robustness ({plan.robustness} images, "
            f"{levels} levels) and metrics that compute kinds again ({renders} times): "
            f"about {(again + renders) * seconds / 60:.0f} min for this task"
        )


def _place(cases: Sequence[Case], image: str) -> int:
    return [case.image for case in cases].index(image)


def _cases(source: Source, plan: Plan, loaded: Loaded, task: str, found: Found) -> Iterator[Case]:
    """The first `sample` drawn images that can be used."""
    taken = 0
    for image in _drawn(source.masked[task], plan.seed, task):
        if taken == plan.sample:
            return
        try:
            case = Case(image, source.pixels(image), source.mask(image, task))
        except (ImageError, ValueError, OSError) as error:
            found.problems.append(Problem(f"{image}, {task}", str(error)))
            continue
        if plan.only_true_positives:
            (predicted,) = _predict(loaded, [case.pixels], plan.batch_size)[:, loaded.about.target(task)]
            if predicted <= OPERATING_POINT:
                continue
        taken += 1
        yield case


def _batches(cases: Iterator[Case], size: int) -> Iterator[list[Case]]:
    batch: list[Case] = []
    for case in cases:
        batch.append(case)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _explain(
    cases: list[Case], plan: Plan, loaded: Loaded, target: int, found: Found
) -> dict[tuple[str, str], Subject]:
    """(image, kind) -> its subject."""
    subjects = {}
    shared: dict[str, dict[Hashable, Any]] = {case.image: {} for case in cases}  # by all kinds of an image
    known = {case.image: case for case in cases}
    for (image, name), result in _results(cases, plan.kinds, plan, loaded, target, found).items():
        case, render = known[image], Renderer(KINDS[name], target, batch_size=plan.batch_size)
        subjects[image, name] = subject_of(
            result, render, case.pixels, loaded.models, case.mask, of_image=shared[image]
        )
    return subjects


def _results(
    cases: Sequence[Case], kinds: Sequence[str], plan: Plan, loaded: Loaded, target: int, found: Found
) -> dict[tuple[str, str], Result]:
    """(image, kind) -> its result. Kinds are computed together, as they share searches; if that fails, one by one, and
    one that fails, image by image. What fails then is left out."""
    x = as_input(np.stack([case.pixels for case in cases]), loaded.models["classifier"])
    targets = torch.full((len(x),), target, device=x.device)
    try:
        made = explained([KINDS[name] for name in kinds], x, targets, loaded.models, batch_size=plan.batch_size)
        return {(case.image, name): result for name in kinds for case, result in zip(cases, made[name].results)}
    except Exception as error:  # a package's kind may fail in any way
        why = said(error)
    if len(kinds) == len(cases) == 1:
        found.problems.append(Problem(f"{cases[0].image}, {kinds[0]}", why))
        return {}
    parts = [(cases, [name]) for name in kinds] if len(kinds) > 1 else [([case], kinds) for case in cases]
    alone = [_results(some, of, plan, loaded, target, found) for some, of in parts]
    return {place: result for part in alone for place, result in part.items()}


def _figures(plan: Plan, loaded: Loaded, task: str, image: str, kind: str, subject: Subject, found: Found) -> None:
    told: set[str] = set()
    for name in plan.metrics or default_metrics():
        metric = METRICS[name]
        if metric.lacks(subject):
            continue
        try:
            value = metric.measure(subject)
        except Exception as error:  # as above, of a package's metric
            why = said(error)
            if why not in told:  # a constant map fails every metric alike
                found.problems.append(Problem(f"{image}, {task}, {kind}, {name}", why))
            told.add(why)
            continue
        found.values.append(Value(loaded.about.name, task, image, kind, name, value))


def _curves(
    plan: Plan, loaded: Loaded, task: str, image: str, kind: str, subject: Subject, place: int, found: Found
) -> None:
    """Points of figures H.1 (randomisation) and G.1 (noise, blur), of the first images of the sample."""

    def keep(name: str, levels: Sequence[float] | np.ndarray, values: np.ndarray) -> None:
        for level, value in zip(levels, values, strict=True):
            found.curves.append(Value(loaded.about.name, task, image, kind, name, float(value), float(level)))

    try:
        if place < plan.randomisation:
            keep("randomisation", *sanity.cascade(subject, DEPTHS, plan.seed))
        if place < plan.robustness:
            for change, levels in (("noise", NOISE_LEVELS), ("blur", BLUR_LEVELS)):
                ranks, overlap = robustness.likeness(subject, change, levels, plan.seed)  # type: ignore[arg-type]
                strengths = [float(word) for word in levels.split()]
                keep(f"{change}_spearman", strengths, ranks)
                keep(f"{change}_iou", strengths, overlap)
    except Exception as error:  # as above
        found.problems.append(Problem(f"{image}, {task}, {kind}, curves", said(error)))


def _predict_sample(source: Source, plan: Plan, loaded: Loaded, tasks: list[str], found: Found) -> None:
    """AUC on a draw of labelled images, and predictions before and after redrawing on the first of them."""
    labelled = {image for task in tasks for image in source.labels.get(task, {})}
    pixels: dict[str, np.ndarray] = {}
    outputs: dict[str, np.ndarray] = {}
    for image in _drawn(sorted(labelled), plan.seed, "AUC")[: plan.auc_sample]:
        try:
            taken = source.pixels(image)
        except (ImageError, ValueError, OSError) as error:
            found.problems.append(Problem(image, str(error)))
            continue
        outputs[image] = _predict(loaded, [taken], plan.batch_size)[0]
        if len(pixels) < plan.redrawing:
            pixels[image] = taken
    again = _redraw(loaded, pixels, plan)
    for task in tasks:
        target, known = loaded.about.target(task), source.labels.get(task, {})
        mine = [image for image in outputs if image in known]
        found.auc[loaded.about.name, task] = auc(
            np.array([outputs[image][target] for image in mine]), np.array([known[image] for image in mine], bool)
        )
        found.redrawn += [
            Redrawn(loaded.about.name, task, image, known[image], float(outputs[image][target]), float(row[target]))
            for image, row in again.items()
            if image in known
        ]


def _redraw(loaded: Loaded, pixels: dict[str, np.ndarray], plan: Plan) -> dict[str, np.ndarray]:
    """All outputs for D(E(x)) of each image."""
    autoencoder = loaded.models.get("autoencoder")
    if autoencoder is None:
        return {}
    found = {}
    with explaining(next(autoencoder.parameters()).device, autoencoder), torch.no_grad():
        for image, taken in pixels.items():
            x = as_input(taken, autoencoder)
            again = autoencoder.decode(autoencoder.encode(x), tuple(x.shape[-2:]))  # type: ignore[operator]
            found[image] = _predict(loaded, [again[0, 0].cpu().numpy()], plan.batch_size)[0]
    return found


def _predict(loaded: Loaded, pixels: list[np.ndarray], batch_size: int) -> np.ndarray:
    """All outputs (N, K), float64."""
    classifier = loaded.models["classifier"]
    x = as_input(np.stack(pixels), classifier)
    with explaining(x.device, classifier), torch.no_grad():
        parts = [classifier(part).double().cpu() for part in x.split(batch_size)]
    return torch.cat(parts).numpy()


def auc(scores: np.ndarray, labels: np.ndarray) -> tuple[float, int, int]:
    """(area under the ROC curve, positives, negatives); nan without both. Ties count half."""
    positives = int(labels.sum())
    negatives = len(labels) - positives
    if not positives or not negatives:
        return float("nan"), positives, negatives
    ranks = rankdata(scores)[labels].sum()
    return (ranks - positives * (positives + 1) / 2) / (positives * negatives), positives, negatives
