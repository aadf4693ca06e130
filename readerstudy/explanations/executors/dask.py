"""Work done by the workers of a Dask cluster (the extra `fleet`), wherever they run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any

from readerstudy.common.extras import how_to_install
from readerstudy.explanations.executors.contract import died, filled
from readerstudy.explanations.inference import Done, Failed
from readerstudy.explanations.model_loading import ModelsUnavailable
from readerstudy.explanations.units import Item, Outcome, Output, Sent, Unit, Work

if TYPE_CHECKING:
    from distributed import Client, Future

WAIT_FOR_WORKERS = 120.0  # seconds without any, before the work is given up
_RETRIES = 2  # of a unit that raised; one whose worker died is given to another three times by the scheduler
_LOOK_SECONDS = 5.0
_CONNECT_SECONDS = 10


class Dask:
    """Workers of the scheduler at an address such as tcp://10.0.0.5:8786; a context.

    Units are sent through the scheduler, which keeps them until they are done: a worker's death loses nothing.
    Raises ModelsUnavailable where no scheduler answers.
    """

    def __init__(self, address: str) -> None:
        try:
            import dask
            import distributed
        except ImportError as error:
            raise ModelsUnavailable(f"--scheduler needs Dask: {how_to_install('fleet')}.") from error
        self.address = address
        dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 GiB"})  # units hold images
        try:
            self._client: Client = distributed.Client(address, timeout=_CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError) as error:
            raise ModelsUnavailable(
                f"No Dask scheduler answers at {address}: {error}. Start one (docs/fleet.md), or leave out --scheduler."
            ) from error

    def __enter__(self) -> Dask:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._client.close()

    def call(self, function: Callable[..., Any], *arguments: object) -> Any:
        future = self._submit(function, *arguments)
        self._wait([future])
        return self._value(future)

    def run(
        self, work: Work[Item, Sent, Output], items: Sequence[Item], load: Callable[[Item], Sent], size: int
    ) -> Iterator[list[Done[Item, Output] | Failed[Item]]]:
        units = filled(work, items, load, size)
        running: dict[Future[Any], Unit] = {}
        more = True
        while more or running:
            most = 2 * max(1, self._workers())
            while more and len(running) < most:
                unit = next(units, None)
                if unit is None:
                    more = False
                elif isinstance(unit, Unit):
                    running[self._submit(Unit.perform, unit)] = unit
                else:
                    yield unit
            for future in self._wait(list(running)):
                yield self._result(future, running.pop(future))

    def _result(self, future: Future[Any], unit: Unit) -> list[Outcome]:
        from distributed import KilledWorker

        try:
            found: list[Outcome] = self._value(future)
        except KilledWorker as error:
            return died(unit, error.allowed_failures + 1)
        return found

    def _submit(self, function: Callable[..., Any], *arguments: object) -> Future[Any]:
        with self._reached():
            return self._client.submit(function, *arguments, pure=False, retries=_RETRIES)

    def _workers(self) -> int:
        with self._reached():
            return len(self._client.nthreads())

    def _value(self, future: Future[Any]) -> Any:
        """Of one that is done. Raises what its worker raised, as it is."""
        if future.status == "error":
            return future.result()
        with self._reached():
            return future.result()

    def _wait(self, futures: list[Future[Any]]) -> list[Future[Any]]:
        """Those that are done, at least one of them. Raises ModelsUnavailable where there is no worker to do them."""
        import distributed

        seen = time.monotonic()
        while futures:
            try:
                with self._reached(), self._client.as_current():
                    return list(distributed.wait(futures, _LOOK_SECONDS, "FIRST_COMPLETED").done)
            except TimeoutError:
                if self._client.status == "running" and self._workers():
                    seen = time.monotonic()
                elif time.monotonic() - seen > WAIT_FOR_WORKERS:
                    raise ModelsUnavailable(
                        f"The scheduler at {self.address} has had no worker for {WAIT_FOR_WORKERS:.0f} seconds. "
                        "What was stored is kept: start workers, then run the command again."
                    ) from None
        return []

    @contextmanager
    def _reached(self) -> Iterator[None]:
        """Around calls of the client, which tells of a lost scheduler in several ways: ModelsUnavailable for each."""
        import asyncio
        import concurrent.futures

        from distributed.client import ClosedClientError

        lost = (OSError, asyncio.CancelledError, concurrent.futures.CancelledError, ClosedClientError)
        try:
            yield
        except TimeoutError:  # an OSError too: of waiting for what is not done yet
            raise
        except lost as error:
            raise ModelsUnavailable(
                f"The scheduler at {self.address} is gone. What was stored is kept: start it and its workers, then "
                "run the command again."
            ) from error
