"""What there is to train on, before it is decoded: images with their patients and labels, split by patient."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


class DataError(ValueError):
    """The images cannot be used; the message says which, why, and what to do."""


@dataclass(frozen=True)
class Item:
    """One image. read: its pixels at a size, float32 (size, size) in [-1024, 1024]; it raises ImageError or OSError.

    name: what messages call it. patient: "" where nobody said; the image is then a patient of its own.
    labels: pathology -> whether it is there; what is uncertain is left out. masks: pathology -> a PNG of the image's
    full size, white inside.
    """

    name: str
    read: Callable[[int], NDArray[np.float32]]
    patient: str = ""
    labels: Mapping[str, bool] = field(default_factory=dict)
    masks: Mapping[str, Path] = field(default_factory=dict)


def positives_and_negatives(items: Sequence[Item], pathology: str) -> tuple[list[Item], list[Item]]:
    """Images with and without a pathology; those without a label are in neither. DataError where a side is empty."""
    positives = [item for item in items if item.labels.get(pathology) is True]
    negatives = [item for item in items if item.labels.get(pathology) is False]
    if not positives or not negatives:
        known = ", ".join(sorted({name for item in items for name in item.labels})) or "none"
        raise DataError(
            f"There are {len(positives)} images with {pathology} and {len(negatives)} without: both are needed. "
            f"Labels are there for: {known}"
        )
    return positives, negatives


def split_by_patient(items: Sequence[Item], share: float, seed: int) -> tuple[list[Item], list[Item]]:
    """(the rest, about `share` of the images), all images of a patient on one side; at least one image on each.

    The order in which patients are held out depends on seed and ids alone. Raises DataError.
    """
    patients: dict[str, list[Item]] = {}
    for item in items:
        patients.setdefault(item.patient or f"\0{item.name}", []).append(item)
    if len(patients) < 2:
        raise DataError("All images are of one patient: held-out images must be of others")
    wanted, held = max(1, round(share * len(items))), 0
    apart: set[str] = set()
    for patient in sorted(patients, key=lambda patient: hashlib.sha256(f"{seed} {patient}".encode()).hexdigest()):
        if held >= wanted or len(apart) == len(patients) - 1:
            break
        apart.add(patient)
        held += len(patients[patient])
    sides = [(item, (item.patient or f"\0{item.name}") in apart) for item in items]
    return [item for item, away in sides if not away], [item for item, away in sides if away]
