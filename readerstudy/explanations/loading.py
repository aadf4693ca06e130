"""Models from the registry, prepared to compute fast, and radiographs from storage.

Torch is imported inside functions only.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from explain.images import Radiograph
from explain.render import read_display_image
from readerstudy.cases.models import Case

if TYPE_CHECKING:
    from explain.models import LoadedAutoencoder, LoadedClassifier


class ModelsUnavailable(RuntimeError):
    """A model cannot be loaded or does not fit; the message says what to do."""


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


def load_classifier(name: str, device: str, weights: Path | None = None) -> LoadedClassifier:
    _torch()
    from explain.fast import prepared
    from explain.models import load_classifier
    from explain.weights import WeightsError

    try:
        loaded = load_classifier(name, device, weights)
    except (WeightsError, KeyError) as error:
        raise ModelsUnavailable(_text(error)) from error
    return replace(loaded, module=prepared(loaded.module))


def load_autoencoder(name: str, device: str, weights: Path | None = None) -> LoadedAutoencoder:
    _torch()
    from explain.fast import prepared
    from explain.models import load_autoencoder
    from explain.weights import WeightsError

    try:
        loaded = load_autoencoder(name, device, weights)
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
