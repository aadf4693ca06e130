"""Units of work: what workers do, wherever they are. Pure functions of pixels, targets, models by name and hash, and
parameters; they are pickled on their way.

May not live here, nor in what this imports: Django. Workers know neither the database nor the settings; who asked for
the work reads storage, and writes rows.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Protocol, TypeVar

from explain.images.radiograph import Radiograph
from explain.render.pictures import read_display_image
from readerstudy.common.version import software
from readerstudy.explanations.inference import Done, Failed
from readerstudy.explanations.model_loading import ModelsUnavailable

Item = TypeVar("Item", bound=Hashable)
Sent = TypeVar("Sent", contravariant=True)
Output = TypeVar("Output")
Outcome = Done[Any, Any] | Failed[Any]


class Work(Protocol[Item, Sent, Output]):
    """What is to be done to each item. It holds names, hashes and parameters only, so that it can be pickled."""

    def over(
        self, items: Sequence[Item], load: Callable[[Item], Sent]
    ) -> Iterator[list[Done[Item, Output] | Failed[Item]]]:
        """Every item once. `load` gives what is sent of one (stored bytes); it may raise OSError or ValueError for it,
        and is called in threads."""
        ...

    def alike(self, item: Item) -> Hashable:
        """Items of one unit have the same."""
        ...


@dataclass(frozen=True)
class StoredImage:
    """A radiograph as it is stored, which is how it travels. window: of grey values to show first, or None."""

    png: bytes
    bits: int
    window: tuple[float, float] | None

    def radiograph(self) -> Radiograph:
        """Full resolution and depth. Raises ValueError, OSError for a damaged file."""
        return read_display_image(self.png, self.bits, self.window)


@dataclass(frozen=True)
class Unit:
    """Some items with what is sent of each. version: the software of who asks, which the worker's must be."""

    work: Work[Any, Any, Any]
    items: tuple[Hashable, ...]
    sent: tuple[object, ...]
    version: dict[str, str]

    def perform(self) -> list[Outcome]:
        """Raises ModelsUnavailable where this host cannot do the work as it was meant."""
        here, theirs = software(), self.version
        if any(here.get(name, theirs[name]) != theirs[name] for name in theirs):
            raise ModelsUnavailable(
                f"The worker on {platform.node()} runs {_words(here)}, and the work was asked for by {_words(theirs)}: "
                "install the same on both."
            )
        found = dict(zip(self.items, self.sent, strict=True))
        return [one for group in self.work.over(self.items, found.__getitem__) for one in group]


def cut(items: Sequence[Item], size: int, alike: Callable[[Item], Hashable]) -> Iterator[list[Item]]:
    """Runs of at most `size` neighbours that are alike: as a loop over all of them would cut its batches."""
    for _, same in groupby(items, alike):
        run = list(same)
        yield from (run[start : start + size] for start in range(0, len(run), size))


def _words(versions: dict[str, str]) -> str:
    return " ".join(versions.values())
