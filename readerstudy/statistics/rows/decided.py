"""Rows of what a plan may ask beside the primary test: decisions, confidence, planned comparisons, times, subgroups."""

from __future__ import annotations

from dataclasses import dataclass, field

from readerstudy.statistics.calibration import CalibrationResult
from readerstudy.statistics.mrmc.contrasts import ContrastRow as PlannedRow
from readerstudy.statistics.mrmc.contrasts import Omnibus
from readerstudy.statistics.mrmc.decisions import Decisions
from readerstudy.statistics.reading_time import ReadingTimeModel
from readerstudy.statistics.rows.comparisons import RepeatedAgreement


@dataclass(frozen=True)
class QuestionDecisions:
    """Trust in right and wrong predictions by one question's threshold; found is None where note says why."""

    question: str
    threshold: float
    found: Decisions | None
    note: str | None = None


@dataclass(frozen=True)
class QuestionCalibration:
    """Whether the confidence stated by one question's answers is borne out; found is None where note says why."""

    question: str
    found: CalibrationResult | None
    note: str | None = None


@dataclass(frozen=True)
class QuestionRepeats:
    """Agreement of readers with themselves on one question, where they answered the same thing in two reads."""

    question: str
    rows: list[RepeatedAgreement]


@dataclass(frozen=True)
class PlannedComparisons:
    """Three or more methods: the test that all are equal, and the comparisons that the plan names (new - reference).

    endpoint: "score TP", "score FP", "auc", "sensitivity", "specificity" or "accuracy"; scope: for whom they speak.
    """

    question: str
    endpoint: str
    scope: str | None
    omnibus: Omnibus | None
    rows: list[PlannedRow] = field(default_factory=list)
    note: str | None = None


@dataclass(frozen=True)
class ReadingTime:
    """The model of reading times, and how many times were left out because they cannot be; see reading_time."""

    source: str | None
    n: int
    negative: int = 0
    too_short: int = 0
    too_long: int = 0
    past_server: int = 0
    before_images: int = 0
    model: ReadingTimeModel | None = None
    note: str | None = None


@dataclass(frozen=True)
class SubgroupRow:
    """The primary comparison (new - reference, in points) in one group of examples or readers."""

    group: str
    n_pairs: int
    n_readers: int
    n_patients: int
    difference: float | None = None
    ci: list[float] | None = None
    p_value: float | None = None
    note: str | None = None


@dataclass(frozen=True)
class SubgroupResult:
    """A subgroup of the plan. statistic is F on df1 and df2 of the interaction: that the difference is the same in all.

    interaction: of two groups, the second's difference less the first's. speaks_for: what was taken as a sample.
    """

    by: str
    question: str
    truth: str
    new: str
    reference: str
    rows: list[SubgroupRow] = field(default_factory=list)
    interaction: float | None = None
    interaction_ci: list[float] | None = None
    statistic: float | None = None
    df1: int | None = None
    df2: float | None = None
    p_value: float | None = None
    speaks_for: str | None = None
    note: str | None = None


@dataclass(frozen=True)
class MissingRow:
    """The primary result under one way of dealing with answers that are missing or excluded.

    scenario: "planned", "excluded answers put back" or "worst case"; filled: answers beside the planned ones.
    """

    scenario: str
    filled: int
    n_pairs: int
    difference: float | None = None
    ci: list[float] | None = None
    p_value: float | None = None
    note: str | None = None
