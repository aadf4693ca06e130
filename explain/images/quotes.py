"""While a file is read nothing of it is shown or logged: libraries quote it, patients' names too, in what they log."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

# Below these levels: pydicom quotes values at every level, Pillow quotes EXIF at the lower ones.
LEVELS = {"pydicom": logging.CRITICAL + 1, "PIL": logging.WARNING}


class _Quiet:
    """No warnings, and loggers at other levels, while at least one thread reads; as they were when the last has ended.

    Both belong to the whole process: threads that each changed them back for themselves would undo another's.
    """

    def __init__(self) -> None:
        self.lock, self.readers = threading.Lock(), 0
        self.levels = dict.fromkeys(LEVELS, logging.NOTSET)
        self.warnings = warnings.catch_warnings()

    def __enter__(self) -> None:
        with self.lock:
            if self.readers == 0:
                for name, level in LEVELS.items():
                    logger = logging.getLogger(name)
                    self.levels[name] = logger.level
                    logger.setLevel(max(level, logger.level))
                self.warnings = warnings.catch_warnings()
                self.warnings.__enter__()
                warnings.simplefilter("ignore")
            self.readers += 1

    def __exit__(self, *_: object) -> None:
        with self.lock:
            self.readers -= 1
            if self.readers == 0:
                self.warnings.__exit__(None, None, None)
                for name, level in self.levels.items():
                    logging.getLogger(name).setLevel(level)


_quiet = _Quiet()


@contextmanager
def no_quotes() -> Iterator[None]:
    """Keep what may quote a file from being shown, in this thread and in others that read at the same time."""
    with _quiet:
        yield
