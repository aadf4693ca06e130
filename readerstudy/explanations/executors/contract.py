"""What an executor is. Whoever asks for work writes the rows; an executor returns every item once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from readerstudy.common.version import software
from readerstudy.explanations.inference import Done, Failed
from readerstudy.explanations.model_loading import ModelsUnavailable
from readerstudy.explanations.units import Item, Outcome, Output, Sent, Unit, Work, cut

DIED = "the worker that did this died, {} times: it may need more memory than a worker has"


class Executor(Protocol):
    """Does work somewhere."""

    def call(self, function: Callable[..., Any], *arguments: object) -> Any:
        """The function's result on one of the workers."""
        ...

    def run(
        self, work: Work[Item, Sent, Output], items: Sequence[Item], load: Callable[[Item], Sent], size: int
    ) -> Iterator[list[Done[Item, Output] | Failed[Item]]]:
        """Every item once, in any order; `load` is called here, the work is done by workers in units of `size`.

        Raises ModelsUnavailable where it cannot go on. What was returned before is done.
        """
        ...


def filled(
    work: Work[Item, Sent, Output], items: Sequence[Item], load: Callable[[Item], Sent], size: int
) -> Iterator[Unit | list[Outcome]]:
    """Units with what is sent of each item, and the items that could not be loaded. Loaded when asked for."""
    version = software()
    with ThreadPoolExecutor(2, "load") as readers:
        for group in cut(items, size, work.alike):
            futures = [(item, readers.submit(load, item)) for item in group]
            failed: list[Outcome] = []
            sent = []
            for item, future in futures:
                try:
                    sent.append((item, future.result()))
                except (OSError, ValueError, ModelsUnavailable) as error:
                    failed.append(Failed(item, f"the image cannot be read: {error}"))
            if failed:
                yield failed
            if sent:
                yield Unit(work, tuple(item for item, _ in sent), tuple(one for _, one in sent), version)


def died(unit: Unit, times: int) -> list[Outcome]:
    return [Failed(item, DIED.format(times)) for item in unit.items]
