"""The one loop in which cases go through models: predict and precompute both run it.

The next batch is read while the present one is computed. How many cases a batch takes is found by trying; when memory
runs out the batch is halved and tried again. What fails, fails for itself.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import takewhile
from time import perf_counter
from typing import Generic, TypeVar

from explain.errors import said
from readerstudy.explanations.batch_size import BatchSize
from readerstudy.explanations.model_loading import ModelsUnavailable

Item = TypeVar("Item")
Input = TypeVar("Input")
Output = TypeVar("Output")

OUT_OF_MEMORY = "the device ran out of memory with a batch of one"


@dataclass(frozen=True)
class Done(Generic[Item, Output]):
    """An item with what was computed for it."""

    item: Item
    output: Output


@dataclass(frozen=True)
class Failed(Generic[Item]):
    """An item that could not be read or computed, and why."""

    item: Item
    why: str


@dataclass(frozen=True)
class Inference(Generic[Item, Input, Output]):
    """What the loop does with each item.

    read: what an item needs, decoded; called in threads. compute: a batch of inputs to as many outputs; it may raise
    for all of them. alike: items of one batch have the same; so have batches whose times are compared.
    """

    read: Callable[[Item], Input]
    compute: Callable[[list[Input]], list[Output]]
    batch: BatchSize
    alike: Callable[[Item], Hashable] = lambda item: None

    def run(self, items: Sequence[Item]) -> Iterator[list[Done[Item, Output] | Failed[Item]]]:
        """Every item once, in batches of neighbours that are alike."""
        with ThreadPoolExecutor(2, "read") as readers:
            for group in self._read_ahead(items, readers):
                found: list[Done[Item, Output] | Failed[Item]] = []
                usable: list[tuple[Item, Input]] = []
                for item, future in group:
                    try:
                        usable.append((item, future.result()))
                    except (OSError, ValueError, ModelsUnavailable) as error:
                        found.append(Failed(item, f"the image cannot be read: {error}"))
                yield found + (self._computed(usable) if usable else [])

    def _read_ahead(
        self, items: Sequence[Item], readers: ThreadPoolExecutor
    ) -> Iterator[list[tuple[Item, Future[Input]]]]:
        """Batches being read; the next is asked for before the present one is handed out."""
        position = 0

        def next_group() -> list[tuple[Item, Future[Input]]]:
            nonlocal position
            ahead = items[position : position + self.batch.size]
            same = list(takewhile(lambda item: self.alike(item) == self.alike(ahead[0]), ahead))
            position += len(same)
            return [(item, readers.submit(self.read, item)) for item in same]

        group = next_group()
        while group:
            following = next_group()
            yield group
            group = following

    def _computed(self, usable: list[tuple[Item, Input]]) -> list[Done[Item, Output] | Failed[Item]]:
        """A batch that runs out of memory is halved, one that fails otherwise is tried again one by one."""
        work, start = self.alike(usable[0][0]), perf_counter()
        try:
            outputs = self.compute([read for _, read in usable])
        except Exception as error:  # a package's kind or model may fail in any way
            short = is_out_of_memory(error)
            if len(usable) == 1:
                return [Failed(usable[0][0], OUT_OF_MEMORY if short else said(error))]
            if short:
                self.batch.ran_out(len(usable))
        else:
            self.batch.took(len(usable), perf_counter() - start, work)
            return [Done(item, output) for (item, _), output in zip(usable, outputs, strict=True)]
        # outside of `except`: the error's traceback would keep the tensors that filled the memory
        if short:
            free_memory()
        size = len(usable) // 2 if short else 1
        parts = [usable[:size], usable[size:]] if short else [[one] for one in usable]
        return [result for part in parts for result in self._computed(part)]


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a device, or the host, did not have the memory; on a CPU torch says so in the words of an error only."""
    import torch

    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)


def free_memory() -> None:
    """Give a GPU's cached blocks back, so that a smaller batch finds room."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()
