"""The unit of work of precompute: (pixels, targets, models, parameters) -> maps, frames and records. Pure.

Nothing here knows of the database, so that the same function can run on other hosts. Torch is imported inside.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.methods.kinds import KINDS
from readerstudy.explanations.parameters import RenderParameters

if TYPE_CHECKING:
    from explain.models.registry import LoadedAutoencoder, LoadedClassifier


@dataclass(frozen=True)
class Computed:
    """One kind for one example. map: float32 (224, 224); frames: float32 (N, H, W) in the model's range, or None.

    record: what tells how it was made (lambdas, outputs, stop reasons). seconds: the example's share of its batch.
    """

    map: np.ndarray
    frames: np.ndarray | None = None
    record: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0


def compute(
    inputs: np.ndarray,
    pathologies: Sequence[str],
    kinds: Sequence[str],
    classifier: LoadedClassifier,
    autoencoder: LoadedAutoencoder | None,
    parameters: RenderParameters,
    device: str,
    batch_size: int,
) -> list[dict[str, Computed]]:
    """Explain a batch. inputs: float32 (N, 1, 224, 224) in [-1024, 1024]; one pathology each.

    Returns per example a dict of kind -> Computed. Raises what torch raises (out of memory included) for the batch.
    """
    import torch

    x = torch.from_numpy(np.ascontiguousarray(inputs)).to(device)
    targets = torch.tensor([classifier.target(name) for name in pathologies], device=device)
    results: list[dict[str, Computed]] = [{} for _ in pathologies]
    for kind in kinds:
        if not KINDS[kind].uses_autoencoder:
            _gradient_kind(kind, results, x, targets, classifier, parameters, batch_size)
    latent = [kind for kind in kinds if KINDS[kind].uses_autoencoder]
    if latent:
        if autoencoder is None:
            raise ValueError(f"{', '.join(latent)} needs an autoencoder")
        _latent_kinds(latent, results, x, targets, classifier, autoencoder, parameters, batch_size)
    return results


def _gradient_kind(
    kind: str,
    results: list[dict[str, Computed]],
    x: Any,
    targets: Any,
    classifier: LoadedClassifier,
    parameters: RenderParameters,
    batch_size: int,
) -> None:
    from explain.methods import gradients

    start = time.perf_counter()
    records: list[dict[str, Any]] = [{} for _ in results]
    if kind == "input_gradient":
        maps = gradients.input_gradients(classifier.module, x, targets)
    elif kind == "guided_backprop":
        maps = gradients.guided_backprop(classifier.module, x, targets, final_relu=parameters.final_relu)
    elif kind == "integrated_gradients":
        integral = gradients.integrate_gradients(classifier.module, x, targets, parameters.steps, batch_size)
        maps = integral.maps()
        gaps, at_x, at_0 = (
            values.cpu().tolist()
            for values in (integral.completeness_gap, integral.prediction, integral.prediction_baseline)
        )
        records = [
            {"completeness_gap": gap, "prediction_input": a, "prediction_baseline": b}
            for gap, a, b in zip(gaps, at_x, at_0, strict=True)
        ]
    else:
        raise ValueError(f"no function computes {kind}")
    arrays = maps.float().cpu().numpy()
    seconds = (time.perf_counter() - start) / len(results)
    for result, array, record in zip(results, arrays, records, strict=True):
        result[kind] = Computed(array, None, record, seconds)


def _latent_kinds(
    kinds: list[str],
    results: list[dict[str, Computed]],
    x: Any,
    targets: Any,
    classifier: LoadedClassifier,
    autoencoder: LoadedAutoencoder,
    parameters: RenderParameters,
    batch_size: int,
) -> None:
    """Both latent-shift kinds come from one search."""
    from explain.methods.latent_shift import LambdaSearch, latent_shift

    start = time.perf_counter()
    search = LambdaSearch.preset(parameters.search)
    shift = latent_shift(classifier.module, autoencoder.module, x, targets, search, batch_size)
    maps = shift.max_map().float().cpu().numpy()
    seconds = (time.perf_counter() - start) / len(results) / len(kinds)
    for index, result in enumerate(results):
        record = shift.record(index)
        frames = shift.frames[index].float().cpu().numpy()
        frames = frames.reshape(-1, *frames.shape[-2:])
        for kind in kinds:
            animated = KINDS[kind].animated
            result[kind] = Computed(maps[index], frames if animated else None, record, seconds)
