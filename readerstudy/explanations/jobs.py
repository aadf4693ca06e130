"""Predicting a batch, as a job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.http import HttpRequest

from explain.models.known import MODELS
from readerstudy.accounts.access import administrator
from readerstudy.accounts.models import User
from readerstudy.cases.models import Batch
from readerstudy.common.counting import counted
from readerstudy.common.refusals import NotFound
from readerstudy.explanations.inputs import may_import
from readerstudy.explanations.predicting import predict
from readerstudy.jobs.models import Job
from readerstudy.jobs.queueing import ask
from readerstudy.jobs.work import Work

NAME = RegexValidator(r"^[A-Za-z0-9][\w.-]*$", "The name of a model has letters, digits, dots, - and _.")


class PredictForm(forms.Form):
    model = forms.CharField(
        initial="xrv-densenet121-all",
        max_length=120,
        validators=[NAME],
        help_text="A model that the worker knows: demo, xrv-densenet121-all ..., the folder of a model of your own, "
        "one that an installed package brings, or one named in the setting MODELS.",
    )


def may_see(request: HttpRequest, about: str) -> None:
    """Administrators, of a batch that there is."""
    administrator(request)
    if not Batch.objects.filter(name=about.removeprefix("batch/")).exists():
        raise NotFound("There is no such batch.")


def ask_for_predictions(about: str, user: User, data: Mapping[str, Any]) -> Job:
    """Queue the prediction of a batch; ValidationError for a model that only an operator at a command line may name."""
    batch, model = Batch.objects.get(name=about.removeprefix("batch/")), str(data["model"])
    if "." in model and model not in MODELS["classifier"] and not may_import(model, by_operator=False):
        raise ValidationError(f"{model} is a path to import: have it named in the setting MODELS, or use the command.")
    if not batch.cases.exclude(pixels="").exists():
        raise ValidationError(f"Batch “{batch}” holds no images.")
    return ask("predict", about, f"Predict batch “{batch}” with {model}", user, batch=batch.name, model=model)


def predict_batch(work: Work, batch: str, model: str) -> str:
    """What a worker does."""
    work.progress(0, 0, f"Loading {model}")
    done = predict(
        Batch.objects.get(name=batch),
        model,
        progress=lambda finished, total: work.progress(finished, total, "Predicting cases"),
        writing=work.writing,
    )
    if done.failed and not done.filled:
        case, why = done.failed[0]
        raise ValidationError(f"{counted(len(done.failed), 'case')} could not be predicted. The first, {case}: {why}")
    failed = f", {len(done.failed)} failed, the first {done.failed[0][0]}: {done.failed[0][1]}" if done.failed else ""
    return f"Predicted {counted(done.filled, 'case')} on {done.device}; {done.skipped} had predictions already{failed}."
