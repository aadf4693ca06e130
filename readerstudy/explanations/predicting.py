"""predict: a classifier's probabilities for every case of a batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from readerstudy.cases.models import Batch, Case, Prediction
from readerstudy.explanations.inputs import ModelsUnavailable, choose_device, load_classifier, radiograph

if TYPE_CHECKING:
    from explain.models.registry import LoadedClassifier


@dataclass(frozen=True)
class Predicted:
    """What a run did: cases filled now, cases that had predictions, cases that failed with the reason."""

    model: str
    device: str
    filled: int
    skipped: int
    failed: list[tuple[str, str]]


def predict(
    batch: Batch,
    model: str,
    *,
    device: str = "auto",
    batch_size: int = 8,
    weights: Path | None = None,
    add_model: bool = False,
    by_operator: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Predicted:
    """Fill probabilities of every pathology the classifier knows; resumable, a second run does nothing.

    by_operator: `model` was given at the command line and may be a path to import.
    Raises ModelsUnavailable when the batch has predictions of another model (unless add_model) or of this model with
    other weights: mixed predictions would make a study of two models without saying so.
    """
    import torch

    chosen = choose_device(device)
    classifier = load_classifier(model, chosen, weights, by_operator=by_operator)  # first: there may be no such model
    if not add_model:
        _refuse_other_models(batch, model)
    _refuse_other_weights(batch, model, classifier.weights_sha256)
    waiting = list(batch.cases.exclude(predictions__model=model).exclude(pixels="").order_by("id"))
    total, filled, failed = batch.cases.count(), 0, []
    for group in _groups(waiting, batch_size):
        cases, inputs = [], []
        for case in group:
            try:
                inputs.append(torch.from_numpy(radiograph(case).model_input()))
                cases.append(case)
            except (OSError, ValueError) as error:
                failed.append((case.public_id, str(error)))
        if not inputs:
            continue
        with torch.inference_mode():
            probabilities = classifier.module(torch.stack(inputs).to(chosen)).float().cpu().numpy()
        _keep(cases, probabilities, classifier, model)
        filled += len(cases)
        progress(filled + len(failed), len(waiting))
    return Predicted(model, chosen, filled, total - len(waiting), failed)


def _refuse_other_models(batch: Batch, model: str) -> None:
    others = sorted(_models(batch) - {model})
    if others:
        raise ModelsUnavailable(
            f"Batch “{batch}” has predictions of {', '.join(others)} already. To keep both on purpose, add --add-model."
        )


def _refuse_other_weights(batch: Batch, model: str, weights_sha256: str) -> None:
    made_before = Prediction.objects.filter(case__batch=batch, model=model)
    if made_before.exclude(weights_sha256=weights_sha256).exists():
        raise ModelsUnavailable(
            f"Batch “{batch}” has predictions of {model} made with other weights, or loaded from its manifest. "
            "Use the same weight file, or load the batch again under another name."
        )


def _keep(cases: list[Case], probabilities: NDArray[np.floating], classifier: LoadedClassifier, model: str) -> None:
    """probabilities: (cases, columns of the classifier). A column without a calibration is NaN and is no prediction."""
    with transaction.atomic():
        Prediction.objects.bulk_create(
            Prediction(
                case=case,
                pathology=name,
                model=model,
                weights_sha256=classifier.weights_sha256,
                probability=min(max(float(row[column]), 0.0), 1.0),
            )
            for case, row in zip(cases, probabilities, strict=True)
            for column, name in enumerate(classifier.pathologies)
            if name and not np.isnan(row[column])
        )


def _models(batch: Batch) -> set[str]:
    return set(Prediction.objects.filter(case__batch=batch).order_by().values_list("model", flat=True).distinct())


def _groups(cases: list[Case], size: int) -> Iterator[list[Case]]:
    for start in range(0, len(cases), size):
        yield cases[start : start + size]
