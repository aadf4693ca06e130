"""The unit of work of precompute: stored images -> the files of explanations. No Django here (units.py).

Reading, computing and encoding overlap. Torch is imported inside.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from explain.errors import said
from explain.images.radiograph import Radiograph
from explain.methods.kind import Value
from explain.methods.kinds import KINDS
from readerstudy.explanations.batch_size import BatchSize
from readerstudy.explanations.computing import Computed, compute
from readerstudy.explanations.encoding import EncodedFile, encode, map_bytes
from readerstudy.explanations.inference import OUT_OF_MEMORY, Done, Failed, Inference, free_memory, is_out_of_memory
from readerstudy.explanations.model_loading import Loaded, MadeOn, ModelNames, held
from readerstudy.explanations.units import StoredImage


@dataclass(frozen=True)
class Wanted:
    """An item: the kinds to render of one prediction. number: who asks knows it by that."""

    number: int
    pathology: str
    kinds: tuple[str, ...]


@dataclass(frozen=True)
class RenderedKind:
    """One explanation. map_npy: float32 (224, 224), or b"". error: why there is none, then nothing else counts."""

    files: list[EncodedFile]
    map_npy: bytes
    record: dict[str, Any]
    seconds: float
    error: str = ""


@dataclass(frozen=True)
class RenderedItem:
    kinds: dict[str, RenderedKind]
    made_on: MadeOn


_Outcome = Done[Wanted, RenderedItem] | Failed[Wanted]
_Made = Mapping[str, Computed | str]  # by kind: what was computed, or why nothing was
_Encoding = dict[str, "Future[RenderedKind]"]


@dataclass(frozen=True)
class _Input:
    wanted: Wanted
    radiograph: Radiograph
    pixels: np.ndarray


@dataclass(frozen=True)
class Rendering:
    """given: kind -> the parameters that are set for it. batch_size 0 means: found by trying."""

    names: ModelNames
    given: Mapping[str, Mapping[str, Value]]
    batch_size: int = 0

    def over(
        self, items: Sequence[Wanted], load: Callable[[Wanted], StoredImage]
    ) -> Iterator[list[Done[Wanted, RenderedItem] | Failed[Wanted]]]:
        models = held(self.names)
        made_on, batch = models.made_on(), BatchSize.of_device(models.device, self.batch_size)
        loop = Inference[Wanted, _Input, tuple[Radiograph, _Made]](
            lambda wanted: _read(wanted, load(wanted)),
            lambda inputs: self._compute(inputs, models, batch),
            batch,
            alike=self.alike,
        )
        with ThreadPoolExecutor(2, "encode") as encoders:
            waiting: list[Done[Wanted, _Encoding] | Failed[Wanted]] = []
            for group in loop.run(items):
                yield _encoded(waiting, made_on)  # the batch before was encoded while this one was computed
                waiting = [one if isinstance(one, Failed) else _begin(one, encoders) for one in group]
            yield _encoded(waiting, made_on)

    def alike(self, item: Wanted) -> Hashable:
        return item.kinds

    def _compute(self, inputs: list[_Input], models: Loaded, batch: BatchSize) -> list[tuple[Radiograph, _Made]]:
        """For inputs whose items want the same kinds. Raises where memory does not hold several, for the loop to
        halve the batch."""
        made = self._made(inputs, inputs[0].wanted.kinds, models, batch)
        return [(item.radiograph, one) for item, one in zip(inputs, made, strict=True)]

    def _made(self, inputs: list[_Input], kinds: Sequence[str], models: Loaded, batch: BatchSize) -> Sequence[_Made]:
        """Kinds are computed together, as they share work; if that fails, one by one, and one that fails, image by
        image: what cannot be computed spoils nothing else."""
        try:
            return self._together(inputs, kinds, models, batch.size)
        except Exception as error:  # a package's kind may fail in any way
            short = is_out_of_memory(error)
            if short and len(inputs) > 1:
                raise
            why = OUT_OF_MEMORY if short else said(error)
        batch.repeats()
        if short:  # outside of `except`: the error's traceback would keep the tensors that filled the memory
            free_memory()
        if len(kinds) > 1:
            alone = [self._made(inputs, [kind], models, batch) for kind in kinds]
            return [{kind: one for part in parts for kind, one in part.items()} for parts in zip(*alone, strict=True)]
        if len(inputs) > 1:
            return [one for item in inputs for one in self._made([item], kinds, models, batch)]
        return [dict.fromkeys(kinds, why)]

    def _together(self, inputs: list[_Input], kinds: Sequence[str], models: Loaded, batch_size: int) -> Sequence[_Made]:
        return compute(
            np.stack([item.pixels for item in inputs]),
            [item.wanted.pathology for item in inputs],
            kinds,
            models.classifier,
            models.autoencoder,
            lambda kind: self.given[kind.name],
            models.device,
            batch_size,
            models.generator,
        )


def _read(wanted: Wanted, image: StoredImage) -> _Input:
    picture = image.radiograph()
    return _Input(wanted, picture, picture.model_input())


def _begin(one: Done[Wanted, tuple[Radiograph, _Made]], encoders: ThreadPoolExecutor) -> Done[Wanted, _Encoding]:
    radiograph, computed = one.output
    return Done(one.item, {kind: encoders.submit(_encode, kind, made, radiograph) for kind, made in computed.items()})


def _encode(kind: str, made: Computed | str, radiograph: Radiograph) -> RenderedKind:
    if isinstance(made, str):
        return RenderedKind([], b"", {}, 0.0, made)
    try:
        files = encode(KINDS[kind].shows, made, radiograph)
    except Exception as error:  # UnusableMap: an error, never a picture; or what a package's kind recorded is no curve
        return RenderedKind([], b"", {}, made.seconds, said(error))
    frames = {} if made.frames is None else {"frames": len(made.frames)}
    return RenderedKind(files, b"" if made.map is None else map_bytes(made.map), made.record | frames, made.seconds)


def _encoded(waiting: list[Done[Wanted, _Encoding] | Failed[Wanted]], made_on: MadeOn) -> list[_Outcome]:
    return [
        one
        if isinstance(one, Failed)
        else Done(one.item, RenderedItem({kind: future.result() for kind, future in one.output.items()}, made_on))
        for one in waiting
    ]
