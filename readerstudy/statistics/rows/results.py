"""Everything that an analysis says."""

from __future__ import annotations

from dataclasses import dataclass, field

from readerstudy.statistics.mrmc.rows import QuestionResult
from readerstudy.statistics.plan import AnalysisPlan
from readerstudy.statistics.rows.about import FactSection, Question
from readerstudy.statistics.rows.comparisons import (
    AgreementRow,
    ContrastRow,
    CrossoverRow,
    ModelRow,
    OrdinalRow,
    PairedRow,
    PeriodRow,
    ScoreRow,
)
from readerstudy.statistics.rows.decided import (
    MissingRow,
    PlannedComparisons,
    QuestionCalibration,
    QuestionDecisions,
    QuestionRepeats,
    ReadingTime,
    SubgroupResult,
)
from readerstudy.statistics.rows.descriptions import Alignment, Flow, Localisation, MeanRow, ScoreCount, Timing
from readerstudy.statistics.rows.measures import Measures

# Of the fields below. 1: results without a version. 2: the same rows. 3: tests of mean scores; paired.design_effect is
# exact, and verdicts speak for whom the plan's test does. 4: measures.
RESULTS_VERSION = 4


@dataclass(frozen=True, kw_only=True)
class Results:
    """results.json. The fields are explained in docs/analysis.md; `stored` writes and reads them."""

    results_version: int = RESULTS_VERSION
    study: str
    simulated: bool
    plan: AnalysisPlan
    plan_fixed_at: str | None
    design: list[tuple[str, str]]
    data_sha256: str | None
    methods: dict[str, str]
    kinds: dict[str, list[str]]
    kind_titles: dict[str, str] = field(default_factory=dict)
    questions: dict[str, Question]
    not_asked: list[tuple[str, str]] = field(default_factory=list)
    flow: Flow
    paired: list[PairedRow]
    score_tests: list[ScoreRow] = field(default_factory=list)
    ordinal: list[OrdinalRow] = field(default_factory=list)
    agreement: list[AgreementRow]
    contrasts: list[ContrastRow]
    crossover: list[CrossoverRow]
    periods: list[PeriodRow]
    models: list[ModelRow]
    mrmc: list[QuestionResult]
    scores: list[ScoreCount]
    means: list[MeanRow]
    timing: Timing
    localisation: Localisation
    alignment: Alignment = field(default_factory=Alignment)
    measures: Measures = field(default_factory=Measures)
    sensitivity: dict[str, float | None]
    exclusions: list[str]
    looks: list[str]
    versions: dict[str, str]
    reopenings: list[str] = field(default_factory=list)
    facts: list[FactSection] = field(default_factory=list)
    decisions: list[QuestionDecisions] = field(default_factory=list)
    calibration: list[QuestionCalibration] = field(default_factory=list)
    repeated: list[QuestionRepeats] = field(default_factory=list)
    planned: list[PlannedComparisons] = field(default_factory=list)
    reading_time: ReadingTime | None = None
    subgroups: list[SubgroupResult] = field(default_factory=list)
    missing: list[MissingRow] = field(default_factory=list)
    deviations: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    answer: str = ""
