"""Timing helpers for the benchmarks: medians with their spread, ratios measured turn by turn, peak memory."""

from __future__ import annotations

import resource
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Timing:
    """Seconds of repeated runs of the same work."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    def __str__(self) -> str:
        return (
            f"{_human(self.median)} ({_human(min(self.seconds))} to {_human(max(self.seconds))}, n={len(self.seconds)})"
        )


def timing(work: Callable[[], object], *, repeats: int = 5, warmup: int = 1) -> Timing:
    """Time `work` `repeats` times after `warmup` runs that do not count."""
    for _ in range(warmup):
        work()
    return Timing(tuple(_once(work) for _ in range(repeats)))


def compare(
    base: Callable[[], object], other: Callable[[], object], *, repeats: int = 5
) -> tuple[Timing, Timing, float]:
    """Time two ways in turn, so that a machine which slows down slows both.

    Returns both timings and the median over repeats of base / other: 2.0 says that `other` is twice as fast.
    """
    base()
    other()
    pairs = [(_once(base), _once(other)) for _ in range(repeats)]
    firsts, seconds = zip(*pairs, strict=True)
    return Timing(firsts), Timing(seconds), statistics.median(first / second for first, second in pairs)


def peak_rss_mb() -> float:
    """The most resident memory this process has had so far, in MiB (getrusage counts KiB on Linux, bytes on macOS)."""
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def report(name: str, **figures: object) -> None:
    """Print one line: what was measured, then its figures."""
    shown = (f"{key} {value:.3g}" if isinstance(value, float) else f"{key} {value}" for key, value in figures.items())
    print(f"{name}: {', '.join(shown)}", flush=True)


def _once(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _human(seconds: float) -> str:
    return f"{seconds:.3g} s" if seconds >= 1 else f"{seconds * 1000:.3g} ms"
