"""The registry of metrics: figures that tell whether an explanation is right. No torch when this file is imported.

A new metric here is one more entry below, its function and its test. An installed package adds metrics by entry points
of the group `explain.metrics`, and tests them with `explain.testing.check_metric`.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from explain.methods.kind import Need
from explain.plugins import Registry

if TYPE_CHECKING:
    from torch import nn

Evidence = Literal["map", "mask", "frames", "pixels", "classifier", "autoencoder", "generator"]
_COMPUTE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


@dataclass(frozen=True)
class Subject:
    """One explanation, and what is known about its case. A metric gets at least what it needs.

    map: float32 (H, W). mask: bool (H, W), true inside the finding, in the model's field of view. frames: float32
    (F, H, W). pixels: float32 (H, W) in [-1024, 1024], the radiograph as the model sees it. target: output column.
    models: by what they are. record: what the kind kept.
    """

    map: np.ndarray | None = None
    mask: np.ndarray | None = None
    frames: np.ndarray | None = None
    pixels: np.ndarray | None = None
    target: int = 0
    models: Mapping[Need, nn.Module] = field(default_factory=dict)
    record: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Metric:
    """One figure of merit.

    name: its key in rows and exports; title: its heading. needs: what of a Subject it uses; one that needs the mask is
    truth, and shown as such. better: which way is better. source: the paper and its section or equation.
    compute: "package.module:function", imported when it is first used, (Subject) -> a finite number. It raises
    ValueError for a subject that cannot be measured, with what is wrong.
    """

    name: str
    title: str
    needs: tuple[Evidence, ...]
    better: Literal["higher", "lower"]
    source: str
    compute: str

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
        if not _COMPUTE.fullmatch(self.compute):
            raise ValueError(f"the metric {self.name}: compute is {self.compute!r}, not package.module:function")

    def measure(self, subject: Subject) -> float:
        """The figure. Raises ValueError for a subject that lacks what is needed or cannot be measured."""
        for need in self.needs:
            if need not in subject.models and getattr(subject, need, None) is None:
                raise ValueError(f"{self.name} needs the {need}, which is not there")
        module, _, name = self.compute.partition(":")
        function: Callable[[Subject], float] = getattr(importlib.import_module(module), name)
        return float(function(subject))


_OURS = (
    Metric(
        name="iou_at_mask_area",
        title="Overlap with the mask (IoU at its area)",
        needs=("map", "mask"),
        better="higher",
        source="Cohen et al., MIDL 2021, section 3.4",
        compute="explain.evaluate.metrics:compute_iou_at_mask_area",
    ),
    Metric(
        name="missed_at_95",
        title="Share of the mask missed at the 95th percentile",
        needs=("map", "mask"),
        better="lower",
        source="1 - sensitivity of the map's strongest 5 % of pixels, the share that readers are shown",
        compute="explain.evaluate.metrics:compute_missed_at_95",
    ),
)

METRICS: Registry[Metric] = Registry(_OURS, "explain.metrics", Metric)


def metric(name: str) -> Metric:
    """The metric called `name`; a KeyError in words if there is none."""
    if name not in METRICS:
        raise KeyError(f"no metric is called {name!r}; there are {', '.join(METRICS)}")
    return METRICS[name]


def compute_iou_at_mask_area(subject: Subject) -> float:
    from explain.evaluate.localisation import iou_at_mask_area

    return iou_at_mask_area(*_map_and_mask(subject))


def compute_missed_at_95(subject: Subject) -> float:
    from explain.evaluate.localisation import fnr_at_percentiles

    return float(fnr_at_percentiles(*_map_and_mask(subject), [95])[0])


def _map_and_mask(subject: Subject) -> tuple[np.ndarray, np.ndarray]:
    if subject.map is None or subject.mask is None:
        raise ValueError("overlap needs a map and a mask")
    return subject.map, subject.mask
