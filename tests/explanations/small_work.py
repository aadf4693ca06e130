"""Work that needs no model: squares, and numbers that kill or fail whoever works on them."""

import os
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass

from readerstudy.explanations.inference import Done, Failed


@dataclass(frozen=True)
class Squares:
    deadly: int = -1
    bad: int = -1

    def over(self, items: Sequence[int], load: Callable[[int], int]) -> Iterator[list[Done[int, int] | Failed[int]]]:
        for item in items:
            if item == self.deadly:
                os._exit(9)
            yield [Failed(item, "bad") if item == self.bad else Done(item, load(item) ** 2)]

    def alike(self, item: int) -> Hashable:
        return item % 2
