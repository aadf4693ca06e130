"""The contract between a kind of explanation and whoever runs it: a Request in, for each kind and example a Result.

    def compute(request: Request) -> Results

`request.kinds` names what is wanted: one kind, or those of a group that are wanted together. Examples of a batch do not
influence each other, models are left as they were found, device and type follow the input. `explain.testing.check_kind`
tests all this.
"""

from __future__ import annotations

import importlib
import json
import re
import time
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from explain.methods.kind import Kind, Need, Value

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn


Shared = TypeVar("Shared")
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")  # in JSON; databases refuse it


@dataclass(frozen=True)
class Request:
    """A batch to explain.

    kinds: names of the kinds wanted. x: float32 (N, 1, H, W), radiographs in [-1024, 1024]. targets: int64 (N,), the
    classifier's output column to explain for each. models: those that the kinds need. parameters: a value for each
    parameter that the kinds declare. batch_size: images per pass of a model; bounds memory. together: every call made
    for this batch, as (Kind.compute, parameters), so that kinds may share work.
    """

    kinds: tuple[str, ...]
    x: Tensor
    targets: Tensor
    models: Mapping[Need, nn.Module]
    parameters: Mapping[str, Value] = field(default_factory=dict)
    batch_size: int = 8
    together: tuple[tuple[str, Mapping[str, Value]], ...] = ()
    _shared: dict[Hashable, Any] = field(default_factory=dict, compare=False, repr=False)

    def once(self, key: Hashable, make: Callable[[], Shared]) -> Shared:
        """What `make` gives, made once for this batch whichever kind asks first; `key` says all that it depends on."""
        if key not in self._shared:
            self._shared[key] = make()
        made: Shared = self._shared[key]
        return made

    @property
    def device(self) -> torch.device:
        return self.x.device

    @property
    def classifier(self) -> nn.Module:
        """(N, 1, H, W) -> (N, K) probabilities."""
        return self.models["classifier"]

    @property
    def autoencoder(self) -> nn.Module:
        """Has `encode(x)` and `decode(z, (H, W))`."""
        return self.models["autoencoder"]

    @property
    def generator(self) -> nn.Module:
        """(N, 1, H, W) -> what to add, the same shape and unit."""
        return self.models["generator"]


@dataclass(frozen=True)
class Result:
    """One kind for one example.

    map: float32 (H, W) over the model's field of view. frames: float32 (F, H, W) in the model's range. Either or both.
    record: what to keep beside them, fit for JSON: numbers are Python's, and finite; text is without NUL and halves of
    surrogate pairs. What a kind must give follows from what it shows (Kind.shows).
    signed: float32 (H, W), by how much the prediction rises per unit of each pixel, of a kind that can say so; it is
    not stored, and measures may use it.
    """

    map: Tensor | None = None
    frames: Tensor | None = None
    record: Mapping[str, Any] = field(default_factory=dict)
    signed: Tensor | None = None


Results = Mapping[str, Sequence[Result]]
Compute = Callable[[Request], Results]


@dataclass(frozen=True)
class Made:
    """What `explained` gives for one kind: a result for each example, and the seconds of one of them."""

    results: Sequence[Result]
    seconds: float


def stills(
    request: Request,
    maps: Tensor,
    records: Sequence[Mapping[str, Any]] | None = None,
    signed: Sequence[Tensor] | None = None,
) -> Results:
    """What a kind of one map (N, H, W) returns; records, signed: one for each example."""
    columns = zip(maps, records or [{}] * len(maps), signed if signed is not None else [None] * len(maps), strict=True)
    (name,) = request.kinds
    return {name: [Result(one, record=record, signed=rise) for one, record, rise in columns]}


def function_of(kind: Kind) -> Compute:
    """The function that computes a kind. Raises ValueError in words where there is none."""
    module, _, name = kind.compute.partition(":")
    if not module:
        raise ValueError(f"{kind.name} is rendered elsewhere: nothing here computes it")
    try:
        function: Compute = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"{kind.name} cannot be computed: {kind.compute} cannot be imported ({error})") from error
    return function


