"""The training loop of every model: checkpoints, going on after a kill, a log with its curve, early stop. Torch.

A training is a folder. `checkpoint.pt` is the whole state (models, optimisers, random numbers, the log), replaced in
one go; `curve.csv` and `curve.png` are the log; `best.pt` has the weights at the best value watched. Killed at any
moment and resumed, the training goes on from the last checkpoint to the same result: exactly on a CPU, as far as the
operations allow on a GPU.
"""

from __future__ import annotations

import csv
import io
import json
import logging
import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import torch
from torch import nn

from explain.render.line_chart import line_chart

log = logging.getLogger(__name__)
CHECKPOINT, BEST, LOG, CURVE = "checkpoint.pt", "best.pt", "curve.csv", "curve.png"

Row = dict[str, float]
Step = Callable[[int, np.random.Generator], Mapping[str, float]]
Say = Callable[[str], object]


class TrainingError(RuntimeError):
    """A training cannot start or go on; the message says why, what is kept and what to do."""


class HasState(Protocol):
    """A model, an optimiser, a schedule of the learning rate."""

    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state_dict: dict[str, Any], /) -> Any: ...


class Loop:
    """Runs `steps` steps. What a step does is the caller's: it updates the parts and returns its figures.

    folder: made where it is missing. parts: name -> all that has a state, optimisers and schedules included.
    settings: what must be the same when the training is resumed; fit for JSON. log_every, save_every: in steps.
    watch: the logged figure that says which weights are best; better: which way. patience: stop after so many log rows
    without a better one, 0: never. keep: the parts whose weights `best.pt` has. resume: go on where the folder's
    checkpoint is, or start where there is none; without it a folder that has a checkpoint is refused.
    Raises TrainingError.
    """

    def __init__(
        self,
        folder: Path,
        steps: int,
        parts: Mapping[str, HasState],
        *,
        settings: Mapping[str, Any] | None = None,
        seed: int = 0,
        log_every: int = 50,
        save_every: int = 50,
        watch: str = "",
        better: Literal["lower", "higher"] = "lower",
        patience: int = 0,
        keep: Sequence[str] = (),
        resume: bool = False,
        say: Say = log.info,
    ) -> None:
        self.folder, self.steps, self.parts, self.say = folder, steps, parts, say
        self.settings = json.loads(json.dumps(settings or {}))
        self.log_every, self.save_every = log_every, save_every
        self.watch, self.better, self.patience, self.keep = watch, better, patience, tuple(keep)
        self.rng = np.random.default_rng(seed)
        self.step, self.saved_step, self.seconds = 0, 0, 0.0
        self.rows: list[Row] = []
        self.best, self.best_step, self.rows_since_best = math.nan, 0, 0
        self._sums: Row = {}
        self._begin(resume)

    def run(self, step: Step, evaluate: Callable[[], Mapping[str, float]] = dict) -> Loop:
        """Train to the end, or until no better value has come for long.

        step: (number of steps done, the loop's random numbers) -> its figures, e.g. losses; the log has their means
        since the row before. It draws from that generator and from torch's, nothing else. evaluate: figures on data
        held back, for each row of the log. Raises TrainingError for a figure or weight that is no number, and for a
        full disk; the last checkpoint stays.
        """
        now, first = time.monotonic(), self.step
        while self.step < self.steps and not self.stopped_early:
            self._add(step(self.step, self.rng))
            self.step += 1
            self.seconds, now = self.seconds + time.monotonic() - now, time.monotonic()
            if self.step % self.log_every == 0 or self.step == self.steps:
                self._record(evaluate())
                self._tell(self.seconds / self.step)
            if self.step % self.save_every == 0:
                self.save()
        if self.step > max(self.saved_step, first):
            self.save()
        return self

    @property
    def stopped_early(self) -> bool:
        return bool(self.patience) and self.rows_since_best >= self.patience

    def best_state(self, part: str) -> dict[str, Any]:
        """The weights of a kept part where the watched figure was best; as they are now if nothing is watched."""
        if not (self.folder / BEST).is_file():
            return self.parts[part].state_dict()
        state: dict[str, Any] = torch.load(self.folder / BEST, weights_only=True, map_location="cpu")[part]
        return state

    def save(self) -> None:
        """Replace the checkpoint, in one go. TrainingError if a weight is no number or the disk is full."""
        for name, part in self.parts.items():
            if isinstance(part, nn.Module) and not all(bool(p.isfinite().all()) for p in part.parameters()):
                raise self._spoiled(f"a weight of the {name}")
        state = {
            "parts": {name: part.state_dict() for name, part in self.parts.items()},
            "settings": json.dumps(self.settings),
            "torch": torch.get_rng_state(),
            "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
            "numpy": json.dumps(self.rng.bit_generator.state),
            "log": json.dumps([self.rows, self._sums]),
            "best": json.dumps([self.best, self.best_step, self.rows_since_best]),
            "progress": json.dumps([self.step, self.seconds]),
        }
        self._write(CHECKPOINT, _packed(state))
        self.saved_step = self.step

    def _begin(self, resume: bool) -> None:
        path = self.folder / CHECKPOINT
        if not path.exists():
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise TrainingError(f"the folder {self.folder} cannot be made: {error.strerror}") from error
            (self.folder / BEST).unlink(missing_ok=True)
            return
        if not resume:
            raise TrainingError(f"{self.folder} has a training already: go on with --resume, or name another folder")
        try:
            state = torch.load(path, weights_only=True, map_location="cpu")
            settings = json.loads(state["settings"])
        except Exception as error:  # a damaged file fails in many ways
            raise TrainingError(f"{path} cannot be read as a checkpoint: start in a new folder ({error})") from error
        if settings != self.settings:
            other = [key for key in {**settings, **self.settings} if settings.get(key) != self.settings.get(key)]
            was = ", ".join(f"{key} {settings.get(key)!r}" for key in other)
            raise TrainingError(f"{self.folder} was begun with {was}: resume with the same, or name another folder")
        self._restore(state)
        self.say(f"Going on from step {self.step:,} of {self.steps:,}.")

    def _restore(self, state: dict[str, Any]) -> None:
        for name, part in self.parts.items():
            part.load_state_dict(state["parts"][name])
        torch.set_rng_state(state["torch"])
        if torch.cuda.is_available() and len(state["cuda"]) == torch.cuda.device_count():
            torch.cuda.set_rng_state_all(state["cuda"])
        self.rng.bit_generator.state = json.loads(state["numpy"])
        self.rows, self._sums = json.loads(state["log"])
        self.best, self.best_step, self.rows_since_best = json.loads(state["best"])
        self.step, self.seconds = json.loads(state["progress"])
        self.saved_step = self.step

    def _add(self, figures: Mapping[str, float]) -> None:
        for name, value in figures.items():
            if not math.isfinite(value):
                raise self._spoiled(f"the figure {name}")
            self._sums[name] = self._sums.get(name, 0.0) + float(value)

    def _spoiled(self, what: str) -> TrainingError:
        step, kept = self.step + 1, self._kept()
        return TrainingError(
            f"{what} is no number any more at step {step:,}; {kept}: train again, with a lower learning rate"
        )

    def _kept(self) -> str:
        return f"the checkpoint of step {self.saved_step:,} is kept" if self.saved_step else "nothing is saved yet"

    def _record(self, evaluated: Mapping[str, float]) -> None:
        """A row of the log: means since the one before, and figures on data held back."""
        since = self.step - (int(self.rows[-1]["step"]) if self.rows else 0)
        means = {name: total / since for name, total in self._sums.items()}
        row: Row = {"step": self.step, "seconds": round(self.seconds, 1), **means, **evaluated}
        self.rows.append(row)
        self._sums = {}
        self._look_for_best(row)
        text = io.StringIO()
        writer = csv.DictWriter(text, list(dict.fromkeys(key for one in self.rows for key in one)))
        writer.writeheader()
        writer.writerows(self.rows)
        self._write(LOG, text.getvalue().encode())
        self._write(CURVE, line_chart(self.rows, "step", leave_out=("seconds",)))

    def _look_for_best(self, row: Row) -> None:
        if self.watch not in row:
            return
        value = row[self.watch]
        sign = 1.0 if self.better == "higher" else -1.0
        if math.isnan(self.best) or sign * value > sign * self.best:
            self.best, self.best_step, self.rows_since_best = value, self.step, 0
            self._write(BEST, _packed({name: self.parts[name].state_dict() for name in self.keep}))
        else:
            self.rows_since_best += 1

    def _tell(self, seconds_a_step: float) -> None:
        figures = ", ".join(f"{k} {v:.4g}" for k, v in self.rows[-1].items() if k not in ("step", "seconds"))
        left = duration((self.steps - self.step) * seconds_a_step)
        self.say(f"step {self.step:,} of {self.steps:,}, {left} left: {figures}")

    def _write(self, name: str, content: bytes) -> None:
        try:
            write_whole(self.folder / name, content)
        except OSError as error:
            path, why = self.folder / name, error.strerror
            raise TrainingError(
                f"{path} cannot be written ({why}); {self._kept()}: make room, then go on with --resume"
            ) from error


def write_whole(path: Path, content: bytes) -> None:
    """Replace a file in one go: it has the old content or the new one, whatever happens. Raises OSError."""
    half = path.with_name(path.name + ".part")
    try:
        with half.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        half.replace(path)
    except OSError:
        half.unlink(missing_ok=True)
        raise


def precision(device: torch.device) -> AbstractContextManager[Any]:
    """Mixed precision (bfloat16 where it is safe) on a GPU; plain float32 on a CPU, where it does not pay."""
    return torch.autocast("cuda", dtype=torch.bfloat16) if device.type == "cuda" else nullcontext()


def seconds_of(work: Callable[[], object], times: int = 2) -> float:
    """Seconds that `work` takes, after a first run that does not count. Torch's random numbers are put back."""
    drawn = torch.get_rng_state()
    work()
    start = time.perf_counter()
    for _ in range(times):
        work()
    torch.set_rng_state(drawn)
    return (time.perf_counter() - start) / times


def duration(seconds: float) -> str:
    """12 s, 5 min, 3.5 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _packed(state: Any) -> bytes:
    """Made in memory first, so that a full disk is met by one ordinary write."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()
