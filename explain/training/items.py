"""What there is to train on, before it is decoded: images with their patients and labels, split by patient."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
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
    full size, white inside. stamp: what changes when another image has this name: `file_stamp`, or a data set's folder.
    """

    name: str
    read: Callable[[int], NDArray[np.float32]]
    patient: str = ""
    labels: Mapping[str, bool] = field(default_factory=dict)
    masks: Mapping[str, Path] = field(default_factory=dict)
    stamp: str = ""


def file_stamp(path: Path) -> str:
    """A file's place, size and time of change."""
    place = path.resolve()
    try:
        about = place.stat()
    except OSError:  # reading it will say so
        return str(place)
    return f"{place} {about.st_size} {about.st_mtime_ns}"


def digest_of(items: Iterable[Item], *more: object) -> str:
    """SHA-256 of the images' names and stamps, in their order, and of what else decides."""
    lines = [*(str(one) for one in more), *(f"{item.name}\0{item.stamp}" for item in items)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


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


def evenly(items: list[Item], limit: int | None) -> list[Item]:
    """`limit` items, evenly over the list."""
    if limit is None or limit >= len(items):
        return items
    return [items[place * len(items) // limit] for place in range(limit)]


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
