"""Files of run lengths: SIIM-ACR Pneumothorax, and CheXlocalize (COCO's compressed run lengths)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from explain.evaluate.annotations.read import Annotations, Runs, rows_of

SIIM_SIDE = 1024
_CHEXLOCALIZE = {"Airspace Opacity": "Lung Opacity", "Pleural Effusion": "Effusion"}


def read_siim(path: Path) -> Annotations:
    """train-rle.csv: `ImageId, EncodedPixels`, a row a region, -1 where there is none. Several rows are united."""
    found = Annotations()
    for row, (image, encoded) in rows_of(path, ("ImageId", "EncodedPixels")):
        try:
            if encoded == "-1":
                found.without(image, "Pneumothorax")
            else:
                runs = [int(word) for word in encoded.split()]
                found.add(image, "Pneumothorax", row, from_relative(runs, SIIM_SIDE, SIIM_SIDE))
        except ValueError as error:
            found.problems.append((row, f"the run lengths cannot be read: {error}"))
    return found


def read_chexlocalize(path: Path) -> Annotations:
    """gt_segmentations_*.json: `{image: {task: {"size": [h, w], "counts": compressed run lengths}}}`.

    A task whose mask is empty is not in the image. row: the image's place in the file.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path.name} is no JSON: {error}") from None
    if not isinstance(content, dict) or not all(isinstance(tasks, dict) for tasks in content.values()):
        raise ValueError(f"{path.name} is no list of CheXlocalize masks: it must be {{image: {{task: run lengths}}}}")
    found = Annotations()
    for row, (image, tasks) in enumerate(content.items(), 1):
        for task, coded in tasks.items():
            name = _CHEXLOCALIZE.get(task, task)
            try:
                shape = from_coco(coded)
            except (ValueError, KeyError, TypeError) as error:
                found.problems.append((row, f"{image}, {task}: the run lengths cannot be read: {error}"))
                continue
            if shape.runs[1::2].any():
                found.add(image, name, row, shape)
            else:
                found.without(image, name)
    return found


def from_relative(runs: Sequence[int], height: int, width: int) -> Runs:
    """Pairs (gap since the last run, length), down the columns from the left. ValueError if they do not fit."""
    if len(runs) % 2 or min(runs, default=0) < 0 or sum(runs) > height * width:
        raise ValueError(f"{len(runs)} numbers that add up to {sum(runs)}, for {height * width} pixels")
    return Runs(np.array(runs, np.int64), height, width)


def from_coco(coded: dict[str, Any]) -> Runs:
    """The mask of COCO's {"size": [h, w], "counts": text}: run lengths of 0 and 1 in turn, down the columns.

    Each number is written in groups of 5 bits from the lowest, one character (48 + group) each, with bit 6 set where
    another follows; it is signed, and from the fourth on it is the difference to the run two before.
    """
    height, width = coded["size"]
    counts: list[int] = []
    value = shift = 0
    for character in coded["counts"]:
        group = ord(character) - 48
        if not 0 <= group < 64:
            raise ValueError(f"the character {character!r} does not belong there")
        value |= (group & 31) << shift
        shift += 5
        if not group & 32:
            if group & 16:
                value -= 1 << shift
            counts.append(value + (counts[-2] if len(counts) > 2 else 0))
            value = shift = 0
    if shift or min(counts, default=0) < 0 or sum(counts) != height * width:
        raise ValueError(f"the runs add up to {sum(counts)}, for {height * width} pixels")
    return Runs(np.array(counts, np.int64), height, width)
