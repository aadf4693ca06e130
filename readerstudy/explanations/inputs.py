"""What units of work need of an installation: which models may be loaded, and radiographs from storage."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from explain.images.radiograph import Radiograph
from readerstudy.cases.models import Case
from readerstudy.explanations.model_loading import ModelName, ModelNames, torch_here
from readerstudy.explanations.model_loading import ModelsUnavailable as ModelsUnavailable
from readerstudy.explanations.units import StoredImage


def may_import(name: str, by_operator: bool) -> bool:
    """Whether a dotted path may be imported: named at the command line, or listed in settings. Rows choose nothing."""
    return by_operator or name in settings.MODELS


def is_known(name: str) -> bool:
    """Whether a classifier has this name without being imported for it: ours, a package's, a folder's, in settings."""
    torch_here()
    from explain.models.registry import classifier_names

    return name in settings.MODELS or name in classifier_names(settings.MODEL_ROOT)


def model_names(
    classifier: ModelName,
    autoencoder: ModelName | None,
    device: str,
    by_operator: tuple[str, ...],
    generator: ModelName | None = None,
) -> ModelNames:
    """by_operator: names that were given at the command line, so that they may be paths to import."""
    allowed = frozenset([*settings.MODELS, *filter(None, by_operator)])
    root = Path(settings.MODEL_ROOT) if settings.MODEL_ROOT else None
    return ModelNames(classifier, autoencoder, device, root, allowed, generator)


def stored_image(case: Case) -> StoredImage:
    """A case's image as it lies in the storage. Raises ModelsUnavailable for a case without one; OSError."""
    if not case.pixels:
        raise ModelsUnavailable(f"Case {case.public_id} has no image (its reads were loaded from spreadsheets).")
    with case.pixels.storage.open(str(case.pixels.name)) as file:  # a handle of our own: this runs in threads
        png = file.read()
    low, high = case.window_low, case.window_high
    return StoredImage(png, case.bits, None if low is None or high is None else (low, high))


def radiograph(case: Case) -> Radiograph:
    """The stored radiograph at full resolution and depth. Raises ModelsUnavailable for a case without an image."""
    return stored_image(case).radiograph()
