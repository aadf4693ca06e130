"""How far a command is: a bar on a terminal; a plain line now and then where the output goes to a file."""

import time

from django.core.management.base import OutputWrapper
from tqdm import tqdm

SECONDS_BETWEEN_LINES = 10.0


class ProgressBar:
    """Context of a command. One bar, or a run of lines, for each thing that is being done."""

    def __init__(self, stream: OutputWrapper, unit: str = "case") -> None:
        self.stream, self.unit = stream, unit
        self.bar: tqdm | None = None
        self.doing = ""
        self.next_line = 0.0

    def __enter__(self) -> "ProgressBar":
        return self

    def __exit__(self, *error: object) -> None:
        if self.bar is not None:
            self.bar.close()
            self.bar = None

    def show(self, doing: str, done: int, total: int) -> None:
        """done: of how many cases (or what `unit` says), in `total`, so far."""
        if not self.stream.isatty():
            self._line(doing, done, total)
            return
        if self.bar is None or self.doing != doing:
            self.__exit__()
            self.doing = doing
            self.bar = tqdm(total=total, desc=doing, unit=self.unit, file=self.stream)
        self.bar.total = total
        self.bar.update(done - self.bar.n)

    def _line(self, doing: str, done: int, total: int) -> None:
        if doing != self.doing or done >= total or time.monotonic() >= self.next_line:
            self.doing, self.next_line = doing, time.monotonic() + SECONDS_BETWEEN_LINES
            self.stream.write(f"{doing}: {done} of {total} {self.unit}s")
