"""Train a small network to the end, killing it at random moments on the way: python killed.py FOLDER KILLS SEED.

Prints what it ends with, as JSON. Every part is a forked process, so that torch is imported once.
"""

import hashlib
import json
import os
import random
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from explain.training.loop import Loop

STEPS = 120


class Small:
    """A regression with dropout, so that torch's random numbers matter, on rows drawn by the loop's."""

    def __init__(self, folder: Path, resume: bool = True) -> None:
        torch.manual_seed(3)
        self.model = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.Dropout(0.2), nn.ReLU(), nn.Linear(16, 1))
        self.optimiser = torch.optim.Adam(self.model.parameters(), 0.01)
        self.schedule = torch.optim.lr_scheduler.StepLR(self.optimiser, 30, 0.5)
        parts = {"model": self.model, "optimiser": self.optimiser, "schedule": self.schedule}
        self.loop = Loop(
            folder, STEPS, parts, log_every=7, save_every=10, watch="held_back", keep=["model"], resume=resume
        )

    def step(self, done: int, rng: np.random.Generator) -> Mapping[str, float]:
        x = torch.from_numpy(rng.normal(size=(16, 8)).astype(np.float32))
        loss = self.error(x)
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        self.schedule.step()
        return {"loss": loss.item()}

    def error(self, x: Tensor) -> Tensor:
        return (self.model(x)[:, 0] - x.sum(dim=1)).square().mean()

    def evaluate(self) -> Mapping[str, float]:
        self.model.eval()
        with torch.no_grad():
            found = self.error(torch.linspace(-1, 1, 80).reshape(10, 8)).item()
        self.model.train()
        return {"held_back": found}

    def result(self) -> dict[str, object]:
        """All but the time it took."""
        weights = b"".join(tensor.numpy().tobytes() for tensor in self.model.state_dict().values())
        best = b"".join(tensor.numpy().tobytes() for tensor in self.loop.best_state("model").values())
        rows = [{k: v for k, v in row.items() if k != "seconds"} for row in self.loop.rows]
        return {"rows": rows, "weights": [hashlib.sha256(part).hexdigest() for part in (weights, best)]}


def killed_after(steps: int, folder: Path) -> int:
    """Start or resume, kill the process once it has done so many steps of its own; the signal it died of."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        small = Small(folder)
        step = small.step

        def told(done: int, rng: np.random.Generator) -> Mapping[str, float]:
            os.write(writing, b".")
            return step(done, rng)

        small.loop.run(told, small.evaluate)
        os._exit(0)
    os.close(writing)
    # one byte a step
    for _ in range(steps):
        os.read(reading, 1)
    os.kill(child, signal.SIGKILL)
    return os.WTERMSIG(os.waitpid(child, 0)[1])


def main() -> None:
    folder, kills, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    torch.set_num_threads(1)
    torch.optim.Adam(nn.Linear(1, 1).parameters()).zero_grad()  # imports much, which the forked parts then have
    chosen = random.Random(seed)
    signals = [killed_after(chosen.randint(5, 25), folder) for _ in range(kills)]
    small = Small(folder)
    begun = small.loop.step
    small.loop.run(small.step, small.evaluate)
    print(json.dumps({"signals": signals, "begun": begun, **small.result()}))


if __name__ == "__main__":
    main()
