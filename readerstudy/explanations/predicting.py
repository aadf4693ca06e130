"""predict: a classifier's probabilities for every case of a batch."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from readerstudy.cases.models import Batch, Case, Prediction
from readerstudy.explanations.batch_size import BatchSize
from readerstudy.explanations.inference import Done, Failed, Inference
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
    batch_size: int = 0,
    shard: tuple[int, int] = (1, 1),
    weights: Path | None = None,
    add_model: bool = False,
    by_operator: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
    writing: Callable[[], AbstractContextManager[None]] = transaction.atomic,
) -> Predicted:
    """Fill probabilities of every pathology the classifier knows; resumable, a second run does nothing.

    batch_size: 0 means found by trying. shard: (i, n), the i-th of n parts of the batch, from 1.
    writing: the transaction in which rows are written.
    by_operator: `model` was given at the command line and may be a path to import.
    Raises ModelsUnavailable when the batch has predictions of another model (unless add_model) or of this model with
    other weights: mixed predictions would make a study of two models without saying so.
    """
    chosen = choose_device(device)
    classifier = load_classifier(model, chosen, weights, by_operator=by_operator)  # first: there may be no such model
    if not add_model:
        _refuse_other_models(batch, model)
    _refuse_other_weights(batch, model, classifier.weights_sha256)
    total, waiting = _part(batch, model, shard)
    loop = Inference[Case, NDArray[np.float32], NDArray[np.float32]](
        lambda case: radiograph(case).model_input(),
        lambda inputs: probabilities(classifier, np.stack(inputs), chosen),
        BatchSize.of_device(chosen, batch_size),
    )
    filled, failed = 0, list[tuple[str, str]]()
    for group in loop.run(waiting):
        failed += [(one.item.public_id, one.why) for one in group if isinstance(one, Failed)]
        done = [one for one in group if isinstance(one, Done)]
        with writing():
            _keep([one.item for one in done], [one.output for one in done], classifier, model)
        filled += len(done)
        progress(filled + len(failed), len(waiting))
    return Predicted(model, chosen, filled, total - len(waiting), failed)


def probabilities(classifier: LoadedClassifier, inputs: NDArray[np.float32], device: str) -> list[NDArray[np.float32]]:
    """A row (columns of the classifier,) for each radiograph of (N, 1, 224, 224), in exact float32."""
    import torch

    from explain.methods.modes import exact_float32

    with torch.inference_mode(), exact_float32(torch.device(device)):
        found = classifier.module(torch.from_numpy(inputs).to(device))
        return list(found.float().cpu().numpy())


def _part(batch: Batch, model: str, shard: tuple[int, int]) -> tuple[int, list[Case]]:
    """How many cases a shard has, and those of them that wait: the same shards whatever the others have done."""
    index, count = shard
    shares = list(batch.cases.order_by("id").values_list("id", flat=True))[index - 1 :: count]
    waiting = batch.cases.exclude(predictions__model=model).exclude(pixels="").order_by("id")
    mine = set(shares)
    return len(shares), [case for case in waiting if case.pk in mine]


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


def _keep(cases: list[Case], rows: list[NDArray[np.float32]], classifier: LoadedClassifier, model: str) -> None:
    """rows: for each case the columns of the classifier. A column without a calibration is NaN and is no prediction."""
    Prediction.objects.bulk_create(
        Prediction(
            case=case,
            pathology=name,
            model=model,
            weights_sha256=classifier.weights_sha256,
            probability=min(max(float(row[column]), 0.0), 1.0),
        )
        for case, row in zip(cases, rows, strict=True)
        for column, name in enumerate(classifier.pathologies)
        if name and not np.isnan(row[column])
    )


def _models(batch: Batch) -> set[str]:
    return set(Prediction.objects.filter(case__batch=batch).order_by().values_list("model", flat=True).distinct())
