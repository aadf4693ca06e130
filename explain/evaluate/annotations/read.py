"""What every annotation file gives: shapes on images, and what it says of images without any."""

from __future__ import annotations

import csv
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image


class Shape(ABC):
    """A region of an image."""

    @abstractmethod
    def draw(self, height: int, width: int) -> np.ndarray:
        """bool (height, width) on the whole image, brought there from the pixels the annotation was made in."""


@dataclass(frozen=True)
class Box(Shape):
    """A rectangle. x, y: its left upper corner, in pixels of an image of `size` (height, width); None: the image's."""

    x: float
    y: float
    width: float
    height: float
    size: tuple[int, int] | None = None

    def draw(self, height: int, width: int) -> np.ndarray:
        across, down = (width / self.size[1], height / self.size[0]) if self.size else (1.0, 1.0)
        mask = np.zeros((height, width), bool)
        left, right = round(self.x * across), round((self.x + self.width) * across)
        top, bottom = round(self.y * down), round((self.y + self.height) * down)
        mask[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = True
        return mask


@dataclass(frozen=True, eq=False)
class Runs(Shape):
    """A mask of `height` x `width` pixels, drawn when it is asked for. runs: int64, how many pixels are outside and
    inside in turn, down the columns from the left; the rest is outside. Another size is taken by nearest pixels."""

    runs: np.ndarray
    height: int
    width: int

    def draw(self, height: int, width: int) -> np.ndarray:
        flat, ends = np.zeros(self.height * self.width, bool), self.runs.cumsum()
        for start, end in zip(ends[::2], ends[1::2]):
            flat[start:end] = True
        mask = flat.reshape(self.width, self.height).T
        if mask.shape == (height, width):
            return mask
        picture = Image.fromarray(mask.astype(np.uint8)).resize((width, height), Image.Resampling.NEAREST)
        return np.asarray(picture) > 0


@dataclass(frozen=True)
class Annotation:
    """One region of one task in one image. row: where the file has it, 1 the line below the header."""

    image: str
    task: str
    row: int
    shape: Shape


@dataclass
class Annotations:
    """What a file says. labels: task -> image -> whether it is there, as far as the file tells. problems: (row, what is
    wrong) of rows that were left out."""

    annotations: list[Annotation] = field(default_factory=list)
    labels: dict[str, dict[str, bool]] = field(default_factory=dict)
    problems: list[tuple[int, str]] = field(default_factory=list)

    def add(self, image: str, task: str, row: int, shape: Shape) -> None:
        self.annotations.append(Annotation(image, task, row, shape))
        self.labels.setdefault(task, {})[image] = True

    def without(self, image: str, task: str) -> None:
        """The file says that the task is not in the image; another row that says it is counts more."""
        self.labels.setdefault(task, {}).setdefault(image, False)


def rows_of(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, list[str]]]:
    """(row, the values of `columns`) of a CSV file, header names stripped. ValueError when a column is missing."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        lines = csv.reader(file)
        header = [name.strip() for name in next(lines, [])]
        if missing := [name for name in columns if name not in header]:
            raise ValueError(
                f"{path.name} has no column {', '.join(missing)}; it has {', '.join(filter(None, header))}"
            )
        places = [header.index(name) for name in columns]
        for row, line in enumerate(lines, 1):
            if any(cell.strip() for cell in line):
                yield row, [line[place].strip() if place < len(line) else "" for place in places]


def numbers(words: list[str]) -> list[float]:
    """Finite numbers; ValueError in words."""
    try:
        found = [float(word) for word in words]
    except ValueError:
        raise ValueError(f"{', '.join(words)} are not all numbers") from None
    if not np.isfinite(found).all():
        raise ValueError(f"{', '.join(words)} are not all numbers")
    return found
