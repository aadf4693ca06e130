"""What a metric declares, and the Subject it measures. No torch when this file is imported."""

from __future__ import annotations

import importlib
import math
import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args

import numpy as np

from explain.methods.kind import Need, Value

if TYPE_CHECKING:
    from torch import nn

    from explain.methods.contract import Result

Evidence = Literal[
    "map", "mask", "frames", "pixels", "signed", "confounder", "render", "classifier", "autoencoder", "generator"
]
Group = Literal["localisation", "faithfulness", "completeness", "sanity", "robustness", "counterfactual", "other"]
PublishedTable = Literal["", "overlap", "percentiles"]
TRUTH: frozenset[Evidence] = frozenset({"mask", "confounder"})  # what only those who may see truth are shown
Render = Callable[[np.ndarray, Mapping[Need, "nn.Module"]], "Sequence[Result]"]
Shared = TypeVar("Shared")
_COMPUTE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


@dataclass(frozen=True)
class Subject:
    """One explanation, and what is known about its case. A metric gets at least what it needs.

    map: float32 (H, W). mask: bool (H, W), true inside the finding, in the model's field of view. frames: float32
    (F, H, W), ascending lambda. pixels: float32 (H, W) in [-1024, 1024], the radiograph as the model sees it. target:
    output column. models: by what they are. record: what the kind kept.
    signed: float32 (H, W), how much the prediction rises per unit of each pixel, of kinds that say so (Result.signed).
    confounder: bool (H, W), true on a known thing that only goes with the finding.
    render: (pixels (N, H, W), models) -> N Results, the kind's own computation with the parameters and target of this
    explanation; see explain.evaluate.subjects.Renderer. batch_size: images per pass of a model; bounds memory.
    of_image: what was made once for this image, target and models, whichever explanation is measured: see `once`.
    """

    map: np.ndarray | None = None
    mask: np.ndarray | None = None
    frames: np.ndarray | None = None
    pixels: np.ndarray | None = None
    target: int = 0
    models: Mapping[Need, nn.Module] = field(default_factory=dict)
    record: Mapping[str, Any] = field(default_factory=dict)
    signed: np.ndarray | None = None
    confounder: np.ndarray | None = None
    render: Render | None = None
    batch_size: int = 8
    of_image: dict[Hashable, Any] = field(default_factory=dict, compare=False, repr=False)
    _shared: dict[Hashable, Any] = field(default_factory=dict, init=False, compare=False, repr=False)

    def once(self, key: Hashable, make: Callable[[], Shared], *, of_image: bool = False) -> Shared:
        """What `make` gives, made once whichever metric asks first; `key` says what it depends on.

        of_image: it depends on image, target and models alone, so that all explanations of these share it.
        """
        kept = self.of_image if of_image else self._shared
        if key not in kept:
            kept[key] = make()
        made: Shared = kept[key]
        return made

    def array(self, name: Literal["map", "mask", "frames", "pixels", "signed", "confounder"]) -> np.ndarray:
        """The array of that name; ValueError if it is not there."""
        found: np.ndarray | None = getattr(self, name)
        if found is None:
            raise ValueError(f"the {name} is not there")
        return found


@dataclass(frozen=True)
class Metric:
    """One figure of merit.

    name: its key in rows and exports; title: its heading. needs: what of a Subject it uses; one that needs the mask or
    the confounder is truth, and shown as such. better: which way is better. source: the paper and its section or
    equation. compute: "package.module:function", imported when it is first used, (Subject, **parameters) -> a finite
    number. It raises ValueError for a subject that cannot be measured, with what is wrong.
    parameters: constants given to the function; they belong to what was measured. records: keys of the kind's record
    that it reads; a kind without them is not measured. group: the question it belongs to. version: raise it when the
    same subject may give another figure. passes: images through the classifier for one subject, renders: times the kind
    is computed again, about: both tell what it will cost. table: the published table that `python -m explain.evaluate`
    repeats with it, beside the table of all metrics.
    """

    name: str
    title: str
    needs: tuple[Evidence, ...]
    better: Literal["higher", "lower"]
    source: str
    compute: str
    parameters: Mapping[str, Value] = field(default_factory=dict, hash=False)
    records: tuple[str, ...] = ()
    group: Group = "other"
    version: int = 1
    passes: int = 0
    renders: int = 0
    table: PublishedTable = ""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", self.name):
            raise ValueError(f"the metric's name {self.name!r} must be small letters, digits and _ (at most 40)")
        if not self.title.strip() or not self.source.strip():
            raise ValueError(f"the metric {self.name} needs a title and a source")
        if unknown := set(self.needs) - set(get_args(Evidence)):
            raise ValueError(
                f"{self.name} needs {', '.join(sorted(unknown))}; there are {', '.join(get_args(Evidence))}"
            )
        if self.better not in ("higher", "lower"):
            raise ValueError(f"the metric {self.name}: better is {self.better!r}, neither higher nor lower")
        if self.group not in get_args(Group):
            raise ValueError(f"the metric {self.name}: no group {self.group!r}; there are {', '.join(get_args(Group))}")
        if not _COMPUTE.fullmatch(self.compute):
            raise ValueError(f"the metric {self.name}: compute is {self.compute!r}, not package.module:function")

    @property
    def truth(self) -> bool:
        """Whether its values tell what is in the picture."""
        return bool(TRUTH & set(self.needs))

    def lacks(self, subject: Subject) -> list[str]:
        """What it needs and the subject has not; empty if it can be measured."""
        missing = [
            str(need) for need in self.needs if need not in subject.models and getattr(subject, need, None) is None
        ]
        return missing + [f"record's {key}" for key in self.records if subject.record.get(key) is None]

    def measure(self, subject: Subject) -> float:
        """The figure. Raises ValueError for a subject that lacks what is needed or cannot be measured."""
        if missing := self.lacks(subject):
            raise ValueError(f"{self.name} needs the {' and the '.join(missing)}, not there")
        module, _, name = self.compute.partition(":")
        function: Callable[..., float] = getattr(importlib.import_module(module), name)
        value = float(function(subject, **self.parameters))
        if not math.isfinite(value):
            raise ValueError(f"{self.name} is {value}: nothing can be said about this subject")
        return value
