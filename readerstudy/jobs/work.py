"""What a job's function gets: to say how far it is, and to write so that only the holder of the lease writes."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from readerstudy.accounts.models import User
from readerstudy.jobs.models import Job

SECONDS_BETWEEN_WORDS = 1.0


class LeaseLost(BaseException):
    """Another worker has the job, or it was cancelled. No Exception: no code on the way takes it for a failure."""


def end_with(parent: int, end: Callable[[], object]) -> None:
    """Call `end` once the process that started this one is gone; watched by a thread."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        end()

    threading.Thread(target=watch, daemon=True).start()


@dataclass
class Work:
    """One job in the hands of one process."""

    job: int
    lease: int
    user: User | None = None
    _said: float = field(default=0.0, repr=False)

    def progress(self, done: int, total: int, doing: str = "") -> None:
        """Say how far the work is; at most once a second, and at the end. Raises LeaseLost."""
        now = time.monotonic()
        if done < total and now - self._said < SECONDS_BETWEEN_WORDS:
            return
        self._said = now
        self._write(done=done, total=total, doing=doing[:200])

    @contextmanager
    def writing(self) -> Iterator[None]:
        """A transaction that holds the lease: what is written in it is written by the holder or not at all."""
        with transaction.atomic():
            held = Job.objects.select_for_update().filter(pk=self.job, lease=self.lease, state=Job.State.RUNNING)
            if held.first() is None:
                raise LeaseLost
            yield

    def _write(self, **values: Any) -> None:
        if not Job.objects.filter(pk=self.job, lease=self.lease, state=Job.State.RUNNING).update(**values):
            raise LeaseLost
