"""What an autoencoder does to a classifier: predictions on redrawn images, and the Latent Shift that it allows.

Reference: Cohen et al., "Gifsplanation via Latent Shift", MIDL 2021, figures 2, D.1, D.2 and appendix K.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from explain.evaluate.counterfactual import (
    measure_compatibility,
    measure_data_consistency,
    measure_self_consistency,
)
from explain.evaluate.discrimination import auc
from explain.evaluate.localisation import iou_at_mask_area, mask_to_model_frame
from explain.evaluate.metric import Subject
from explain.images.radiograph import center_crop
from explain.methods.kind import Need
from explain.methods.latent_shift import LatentShift, latent_shift
from explain.models.registry import LoadedClassifier
from explain.training.data import Images
from explain.training.items import DataError, Item

PROPERTIES = {
    "compatibility": measure_compatibility,
    "self_consistency": measure_self_consistency,
    "data_consistency": measure_data_consistency,
}
FALL, RISE = 0.30, 0.05  # what the default search wants of the prediction, to the left and to the right


@dataclass(frozen=True)
class Judge:
    """A classifier and held-out images of its size. shown: (image, output) that it is right to call positive.

    direct: (N, K) predictions on the images. device: where the classifier is.
    """

    classifier: LoadedClassifier
    images: Images
    direct: NDArray[np.float32]
    shown: list[tuple[int, int]]
    device: torch.device


def judge_of(classifier: LoadedClassifier, images: Images, device: torch.device, most: int = 48) -> Judge:
    """`most` true positives at most, as many of each pathology as there are alike; those with a mask come first.

    Raises DataError for a mask of those that cannot be read.
    """
    direct = _predicted(classifier.module, images, device)
    by_pathology: list[list[tuple[int, int]]] = []
    for column, name in enumerate(classifier.pathologies):
        right = [n for n, item in enumerate(images.items) if item.labels.get(name) is True and direct[n, column] > 0.5]
        right.sort(key=lambda n, name=name: name not in images.items[n].masks)  # type: ignore[misc]
        by_pathology.append([(n, column) for n in right])
    shown: list[tuple[int, int]] = []
    for place in range(max(map(len, by_pathology), default=0)):
        shown += [found[place] for found in by_pathology if place < len(found)]
    for n, column in shown[:most]:  # a mask that cannot be read is said now, not after the training
        mask_of(images.items[n], classifier.pathologies[column], classifier.input_size)
    return Judge(classifier, images, direct, sorted(shown[:most]), device)


def judged(judge: Judge, autoencoder: nn.Module, properties: bool = False) -> dict[str, Any]:
    """Figures for the card. prediction_change: mean |f(x) - f(D(E(x)))| over images and outputs; for the true positives
    that are explained: reached, the share whose search reached its left target; compatibility_error, mean |wanted -
    obtained| prediction over the frames, of those that moved; iou, of the largest change with the mask at its own area;
    nothing where there is nothing to measure it on. properties: also the three of progressive exaggeration, means of
    explain.evaluate.counterfactual's.
    """
    module = autoencoder.eval()
    redrawn = _predicted(judge.classifier.module, judge.images, judge.device, module)
    named = [column for column, name in enumerate(judge.classifier.pathologies) if name]
    figures: dict[str, Any] = {
        "classifier": judge.classifier.name,
        "classifier_sha256": judge.classifier.weights_sha256,
        "images": len(judge.images.items),
        "prediction_change": float(np.abs(redrawn - judge.direct)[:, named].mean()),
        "pathologies": _by_pathology(judge, redrawn),
        "explained": len(judge.shown),
    }
    if judge.shown:
        found = shifts(judge, module, judge.shown)
        figures |= _shift_figures(judge, found)
        figures |= _properties(judge, module, found) if properties else {}
    return figures


def shifts(judge: Judge, autoencoder: nn.Module, shown: Sequence[tuple[int, int]], batch: int = 8) -> list[LatentShift]:
    """Latent Shift of (image, output) pairs, in batches of eight."""
    found = []
    for start in range(0, len(shown), batch):
        part = shown[start : start + batch]
        x = torch.from_numpy(judge.images.batch([image for image, _ in part])).to(judge.device)
        targets = torch.tensor([column for _, column in part], device=judge.device)
        found.append(latent_shift(judge.classifier.module, autoencoder, x, targets))
    return found


def compatibility_error(wanted_start: float, lambdas: Sequence[float], predictions: Sequence[float]) -> float | None:
    """Mean |wanted - obtained| prediction over an example's frames but the unshifted one.

    Wanted is what equal steps ask for: from f(x'_0) down by 0.30 in equal parts to the left end, and up by 0.05 to the
    right end, clamped to [0.02, 1]. None for an example without steps.
    """
    left, right = min(lambdas), max(lambdas)
    errors = []
    for step, obtained in zip(lambdas, predictions, strict=True):
        if step == 0:
            continue
        change = -FALL * step / left if step < 0 else RISE * step / right
        errors.append(abs(min(max(wanted_start + change, 0.02), 1.0) - obtained))
    return float(np.mean(errors)) if errors else None


def mask_of(item: Item, pathology: str, size: int) -> NDArray[np.bool_] | None:
    """The mask (size, size) in the model's field of view; None where there is none, or nothing of it is inside."""
    file: Path | None = item.masks.get(pathology)
    if file is None:
        return None
    try:
        with Image.open(file) as picture:
            mask = np.asarray(picture.convert("L")) > 127
    except (OSError, ValueError, SyntaxError) as error:  # Pillow has SyntaxError for a broken PNG
        what = f"the mask {file} cannot be read ({error})"
        raise DataError(f"{item.name}, {pathology}: {what}: mend it, or leave it out") from error
    inside = mask_to_model_frame(mask, center_crop(*mask.shape), size)
    return inside if inside.any() else None


def _shift_figures(judge: Judge, found: list[LatentShift]) -> dict[str, float]:
    reached, errors, overlaps = [], [], []
    names, place = judge.classifier.pathologies, 0
    for shift in found:
        for number, map_ in enumerate(shift.max_map().cpu().numpy()):
            image, column = judge.shown[place]
            place += 1
            reached.append(shift.stop_reasons[number].left == "reached")
            start = shift.prediction_reconstruction[number].item()
            errors.append(compatibility_error(start, shift.lambdas[number], shift.predictions[number]))
            mask = mask_of(judge.images.items[image], names[column], map_.shape[-1])
            if mask is not None:
                overlaps.append(iou_at_mask_area(map_, mask) if map_.max() > map_.min() else 0.0)
    known = [error for error in errors if error is not None]
    figures = {"reached": float(np.mean(reached))}
    figures |= {"compatibility_error": float(np.mean(known))} if known else {}
    return figures | ({"iou": float(np.mean(overlaps)), "masks": len(overlaps)} if overlaps else {})


def _properties(judge: Judge, autoencoder: nn.Module, found: list[LatentShift]) -> dict[str, float]:
    models: dict[Need, nn.Module] = {"classifier": judge.classifier.module, "autoencoder": autoencoder}
    examples = [(shift, number) for shift in found for number in range(len(shift.frames))]
    return properties_of(
        Subject(
            frames=shift.frames[number].cpu().numpy(),
            pixels=judge.images.batch([image])[0, 0],
            target=column,
            models=models,
            record=shift.record(number),
        )
        for (image, column), (shift, number) in zip(judge.shown, examples, strict=True)
    )


def properties_of(subjects: Iterable[Subject]) -> dict[str, float]:
    """The three properties of progressive exaggeration, means over the subjects that each can be measured on.

    Subjects have frames, pixels, lambdas in their record, and a classifier; without an autoencoder there is no
    data_consistency.
    """
    values: dict[str, list[float]] = {name: [] for name in PROPERTIES}
    for subject in subjects:
        for name, measure in PROPERTIES.items():
            if name == "data_consistency" and "autoencoder" not in subject.models:
                continue
            try:
                values[name].append(measure(subject))
            except ValueError:  # of one frame, or where nothing changes: there is no such figure
                continue
    return {name: float(np.mean(some)) for name, some in values.items() if some}


def _by_pathology(judge: Judge, redrawn: NDArray[np.float32]) -> dict[str, dict[str, float]]:
    """Of each pathology with labels: mean prediction of positives and negatives, and AUC, on images and redrawn."""
    figures: dict[str, dict[str, float]] = {}
    for column, name in enumerate(judge.classifier.pathologies):
        known = [n for n, item in enumerate(judge.images.items) if name and name in item.labels]
        truth = np.array([judge.images.items[n].labels[name] for n in known], dtype=bool)
        one: dict[str, float] = {}
        for which, values in (("image", judge.direct[known, column]), ("redrawn", redrawn[known, column])):
            for side, chosen in (("positives", truth), ("negatives", ~truth)):
                one |= {f"{which}_{side}": float(values[chosen].mean())} if chosen.any() else {}
            one |= {f"{which}_auc": auc(values, truth)} if 0 < truth.sum() < len(truth) else {}
        if known:
            figures[name] = {"labels": len(known), **one}
    return figures


@torch.no_grad()
def _predicted(
    classifier: nn.Module, images: Images, device: torch.device, autoencoder: nn.Module | None = None
) -> NDArray[np.float32]:
    """(N, K) probabilities on the images, or on what the autoencoder redraws."""
    parts: list[Tensor] = []
    for start in range(0, len(images.items), 16):
        x = torch.from_numpy(images.batch(range(start, min(start + 16, len(images.items))))).to(device)
        parts.append(classifier(autoencoder(x) if autoencoder else x).float().cpu())
    return torch.cat(parts).numpy()
