"""Rows of measures: what metrics say of the explanations, beside what readers answered about them."""

from __future__ import annotations

from dataclasses import dataclass, field

from readerstudy.statistics.rows.comparisons import Interval


@dataclass(frozen=True)
class Measure:
    """A metric. better: "higher" or "lower". of_confounder: it says how much lies on what only goes with a finding."""

    name: str
    title: str
    better: str
    source: str
    of_confounder: bool = False


@dataclass(frozen=True)
class MeasureMean:
    """A metric of one kind, over the study's examples of one truth. sd: n - 1; None for a single value."""

    metric: str
    kind: str
    truth: str
    n: int
    n_patients: int
    mean: float | None = None
    sd: float | None = None
    ci_patient: Interval | None = None
    note: str | None = None


@dataclass(frozen=True)
class MeasureCorrelation:
    """Spearman's correlation, over examples, of a metric of one kind with the readers' mean answers to its method."""

    metric: str
    method: str
    kind: str
    question: str
    truth: str
    n: int
    n_patients: int
    rho: float | None = None
    ci_patient: Interval | None = None
    note: str | None = None


@dataclass(frozen=True)
class MeasureOrder:
    """Whether a metric puts the methods in the order of their mean answers, over examples that have both for all.

    by_metric: keys of methods, best first; by_answers: highest mean answer first. same: whether both are one order.
    alike: share of samples of patients in which they are.
    """

    metric: str
    question: str
    truth: str
    n: int
    n_patients: int
    metric_means: dict[str, float] = field(default_factory=dict)
    answer_means: dict[str, float] = field(default_factory=dict)
    by_metric: str = ""
    by_answers: str = ""
    same: bool | None = None
    alike: float | None = None
    note: str | None = None


@dataclass(frozen=True)
class WrongReason:
    """Answers to false positives whose map sits on the confounder, and to those whose map does not.

    difference: mean answer on - off. n_on, n_off: examples.
    """

    question: str
    method: str
    kind: str
    n_on: int
    n_off: int
    mean_on: float | None = None
    mean_off: float | None = None
    difference: float | None = None
    ci_patient: Interval | None = None
    note: str | None = None


@dataclass(frozen=True)
class Measures:
    """What is measured, and how it goes with the answers. outdated, failed: values that are left out for it."""

    metrics: list[Measure] = field(default_factory=list)
    means: list[MeasureMean] = field(default_factory=list)
    correlations: list[MeasureCorrelation] = field(default_factory=list)
    orders: list[MeasureOrder] = field(default_factory=list)
    wrong_reason: list[WrongReason] = field(default_factory=list)
    outdated: int = 0
    failed: int = 0
    note: str | None = None
