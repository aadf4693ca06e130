"""Does a GPU give the maps that a CPU gives, and how many cases a second? Every kind, in under 8 minutes.

    python -m bench.gpu [--device cuda:0] [--cases 2] [--seconds 420] [--kinds grad_cam path_v2k]

The demo's models explain the demo's true positives on both devices, as `precompute` does. A map agrees with a Spearman
of at least .999; of kinds that iterate, where each round starts from the rounding of the one before, at least .99.
Exits with 1 if a kind does not agree, and says by how much. Then each kind alone is timed in batches, whose size is
found by trying. Without a GPU it says so and exits with 0; --device cpu compares the CPU with itself.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr
from torch import Tensor, nn

from explain.demo.cases import demo_cases
from explain.images.radiograph import Radiograph
from explain.methods.contract import Result, explained
from explain.methods.kind import Need
from explain.methods.kinds import KINDS
from explain.models.fast import prepared
from explain.models.registry import load_autoencoder, load_classifier
from readerstudy.explanations.batch_size import BatchSize

ITERATING = ("iterative_delete", "meaningful_perturbation", "additive_perturbation")
SECONDS_A_KIND = 8.0


@dataclass(frozen=True)
class Agreement:
    """The lowest Spearman over all pictures of a kind on two devices, and what it is to be."""

    kind: str
    spearman: float
    wanted: float

    @property
    def enough(self) -> bool:
        return self.spearman >= self.wanted

    def __str__(self) -> str:
        why = " (iterates)" if self.wanted < 0.999 else ""
        return (
            f"{self.kind}: Spearman {self.spearman:.6f}, wanted {self.wanted}{why}{'' if self.enough else ': NOT MET'}"
        )


def agreement(kind: str, here: Sequence[Result], there: Sequence[Result]) -> Agreement:
    """Compare a kind's results for the same cases from two devices: maps and frames, each picture with its own."""
    pairs = [pair for one, other in zip(here, there, strict=True) for pair in _pictures(one, other)]
    lowest = min(_spearman(one, other) for one, other in pairs)
    return Agreement(kind, lowest, 0.99 if kind in ITERATING else 0.999)


def _pictures(one: Result, other: Result) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    tensors = [(one.map, other.map), (one.frames, other.frames)]
    return [(_array(a), _array(b)) for a, b in tensors if a is not None or b is not None]


def _array(tensor: Tensor | None) -> NDArray[np.float32]:
    return np.empty(0, np.float32) if tensor is None else tensor.float().cpu().numpy()


def _spearman(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """0 for pictures of other sizes (another number of frames) or not finite; 1 for equal ones, constant ones too."""
    if one.shape != other.shape or not (np.isfinite(one).all() and np.isfinite(other).all()):
        return 0.0
    if np.array_equal(one, other):
        return 1.0
    found = float(spearmanr(one.ravel(), other.ravel()).statistic)
    return found if np.isfinite(found) else 0.0


def models(device: str) -> dict[Need, nn.Module]:
    return {
        "classifier": prepared(load_classifier("demo", device).module),
        "autoencoder": prepared(load_autoencoder("demo", device).module),
    }


def the_cases(count: int) -> tuple[Tensor, Tensor]:
    """x (N, 1, 224, 224) and targets (N,) of the demo's first true positives."""
    target_of = load_classifier("demo").target
    cases = [case for case in demo_cases() if case.positive][:count]
    phantoms = [case.draw() for case in cases]
    inputs = [Radiograph(phantom.pixels, phantom.depth).model_input() for phantom in phantoms]
    return torch.from_numpy(np.stack(inputs)), torch.tensor([target_of(case.pathology) for case in cases])


def compare(kind: str, x: Tensor, targets: Tensor, here: str, there: str) -> Agreement:
    made = [
        explained([KINDS[kind]], x.to(device), targets.to(device), models(device))[kind].results
        for device in (here, there)
    ]
    return agreement(kind, *made)


def cases_a_second(kind: str, x: Tensor, targets: Tensor, device: str) -> tuple[float, int]:
    """The most that any batch size tried gave, and that size. 0 where not even one case fits into memory."""
    batch, loaded, best = BatchSize.of_device(device), models(device), (0.0, 0)
    end = time.perf_counter() + SECONDS_A_KIND
    for turn in range(100):
        size = batch.size
        rows = torch.arange(size) % len(x)
        start = time.perf_counter()
        try:
            explained([KINDS[kind]], x[rows].to(device), targets[rows].to(device), loaded, batch_size=size)
        except torch.OutOfMemoryError:
            batch.ran_out(size)
            if size == 1:
                break
            continue
        seconds = time.perf_counter() - start
        batch.took(size, seconds)
        if turn:  # the first warms up
            best = max(best, (size / seconds, size))
        if turn and (time.perf_counter() > end or (batch.settled and batch.size == best[1])):
            break
    return best


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--cases", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=420, help="after so many nothing more is begun")
    parser.add_argument(
        "--kinds", nargs="*", default=[name for name, kind in KINDS.items() if "generator" not in kind.needs]
    )
    options = parser.parse_args()
    if options.device.startswith("cuda") and not torch.cuda.is_available():
        print("No CUDA device is at hand: nothing was compared or timed.")
        return 0
    name = torch.cuda.get_device_name(options.device) if options.device.startswith("cuda") else "the CPU itself"
    print(f"torch {torch.__version__}, {options.device} is {name}, against the CPU", flush=True)
    x, targets = the_cases(options.cases)
    end, found = time.perf_counter() + options.seconds, []
    for kind in options.kinds:
        if time.perf_counter() > end:
            print(f"{kind}: not compared, time is up")
            continue
        found.append(compare(kind, x, targets, options.device, "cpu"))
        print(found[-1], flush=True)
    for kind in options.kinds:
        if time.perf_counter() > end:
            print(f"{kind}: not timed, time is up")
            continue
        speed, size = cases_a_second(kind, x, targets, options.device)
        print(f"{kind}: {speed:.2f} cases a second in batches of {size}", flush=True)
    return 0 if all(one.enough for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())
