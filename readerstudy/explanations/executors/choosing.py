"""Which executor a command uses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from readerstudy.explanations.executors.contract import Executor
from readerstudy.explanations.executors.dask import Dask
from readerstudy.explanations.executors.local import Here, Processes
from readerstudy.explanations.model_loading import ModelsUnavailable


@contextmanager
def executor(workers: int = 1, scheduler: str = "") -> Iterator[Executor]:
    """workers: processes of this host; 1 is this process itself. scheduler: address of a Dask scheduler, or "".

    Raises ModelsUnavailable for both at once, and for an address that none answers.
    """
    if scheduler and workers > 1:
        raise ModelsUnavailable("Give --workers or --scheduler: a scheduler has workers of its own.")
    if scheduler:
        if not re.fullmatch(r"(tcp|tls)://\S+:\d+", scheduler):
            raise ModelsUnavailable(f"--scheduler is an address such as tcp://10.0.0.5:8786; not “{scheduler}”.")
        with Dask(scheduler) as dask:
            yield dask
    elif workers > 1:
        with Processes(workers) as processes:
            yield processes
    else:
        yield Here()