def explained(
    kinds: Iterable[Kind],
    x: Tensor,
    targets: Tensor,
    models: Mapping[Need, nn.Module],
    parameters: Callable[[Kind], Mapping[str, Value]] = lambda kind: {},
    batch_size: int = 8,
) -> dict[str, Made]:
    """Compute kinds for a batch, those of a group in one call.

    parameters: the values set for a kind; the rest are its defaults. Raises ValueError for a model that is not given
    and for results that break the contract, and whatever a kind raises.
    """
    calls: dict[tuple[str, str], list[Kind]] = {}
    for kind in kinds:
        calls.setdefault((kind.scope, kind.compute), []).append(kind)
        if lacking := [need for need in kind.needs if need not in models]:
            raise ValueError(f"{kind.name} needs a model that is not given: {', '.join(lacking)}")
    values = [{n: v for kind in group for n, v in kind.values(parameters(kind)).items()} for group in calls.values()]
    together = tuple((group[0].compute, given) for group, given in zip(calls.values(), values))
    made: dict[str, Made] = {}
    shared: dict[Hashable, Any] = {}
    for group, given in zip(calls.values(), values):
        names = tuple(kind.name for kind in group)
        request = Request(names, x, targets, models, given, batch_size, together, shared)
        compute, start = function_of(group[0]), time.perf_counter()
        results = compute(request)
        _wait(x.device)
        seconds = (time.perf_counter() - start) / len(x) / len(group)
        for kind in group:
            made[kind.name] = Made(checked_results(kind, results, x), seconds)
    return made


def checked_results(kind: Kind, made: object, x: Tensor) -> Sequence[Result]:
    """The kind's results among what `compute` gave for x, if they are what a kind of this form must give.

    Raises ValueError that names the kind and what is wrong.
    """
    if not isinstance(made, Mapping):
        raise ValueError(f"{kind.name} gave {_type_of(made)}; give a mapping of each kind's name to its results")
    results = made.get(kind.name)
    if not isinstance(results, Sequence):
        raise ValueError(f"{kind.name} gave {_type_of(results)} below its name; give a sequence of results")
    if len(results) != len(x):
        raise ValueError(f"{kind.name} gave {len(results)} results for {len(x)} examples")
    for image, result in zip(x, results):
        _check_result(kind, result, image)
    return results


def _check_result(kind: Kind, result: object, image: Tensor) -> None:
    import torch

    if not isinstance(result, Result):
        raise ValueError(f"{kind.name} gave {_type_of(result)} for an example; give a Result")
    size = tuple(image.shape[-2:])
    for what, tensor, leading in (("map", result.map, 0), ("signed", result.signed, 0), ("frames", result.frames, 1)):
        if tensor is None:
            continue
        if not isinstance(tensor, torch.Tensor):
            raise ValueError(f"{kind.name}: {what} is {_type_of(tensor)}; give a tensor")
        if not tensor.is_floating_point() or tensor.ndim != 2 + leading or tuple(tensor.shape[leading:]) != size:
            raise ValueError(
                f"{kind.name}: {what} is {tensor.dtype} {tuple(tensor.shape)}; give float32, {size} "
                "for a map, one such picture a frame for frames"
            )
    _check_record(kind, result.record, bool(image.isfinite().all()))
    if lacking := _lacks(kind, result):
        raise ValueError(f"{kind.name} shows a {kind.shows}, so each result needs {lacking}")


def _check_record(kind: Kind, record: object, finite: bool) -> None:
    """finite: whether the image is; of one that is not, the record may hold what is not, as its map may."""
    if not isinstance(record, Mapping):
        raise ValueError(f"{kind.name}: the record is {_type_of(record)}; give a mapping")
    for key, value in record.items():
        try:
            written = json.dumps({key: value}, allow_nan=not finite, ensure_ascii=False)
            written.encode()  # refuses halves of surrogate pairs
            if _NUL.search(written):
                raise ValueError("its text has a NUL character")
        except (TypeError, ValueError, RecursionError) as error:
            raise ValueError(f"{kind.name}: {key} of the record is not fit for JSON: {error}") from error


def _type_of(found: object) -> str:
    return "nothing" if found is None else f"an object of the type {type(found).__name__}"


def _lacks(kind: Kind, result: Result) -> str:
    if kind.shows == "still":
        return "" if result.map is not None else "a map"
    if kind.shows == "animation":
        return "" if result.frames is not None else "frames"
    if kind.shows == "flow":
        return "" if result.frames is not None and len(result.frames) == 2 else "two frames: right and down"
    return "" if result.record.get("lambdas") and result.record.get("predictions") else "lambdas and predictions"


def _wait(device: torch.device) -> None:
    """Let a GPU finish, so that the time measured is this kind's."""
    if device.type == "cuda":
        import torch

        torch.cuda.synchronize(device)
