"""predict: a classifier's probabilities for every case of a batch."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from django.db import transaction

from explain.errors import storable
from readerstudy.cases.models import Batch, Case, Prediction
from readerstudy.explanations.executors.contract import Executor
from readerstudy.explanations.executors.local import Here
from readerstudy.explanations.inference import Done, Failed
from readerstudy.explanations.inputs import model_names, stored_image
from readerstudy.explanations.model_loading import Found, ModelName, ModelsUnavailable, find
from readerstudy.explanations.probabilities import Predicting, Row


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
    executor: Executor | None = None,
) -> Predicted:
    """Fill probabilities of every pathology the classifier knows; resumable, a second run does nothing.

    batch_size: 0 means found by trying. shard: (i, n), the i-th of n parts of the batch, from 1.
    writing: the transaction in which rows are written. executor: who computes; None is this process.
    by_operator: `model` was given at the command line and may be a path to import.
    Raises ModelsUnavailable when the batch has predictions of another model (unless add_model) or of this model with
    other weights: mixed predictions would make a study of two models without saying so.
    """
    executor = executor or Here()
    names = model_names(ModelName(model, weights), None, device, (model,) if by_operator else ())
    found: Found = executor.call(find, names, batch_size)  # first: there may be no such model
    if not add_model:
        _refuse_other_models(batch, model)
    _refuse_other_weights(batch, model, found.names.classifier.sha256)
    total, waiting = _part(batch, model, shard)
    groups = executor.run(
        Predicting(found.names, batch_size),
        range(len(waiting)),
        lambda number: stored_image(waiting[number]),
        batch_size or 2 * found.batch_size,
    )
    filled, failed = 0, list[tuple[str, str]]()
    for group in groups:
        failed += [(waiting[one.item].public_id, storable(one.why)) for one in group if isinstance(one, Failed)]
        done = [one for one in group if isinstance(one, Done)]
        with writing():
            _keep([waiting[one.item] for one in done], [one.output for one in done], found, model)
        filled += len(done)
        progress(filled + len(failed), len(waiting))
    return Predicted(model, found.device, filled, total - len(waiting), failed)


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


def _keep(cases: list[Case], rows: list[Row], found: Found, model: str) -> None:
    """rows: for each case the columns of the classifier. A column without a calibration is NaN and is no prediction."""
    Prediction.objects.bulk_create(
        Prediction(
            case=case,
            pathology=name,
            model=model,
            weights_sha256=found.names.classifier.sha256,
            probability=min(max(float(row[column]), 0.0), 1.0),
        )
        for case, row in zip(cases, rows, strict=True)
        for column, name in enumerate(found.pathologies)
        if name and not np.isnan(row[column])
    )


def _models(batch: Batch) -> set[str]:
    return set(Prediction.objects.filter(case__batch=batch).order_by().values_list("model", flat=True).distinct())
