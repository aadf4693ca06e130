"""Rows that tell what was read, by whom, in what time, and what was answered; and what the explanations hold."""

from __future__ import annotations

from dataclasses import dataclass, field

from readerstudy.statistics.rows.comparisons import Interval

Identifier = int | str  # of an example


@dataclass(frozen=True)
class ReaderFlow:
    """What one reader did: numbers of reads, examples and answers analysed, and of answers excluded."""

    reader: str
    reads: int
    examples: int
    answers: int
    excluded: int


@dataclass(frozen=True)
class ResponseFlow:
    """Rows of the export by what became of them; one left out is counted once, under the first reason."""

    rows: int
    practice: int
    superseded: int
    excluded: int
    without_score: int
    without_truth: int
    analysed: int
    expected: int


@dataclass(frozen=True)
class PairFlow:
    """Pairs of two methods: with both sides, and lacking one."""

    method_a: str
    method_b: str
    complete: int
    incomplete: int


@dataclass(frozen=True)
class Flow:
    """From the rows of the export to the pairs analysed."""

    readers: list[ReaderFlow]
    n_readers: int
    n_reads: int
    n_examples: int
    n_tp: int
    n_fp: int
    n_patients: int
    n_without_patient_key: int
    n_excluded_examples: int
    responses: ResponseFlow
    pairs: list[PairFlow]


@dataclass(frozen=True)
class ScoreCount:
    """How often a score was given."""

    question: str
    method: str
    truth: str
    pathology: str
    reader: str
    score: float
    n: int


@dataclass(frozen=True)
class MeanRow:
    """Mean score of a pathology, or of all ("overall")."""

    question: str
    method: str
    truth: str
    group: str
    n: int
    mean: float | None
    ci_patient: Interval | None


@dataclass(frozen=True)
class PositionTime:
    """Seconds per example around one position in the read."""

    period: int
    position: float
    n: int
    q1: float
    median: float
    q3: float


@dataclass(frozen=True)
class ReadTime:
    """Seconds per example of one reader's read."""

    reader: str
    period: int
    n: int
    q1: float
    median: float
    q3: float


@dataclass(frozen=True)
class MethodTime:
    """Seconds per example with one method."""

    method: str
    n: int
    q1: float
    median: float
    q3: float


@dataclass(frozen=True)
class Timing:
    """Seconds spent on an example; source: "looking", "visible", "opened_to_answered", None without times."""

    unit: str
    source: str | None
    n_visits: int
    note: str | None = None
    by_position: list[PositionTime] = field(default_factory=list)
    by_read: list[ReadTime] = field(default_factory=list)
    by_method: list[MethodTime] = field(default_factory=list)


@dataclass(frozen=True)
class OverlapPoint:
    """One example and map: overlap with the mask, and the mean score over readers."""

    question: str
    method: str
    kind: str
    example: Identifier
    pathology: str
    iou: float
    mean_score: float


@dataclass(frozen=True)
class OverlapCorrelation:
    """Spearman's correlation of overlap and mean score."""

    question: str
    method: str
    kind: str
    n: int
    rho: float | None = None
    ci: Interval | None = None
    note: str | None = None


@dataclass(frozen=True)
class Localisation:
    """Overlap of maps and masks beside the answers."""

    points: list[OverlapPoint] = field(default_factory=list)
    correlations: list[OverlapCorrelation] = field(default_factory=list)
    note: str | None = None


@dataclass(frozen=True)
class AlignmentPoint:
    """One example and another finding than the explained one, along Latent Shift.

    correlation: of their changes, None where one of them does not change. change: of the other's probability, from the
    unshifted image to the most faded one.
    """

    example: str
    pathology: str
    finding: str
    correlation: float | None
    change: float | None


@dataclass(frozen=True)
class AlignmentRow:
    """Mean correlation over examples; n_constant: examples without one, because one of the two does not change."""

    pathology: str
    finding: str
    n: int
    n_patients: int
    n_constant: int
    mean_correlation: float | None = None
    ci_patient: Interval | None = None
    note: str | None = None


@dataclass(frozen=True)
class Alignment:
    """Which other outputs of the classifier move with the explained one."""

    points: list[AlignmentPoint] = field(default_factory=list)
    rows: list[AlignmentRow] = field(default_factory=list)
    note: str | None = None
