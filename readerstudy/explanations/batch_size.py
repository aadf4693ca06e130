"""How many cases a batch takes, found by trying."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

_FIRST = {"cpu": 4, "cuda": 32}
_LARGEST = {"cpu": 16, "cuda": 512}  # on a CPU more than this costs memory and wins nothing


@dataclass
class BatchSize:
    """Doubled while that makes a case at least a tenth faster; halved, for good, when memory runs out.

    `settled` from the start keeps the size given, memory permitting.
    """

    size: int
    largest: int
    settled: bool = False
    _work: Hashable = None
    _repeated: bool = False
    _seconds: dict[int, float] = field(default_factory=dict)

    @classmethod
    def of_device(cls, device: str, given: int = 0) -> BatchSize:
        """The size given, or for 0 one to be found on this device ("cpu", "cuda:1")."""
        kind = device.split(":")[0]
        return cls(given or _FIRST[kind], _LARGEST[kind], settled=given > 0)

    def took(self, cases: int, seconds: float, work: Hashable = None) -> None:
        """Learn from a finished batch. Only batches of the same `work` (the kinds rendered) are compared.

        The first batch of any work also warms up; it counts for nothing. Nor does one that was computed again.
        """
        repeated, self._repeated = self._repeated, False
        if repeated or self.settled or cases != self.size:
            return
        if work != self._work:
            self._work, self._seconds = work, {}
            return
        self._seconds[cases] = seconds / cases
        before = self._seconds.get(cases // 2)
        if before is not None and self._seconds[cases] > 0.9 * before:
            self.size, self.settled = cases // 2, True
        elif cases * 2 > self.largest:
            self.settled = True
        else:
            self.size = cases * 2

    def repeats(self) -> None:
        """The present batch is computed again, in parts, as a kind failed: its time says nothing of its size."""
        self._repeated = True

    def ran_out(self, cases: int) -> None:
        """Memory did not hold this many. A larger batch read ahead does not raise the size again."""
        self.size, self.settled = min(self.size, max(1, cases // 2)), True
