"""What a map generator's card says: how well its maps fit known truth, and what a classifier makes of altered images.

References: Singla et al., "Explanation by Progressive Exaggeration", ICLR 2020, section 3; Cohen et al., "Identifying
Spurious Correlations using Counterfactual Alignment", 2023.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from explain.evaluate.correlation import normalised_cross_correlation
from explain.evaluate.localisation import iou_at_mask_area
from explain.evaluate.metric import Subject
from explain.methods.alignment import alignment
from explain.methods.generator import LAMBDAS, AddedMaps, added_maps
from explain.methods.kind import Need
from explain.models.registry import LoadedClassifier, load_autoencoder
from explain.models.weights import WeightsError
from explain.training.data import decoded
from explain.training.items import Item, evenly
from explain.training.quality import mask_of, properties_of

NO_CLASSIFIER = (
    "Not measured: compatibility, self-consistency, data consistency and alignment are about a classifier's "
    "predictions, and no --classifier was given."
)


def fit(maps: NDArray[np.float32], truth: NDArray[np.bool_]) -> dict[str, float]:
    """Maps of N images with where the finding is, both (N, S, S): NCC, and IoU of |map| at the truth's own area."""
    ncc = normalised_cross_correlation(torch.from_numpy(maps), torch.from_numpy(truth))
    iou = [iou_at_mask_area(np.abs(one), mask) if one.any() else 0.0 for one, mask in zip(maps, truth, strict=True)]
    spread = ncc.std(correction=int(len(ncc) > 1)).item()
    return {"ncc": ncc.mean().item(), "ncc_sd": spread, "iou": float(np.mean(iou)), "masks": len(truth)}


def masks_of(items: tuple[Item, ...], pathology: str, size: int) -> dict[int, NDArray[np.bool_]]:
    """Place -> mask (size, size), of the images that have one. Raises DataError for one that cannot be read."""
    found = {place: mask_of(item, pathology, size) for place, item in enumerate(items)}
    return {place: mask for place, mask in found.items() if mask is not None}


@dataclass(frozen=True)
class Judge:
    """A classifier, its output for the finding, and held-out positives (N, 1, S, S) in [-1024, 1024] at its size.

    autoencoder: what data consistency is measured with; None, and `why_none` says why.
    """

    classifier: LoadedClassifier
    target: int
    images: NDArray[np.float32]
    device: torch.device
    autoencoder: nn.Module | None
    why_none: str = ""


def judge_of(
    classifier: LoadedClassifier,
    pathology: str,
    items: tuple[Item, ...],
    cache: Path,
    device: torch.device,
    most: int,
    say: Callable[[str], object],
) -> Judge:
    """At most `most` of the held-out images, decoded at the classifier's size. Raises DataError, OSError."""
    size, kept = classifier.input_size, evenly(list(items), most)
    images = decoded(kept, size, cache / f"judged-{size}.npy", skipped=lambda why: say(f"left out: {why}"))
    autoencoder, why = None, f"{classifier.name} names no autoencoder."
    if classifier.autoencoder:
        try:
            autoencoder, why = load_autoencoder(classifier.autoencoder, device).module, ""
        except (WeightsError, KeyError) as error:
            why = str(error.args[0])
    pixels = images.batch(range(len(images.items)))
    return Judge(classifier, classifier.target(pathology), pixels, device, autoencoder, why)


def judged(judge: Judge, generator: nn.Module, batch: int = 8) -> dict[str, Any]:
    """Figures for the card, means over the held-out positives.

    prediction, prediction_altered: f(x) and f(x + M(x)). compatibility, self_consistency, data_consistency: as
    explain.evaluate.counterfactual's; the frame at t = 0 is the image, so self_consistency is 0 for every generator.
    changed_again: mean |M(x + M(x))| over mean |M(x)|: 0 where nothing is left to take away. alignment: correlation of
    each output's change with the explained one's along t.
    """
    made = [_added(judge, generator, part) for part in np.split(judge.images, range(batch, len(judge.images), batch))]
    predictions = torch.cat([one.predictions for one in made])
    again = [_added(judge, generator, one.frames[:, :1].cpu().numpy()) for one in made]
    first, second = (torch.cat([one.added for one in run]).abs().mean().item() for run in (made, again))
    figures: dict[str, Any] = {
        "classifier": judge.classifier.name,
        "classifier_sha256": judge.classifier.weights_sha256,
        "images": len(judge.images),
        "prediction": predictions[:, -1].mean().item(),
        "prediction_altered": predictions[:, 0].mean().item(),
        **properties_of(_subjects(judge, made)),
        "alignment": _alignment(judge, torch.cat([one.outputs for one in made])),
    }
    figures |= {"changed_again": second / first} if first else {}
    return figures | ({} if judge.autoencoder is not None else {"no_data_consistency": judge.why_none})


def _added(judge: Judge, generator: nn.Module, images: NDArray[np.float32]) -> AddedMaps:
    x = torch.from_numpy(images).to(judge.device)
    return added_maps(judge.classifier.module, generator, x, torch.full((len(x),), judge.target, device=judge.device))


def _subjects(judge: Judge, made: list[AddedMaps]) -> list[Subject]:
    models: dict[Need, nn.Module] = {"classifier": judge.classifier.module}
    models |= {"autoencoder": judge.autoencoder} if judge.autoencoder is not None else {}
    frames = [frames.cpu().numpy() for one in made for frames in one.frames]
    return [
        Subject(frames=one, pixels=x[0], target=judge.target, models=models, record={"lambdas": LAMBDAS})
        for one, x in zip(frames, judge.images, strict=True)
    ]


def _alignment(judge: Judge, outputs: Tensor) -> dict[str, float]:
    """outputs: (N, F, K). An output that never changes, or has no name, is left out."""
    found = np.array([alignment(one, judge.target) for one in outputs.cpu().numpy()])
    named = zip(judge.classifier.pathologies, found.T, strict=True)
    known = {name: column[~np.isnan(column)] for name, column in named if name}
    return {name: float(column.mean()) for name, column in known.items() if len(column)}
