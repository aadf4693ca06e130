"""Work done on this host: in this process, or in processes of its own."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from types import TracebackType
from typing import Any

from readerstudy.explanations.executors.contract import died, filled
from readerstudy.explanations.inference import Done, Failed
from readerstudy.explanations.model_loading import ModelsUnavailable
from readerstudy.explanations.units import Item, Outcome, Output, Sent, Unit, Work

_ATTEMPTS = 3


class Here:
    """In this process: items are loaded while others are computed."""

    def call(self, function: Callable[..., Any], *arguments: object) -> Any:
        return function(*arguments)

    def run(
        self, work: Work[Item, Sent, Output], items: Sequence[Item], load: Callable[[Item], Sent], size: int
    ) -> Iterator[list[Done[Item, Output] | Failed[Item]]]:
        """`size` counts for nothing: there are no units to cut."""
        return work.over(items, load)


class Processes:
    """`count` processes, each with its share of the GPUs and of the cores; a context, at whose end they end.

    A process that dies breaks its pool. The units that were under way are then done one at a time, so that the one
    that kills its process is known: it fails after three attempts, the others are done.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._pool = self._new_pool()

    def __enter__(self) -> Processes:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def call(self, function: Callable[..., Any], *arguments: object) -> Any:
        try:
            return self._pool.submit(function, *arguments).result()
        except BrokenProcessPool as error:
            raise ModelsUnavailable(
                "A worker died while it loaded the models: there may be too little memory. Try fewer --workers."
            ) from error

    def run(
        self, work: Work[Item, Sent, Output], items: Sequence[Item], load: Callable[[Item], Sent], size: int
    ) -> Iterator[list[Done[Item, Output] | Failed[Item]]]:
        units = filled(work, items, load, size)
        suspects: deque[tuple[Unit, int]] = deque()  # with how often their process has died
        running: dict[Future[list[Outcome]], Unit] = {}
        more = True
        while more or running or suspects:
            while suspects and not running:
                yield self._alone(*suspects.popleft())
            while more and len(running) < 2 * self.count:
                unit = next(units, None)
                if unit is None:
                    more = False
                    break
                if isinstance(unit, Unit):
                    running[self._submit(unit)] = unit
                else:
                    yield unit
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                unit = running.pop(future)
                try:
                    yield future.result()
                except BrokenProcessPool:
                    suspects.append((unit, 1))

    def _alone(self, unit: Unit, deaths: int) -> list[Outcome]:
        while deaths < _ATTEMPTS:
            try:
                return self._submit(unit).result()
            except BrokenProcessPool:
                deaths += 1
        return died(unit, deaths)

    def _submit(self, unit: Unit) -> Future[list[Outcome]]:
        try:
            return self._pool.submit(Unit.perform, unit)
        except BrokenProcessPool:
            self._pool.shutdown()
            self._pool = self._new_pool()
            return self._pool.submit(Unit.perform, unit)

    def _new_pool(self) -> ProcessPoolExecutor:
        spawn = multiprocessing.get_context("spawn")
        gpus, places = _gpus(), spawn.Queue()
        for number in range(self.count):
            places.put(gpus[number % len(gpus)] if gpus else "")
        return ProcessPoolExecutor(self.count, spawn, initializer=_begin, initargs=(places, self.count))


def _gpus() -> list[str]:
    """The GPUs that this process sees, as CUDA_VISIBLE_DEVICES names them."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [gpu for gpu in named.split(",") if gpu]
    try:
        import torch
    except ImportError:
        return []  # said in words when a model is loaded
    return [str(number) for number in range(torch.cuda.device_count())]


def _begin(places: Any, count: int) -> None:
    """In a new process: see one of the GPUs, use a share of the cores, end with the process that began it."""
    parent = multiprocessing.parent_process()

    def end_with_it() -> None:
        if parent is not None:
            parent.join()
        os._exit(1)

    threading.Thread(target=end_with_it, daemon=True).start()
    gpu = places.get()
    if gpu:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, cores // count)))  # torch reads it when it is loaded
