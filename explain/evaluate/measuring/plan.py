"""What is to be measured, and what is found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from explain.evaluate.measuring.sources import Problem
from explain.evaluate.metrics import METRICS


@dataclass(frozen=True)
class Plan:
    """models, kinds, tasks, metrics: names; no tasks: all that have masks. sample: images of each task. auc_sample:
    images for the AUC. randomisation, robustness, redrawing: images of each task, of each task, and in all, for the
    curves of randomised models, of noise and blur, and the autoencoder's effect on predictions. generator: path of the
    map generator's folder, for kinds that need one."""

    models: tuple[str, ...]
    kinds: tuple[str, ...]
    tasks: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    sample: int = 80
    auc_sample: int = 2048
    randomisation: int = 0
    robustness: int = 0
    redrawing: int = 80
    only_true_positives: bool = False
    seed: int = 0
    batch_size: int = 8
    device: str = "cpu"
    generator: str = ""


@dataclass(frozen=True)
class Value:
    """One figure. level: of a curve's point, the share of layers, noise or blur."""

    model: str
    task: str
    image: str
    kind: str
    metric: str
    value: float
    level: float | None = None


@dataclass(frozen=True)
class Redrawn:
    """One image's prediction before and after redrawing, with its label."""

    model: str
    task: str
    image: str
    label: bool
    before: float
    after: float


@dataclass
class Found:
    """values: of metrics; curves: points of randomisation, noise and blur. auc: (model, task) -> (AUC, positives,
    negatives). patients: image -> patient, where known. say: told what goes on."""

    values: list[Value] = field(default_factory=list)
    curves: list[Value] = field(default_factory=list)
    redrawn: list[Redrawn] = field(default_factory=list)
    auc: dict[tuple[str, str], tuple[float, int, int]] = field(default_factory=dict)
    patients: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    say: Callable[[str], None] = lambda text: None


def default_metrics() -> tuple[str, ...]:
    """Localisation, completeness, counterfactual, and faithfulness with the fill blur: what computes no kind again."""
    return tuple(
        name
        for name, metric in METRICS.items()
        if not metric.renders
        and (metric.group != "faithfulness" or metric.parameters.get("fill", "blur") == "blur")
        and "confounder" not in metric.needs
    )
