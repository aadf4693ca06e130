"""What an analysis says: `Results` and its rows, as they stand in results.json, field for field.

None stands where a number cannot be given; the row's `note` says why. A difference is B - A, intervals are [low, high].
No statistics here: the modules that compute make these rows; figures, tables and sentences read them.
"""

from readerstudy.statistics.rows.about import About, FactSection, Question
from readerstudy.statistics.rows.comparisons import (
    AgreementRow,
    ClusteredTest,
    ClusteredTests,
    Comparison,
    ContrastRow,
    CrossoverRow,
    Interval,
    ModelRow,
    PairedRow,
    PairGroup,
    PeriodRow,
    Term,
)
from readerstudy.statistics.rows.descriptions import (
    Alignment,
    AlignmentPoint,
    AlignmentRow,
    Flow,
    Identifier,
    Localisation,
    MeanRow,
    MethodTime,
    OverlapCorrelation,
    OverlapPoint,
    PairFlow,
    PositionTime,
    ReaderFlow,
    ReadTime,
    ResponseFlow,
    ScoreCount,
    Timing,
)
from readerstudy.statistics.rows.results import RESULTS_VERSION, Results

__all__ = [
    "RESULTS_VERSION",
    "About",
    "AgreementRow",
    "Alignment",
    "AlignmentPoint",
    "AlignmentRow",
    "ClusteredTest",
    "ClusteredTests",
    "Comparison",
    "ContrastRow",
    "CrossoverRow",
    "FactSection",
    "Flow",
    "Identifier",
    "Interval",
    "Localisation",
    "MeanRow",
    "MethodTime",
    "ModelRow",
    "OverlapCorrelation",
    "OverlapPoint",
    "PairFlow",
    "PairGroup",
    "PairedRow",
    "PeriodRow",
    "PositionTime",
    "Question",
    "ReadTime",
    "ReaderFlow",
    "ResponseFlow",
    "Results",
    "ScoreCount",
    "Term",
    "Timing",
]
