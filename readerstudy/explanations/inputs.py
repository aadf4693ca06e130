"""Models from the registry, prepared to compute fast, and radiographs from storage.

Torch is imported inside functions only.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings

from explain.images.radiograph import Radiograph
from explain.render.pictures import read_display_image
from readerstudy.cases.models import Case
from readerstudy.common.refusals import Refusal

if TYPE_CHECKING:
    from explain.models.registry import LoadedAutoencoder, LoadedClassifier


class ModelsUnavailable(Refusal, RuntimeError):
    """A model cannot be loaded or does not fit; the message says what to do."""

    code = "models_unavailable"


def choose_device(name: str) -> str:
    """`auto` is the first GPU or else the CPU. Raises ModelsUnavailable for a device that is not there."""
    torch = _torch()
    if name == "auto":
        return "cuda:0" if torch.cuda.is_available() else "cpu"
    if not re.fullmatch(r"cpu|cuda(:\d+)?", name):
        raise ModelsUnavailable(f"--device is auto, cpu, cuda or cuda:N; not “{name}”.")
    try:
        torch.empty(1, device=name)
    except (RuntimeError, AssertionError) as error:
        first = str(error).splitlines()[0]
        raise ModelsUnavailable(f"Device {name} cannot be used: {first}. Try --device cpu.") from error
    return name


NAMED_BY_DATA = (
    "These predictions name a model that is not known here, and data never choose what is imported. Name the model "
    "that made them on the command line (precompute --model NAME), or list it in the setting MODELS "
    "(docs/add-a-classifier.md)."
)


def may_import(name: str, by_operator: bool) -> bool:
    """Whether a dotted path may be imported: named at the command line, or listed in settings. Rows choose nothing."""
    return by_operator or name in settings.MODELS


def load_classifier(
    name: str, device: str, weights: Path | None = None, *, by_operator: bool = False
) -> LoadedClassifier:
    """by_operator: the name was given at the command line, and may be a path to import. Raises ModelsUnavailable."""
    _torch()
    from explain.models.fast import prepared
    from explain.models.registry import load_classifier
    from explain.models.weights import WeightsError

    try:
        imports = may_import(name, by_operator)
        loaded = load_classifier(name, device, weights, root=settings.MODEL_ROOT, imports=imports)
    except KeyError as error:
        advice = "" if by_operator else f" {NAMED_BY_DATA}"
        raise ModelsUnavailable(f"{_text(error)}.{advice}") from error
    except WeightsError as error:
        raise ModelsUnavailable(_text(error)) from error
    return replace(loaded, module=prepared(loaded.module))


def is_known(name: str) -> bool:
    """Whether a classifier has this name without being imported for it: ours, a package's, a folder's, in settings."""
    _torch()
    from explain.models.registry import classifier_names

    return name in settings.MODELS or name in classifier_names(settings.MODEL_ROOT)


def load_autoencoder(
    name: str, device: str, weights: Path | None = None, *, by_operator: bool = False
) -> LoadedAutoencoder:
    _torch()
    from explain.models.fast import prepared
    from explain.models.registry import load_autoencoder
    from explain.models.weights import WeightsError

    try:
        imports = may_import(name, by_operator)
        loaded = load_autoencoder(name, device, weights, root=settings.MODEL_ROOT, imports=imports)
    except (WeightsError, KeyError) as error:
        raise ModelsUnavailable(_text(error)) from error
    return replace(loaded, module=prepared(loaded.module))


def radiograph(case: Case) -> Radiograph:
    """The stored radiograph at full resolution and depth. Raises ModelsUnavailable for a case without an image."""
    if not case.pixels:
        raise ModelsUnavailable(f"Case {case.public_id} has no image (its reads were loaded from spreadsheets).")
    with case.pixels.storage.open(str(case.pixels.name)) as file:  # a handle of our own: this runs in threads
        png = file.read()
    low, high = case.window_low, case.window_high
    return read_display_image(png, case.bits, None if low is None or high is None else (low, high))


def _torch():  # type: ignore[no-untyped-def]
    try:
        import torch
    except ImportError as error:
        raise ModelsUnavailable(
            "This command needs torch, which the web tier does not install: pip install -r requirements/explain.txt"
        ) from error
    return torch


def _text(error: Exception) -> str:
    return str(error.args[0]) if error.args else str(error)
