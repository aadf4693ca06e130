"""What VA-GAN learns from: the synthetic images of its paper, or images with a finding and images without."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explain.training.boxes import draw_boxes
from explain.training.data import Images, decoded, items_of
from explain.training.items import DataError, Item, digest_of, evenly, positives_and_negatives, split_by_patient
from explain.training.vagan import Examples, shrunk

TRAINING_SEED, TEST_SEED = 1, 2  # of the synthetic images; nothing is trained or chosen on the second
SYNTHETIC_IMAGES, VALIDATED = 10_000, 64


@dataclass(frozen=True)
class Labelled:
    """images: float32 (N, 1, S, S) in [-1, 1]; labels: (N,), 1 with boxes; masks: bool (N, S, S)."""

    images: NDArray[np.float32]
    labels: NDArray[np.int64]
    masks: NDArray[np.bool_]

    def positives(self, most: int | None = None) -> Labelled:
        """The first of those with boxes."""
        chosen = np.flatnonzero(self.labels)[:most]
        return Labelled(self.images[chosen], self.labels[chosen], self.masks[chosen])


def synthetic(count: int, seed: int, size: int) -> Labelled:
    drawn = draw_boxes(count, seed)
    return Labelled(shrunk(drawn.images, size)[:, None], drawn.labels, shrunk(drawn.masks, size))


def training_part(all_of: Labelled) -> Labelled:
    """As in the paper: a fifth is set aside as a test set, a fifth of the rest for validation; 64 % is left."""
    end = round(0.64 * len(all_of.labels))
    return Labelled(all_of.images[:end], all_of.labels[:end], all_of.masks[:end])


def synthetic_examples(count: int, size: int) -> Examples:
    """Training images, and the first positives of the validation part, which choose the best weights."""
    drawn = synthetic(count, TRAINING_SEED, size)
    learnt, end = training_part(drawn), round(0.8 * count)
    begin = len(learnt.labels)
    held_out = Labelled(drawn.images[begin:end], drawn.labels[begin:end], drawn.masks[begin:end]).positives(VALIDATED)
    return Examples(
        learnt.images[learnt.labels == 0],
        learnt.images[learnt.labels == 1],
        held_out.images,
        held_out.masks,
        f"{count} synthetic",
    )


@dataclass(frozen=True)
class OnDisk:
    """Decoded images, read as they are asked for."""

    images: Images

    def __len__(self) -> int:
        return len(self.images.items)

    def __getitem__(self, chosen: Any) -> NDArray[np.float32]:
        return self.images.batch(chosen) / np.float32(1024)


def two_sides(
    source: str | None, pathology: str | None, positives: str | None, negatives: str | None
) -> tuple[list[Item], list[Item]]:
    """The images with the finding and those without. Raises DataError where a side is empty or not told."""
    if source:
        if not pathology:
            raise DataError("--source needs --pathology: the label that says which images have the finding")
        return positives_and_negatives(items_of(source), pathology)
    if not positives or not negatives:
        raise DataError("both --positives and --negatives are needed: a map says what one side has and the other lacks")
    return items_of(positives), items_of(negatives)


def examples_of(
    positives: list[Item],
    negatives: list[Item],
    size: int,
    limit: int | None,
    seed: int,
    cache: Path,
    say: Callable[[str], object],
    held_out: float = 0.1,
) -> Examples:
    """Positives split by patient, a tenth held out, all decoded at a size. Raises DataError, OSError.

    A patient with images on both sides is trained on only where none of them is held out.
    """
    learnt, apart = split_by_patient(evenly(positives, limit), held_out, seed)
    away = {item.patient for item in apart} - {""}
    others = [item for item in evenly(negatives, limit) if item.patient not in away]
    if not others:
        raise DataError("Every image without the finding is of a patient held out: give images of more patients")
    parts = [
        decoded(part, size, cache / f"{name}-{size}.npy", skipped=lambda why: say(f"left out: {why}"))
        for name, part in (("negatives", others), ("positives", learnt), ("held-out", apart))
    ]
    sides = [OnDisk(part) for part in parts]
    source = digest_of([item for part in parts for item in part.items])[:12]
    kept, items = sides[2][np.arange(len(sides[2]))], tuple(parts[2].items)
    return Examples(sides[0], sides[1], kept, source=source, items=items)
