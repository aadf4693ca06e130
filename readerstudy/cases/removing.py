"""Removing a batch that no study uses: its rows at once, then its files. What was removed, by whom and why is kept.

Rows go in one transaction, files after it. Of a large batch the page removes the first files, and `clean_up` the rest.
"""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.exceptions import ValidationError
from django.core.files.storage import default_storage
from django.db import models, transaction
from django.db.models import QuerySet
from django.dispatch import Signal

from readerstudy.accounts.models import User
from readerstudy.cases.models import Batch, BatchRemoval, Case, Prediction, Truth
from readerstudy.jobs.models import Job

# sender=Batch, batch=...: the apps above answer with the titles of what uses the batch, which then cannot be removed.
use_asked = Signal()
# sender=Batch, batch=...: inside the removing transaction, the apps above let go of their rows (`let_go`), and answer
# with {what they are called: how many} and the names of their files.
batch_removed = Signal()

_AT_ONCE = 10_000  # files between two notes of what is left; below SQLite's limit of 32,766 parameters


def users_of(batch: Batch) -> list[str]:
    """The titles of what uses the batch, from all apps above."""
    answers: list[tuple[Any, Any]] = use_asked.send(sender=Batch, batch=batch)
    return sorted({title for _, titles in answers for title in titles})


def remove_batch(batch: Batch, why: str, user: User | None) -> BatchRemoval:
    """Remove the batch's rows, then its first files (_AT_ONCE), and return what is kept of it.

    ValidationError, and nothing is removed, without a reason, while a study uses the batch or a job works on it.
    """
    with transaction.atomic():
        removal = _remove_rows(batch, why, user)
    _remove_files(removal)
    return removal


def _remove_files(removal: BatchRemoval) -> None:
    """Remove the next files, but not those that another row names: equal content may be stored once."""
    names = removal.files_left[:_AT_ONCE]
    for name in sorted(set(names) - _still_named(names)):
        default_storage.delete(name)
    removal.files_left = removal.files_left[len(names) :]
    removal.save(update_fields=["files_left"])


def finish_removals() -> int:
    """Remove what large or interrupted removals have left; returns how many there were."""
    cut_off = BatchRemoval.objects.exclude(files_left=[])
    for removal in cut_off:
        while removal.files_left:
            _remove_files(removal)
    return len(cut_off)


def let_go(rows: QuerySet[Any]) -> list[str]:
    """Delete rows without asking after each one, and return the names of their files.

    Signals would ask whether a study has frozen the row: two queries each, for a hundred thousand rows. Here no study
    uses any. A row that another still refers to is refused by the database, and then nothing is removed.
    """
    fields = [field.name for field in rows.model._meta.concrete_fields if isinstance(field, models.FileField)]
    names = [name for found in rows.values_list(*fields) for name in found if name] if fields else []
    rows.order_by()._raw_delete(rows.db)
    return names


def _remove_rows(batch: Batch, why: str, user: User | None) -> BatchRemoval:
    batch = Batch.objects.select_for_update().get(pk=batch.pk)
    why = why.replace("\0", "").strip()
    if not why or len(why) > 300:
        raise ValidationError("Say why the batch is removed (at most 300 characters); the reason is kept.")
    if users := users_of(batch):
        raise ValidationError(f"Batch {batch.name} is used by {', '.join(users)}: it cannot be removed.")
    if Job.objects.filter(about=f"batch/{batch.name}", state__in=Job.UNDER_WAY).exists():
        raise ValidationError(f"A job works on batch {batch.name}: wait until it has ended, or cancel it.")
    counts: dict[str, int] = {"cases": batch.cases.count()}
    names: list[str] = []
    answers: list[tuple[Any, Any]] = batch_removed.send(sender=Batch, batch=batch)
    for _, (found, files) in answers:
        counts |= found
        names += files
    truths, predictions = Truth.objects.filter(case__batch=batch), Prediction.objects.filter(case__batch=batch)
    counts |= {"labels": truths.count(), "predictions": predictions.count()}
    histories = Truth.history.filter(case_id__in=batch.cases.values("pk"))
    for rows in (histories, truths, predictions, Case.objects.filter(batch=batch)):
        files = let_go(rows)
        names += files if rows is not histories else []  # the history names the same files
    left = sorted(set(names))
    removal = BatchRemoval.objects.create(name=batch.name, by=user, why=why, counts=counts, files_left=left)
    Batch.objects.filter(pk=batch.pk).delete()
    return removal


def _still_named(names: list[str]) -> set[str]:
    """Those that a row of any app names. names: at most _AT_ONCE."""
    fields = [
        (model, field.name)
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, models.FileField) and not hasattr(model, "history_object")
    ]
    return {
        name
        for model, field in fields
        for name in model._base_manager.filter(**{f"{field}__in": names}).values_list(field, flat=True)
    }
