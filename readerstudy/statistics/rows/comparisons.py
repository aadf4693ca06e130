"""Rows that compare methods and readers."""

from __future__ import annotations

from dataclasses import dataclass, field

from readerstudy.statistics.scores.margins import MarginTest
from readerstudy.statistics.scores.models import ModelFit
from readerstudy.statistics.scores.results import MeanDifference

Interval = list[float]


@dataclass(frozen=True)
class PairGroup:
    """Whose pairs: level and group are ("overall", "overall"), ("pathology", name), ("reader", name) or
    ("order", "A first").
    """

    question: str
    truth: str
    level: str
    group: str
    method_a: str
    method_b: str


@dataclass(frozen=True)
class ClusteredTest:
    """Signed-rank test with clusters; z and p_value are None where clusters are few, p_exact where they are many."""

    n_clusters: int
    z: float | None
    p_value: float | None
    p_exact: float | None


@dataclass(frozen=True)
class ClusteredTests:
    """The same test with three units taken as independent."""

    example: ClusteredTest
    case: ClusteredTest
    patient: ClusteredTest


@dataclass(frozen=True)
class Comparison:
    """Two methods compared over one group of pairs of answers: counts, means, signed-rank test, intervals.

    sd_difference has the divisor n; w is the smaller rank sum, rank_biserial in [-1, 1]; design_effect: variance of the
    mean with patients as clusters over that if pairs were independent. ci_patient_error: Monte Carlo errors of the ends
    of ci_patient. mean_test: the plan's test of mean scores; where it names none, the one proposed for so many readers.
    """

    n_pairs: int
    n_incomplete: int
    n_zero: int
    n_positive: int
    n_negative: int
    n_examples: int
    n_patients: int
    n_readers: int
    mean_a: float | None = None
    mean_b: float | None = None
    mean_difference: float | None = None
    sd_difference: float | None = None
    w: float | None = None
    p_value: float | None = None
    p_exact: float | None = None
    rank_biserial: float | None = None
    ci_example: Interval | None = None
    ci_patient: Interval | None = None
    ci_patient_error: Interval | None = None
    design_effect: float | None = None
    clustered: ClusteredTests | None = None
    mean_test: MeanDifference | None = None
    note: str | None = None


@dataclass(frozen=True)
class PairedRow(Comparison, PairGroup):  # the fields of the last base come first
    """A comparison for one question, truth ("TP", "FP", "all") and group, and its place among the plan's families.

    family, family_size, p_holm and p_bh are None outside every family: that p value is descriptive.
    """

    family: str | None = None
    exploratory: bool = True
    family_size: int | None = None
    p_holm: float | None = None
    p_bh: float | None = None


@dataclass(frozen=True)
class AgreementRow:
    """Agreement between readers on one question, method ("all": all together) and truth, with bootstrap intervals.

    n_units: examples, each with each method, that two readers answered; n_complete: that all did.
    """

    question: str
    method: str
    truth: str
    n_readers: int
    n_units: int
    note: str | None = None
    kappa: float | None = None
    kappa_ci: Interval | None = None
    icc: float | None = None
    icc_ci: Interval | None = None
    alpha: float | None = None
    alpha_ci: Interval | None = None
    exact_agreement: float | None = None
    within_one: float | None = None
    n_complete: int | None = None


@dataclass(frozen=True)
class ContrastRow:
    """The mean difference on true positives minus that on false positives."""

    question: str
    method_a: str
    method_b: str
    contrast: float | None = None
    ci_patient: Interval | None = None
    ci_patient_error: Interval | None = None
    note: str | None = None


@dataclass(frozen=True)
class CrossoverRow:
    """Method and period effects of the two-period crossover."""

    question: str
    truth: str
    method_a: str
    method_b: str
    n_a_first: int
    n_b_first: int
    note: str | None = None
    method_effect: float | None = None
    method_effect_ci: Interval | None = None
    method_effect_ci_error: Interval | None = None
    period_effect: float | None = None
    period_effect_ci: Interval | None = None
    period_effect_ci_error: Interval | None = None


@dataclass(frozen=True)
class PeriodRow:
    """Two methods within one period: different examples, unpaired."""

    question: str
    truth: str
    period: int
    method_a: str
    method_b: str
    n_a: int
    n_b: int
    mean_a: float | None = None
    mean_b: float | None = None
    difference: float | None = None
    ci_patient: Interval | None = None
    ci_patient_error: Interval | None = None
    note: str | None = None


@dataclass(frozen=True)
class Term:
    """A coefficient in points of the scale: `level` of `factor` against `reference`."""

    factor: str
    level: str
    reference: str
    estimate: float
    standard_error: float
    ci: Interval
    p_value: float


@dataclass(frozen=True)
class ModelRow:
    """The model of one question's scores; `terms` is empty where it could not be fitted."""

    question: str
    truth: str
    model: str
    n: int
    n_clusters: int
    correlation: float | None = None
    terms: list[Term] = field(default_factory=list)
    note: str | None = None


@dataclass(frozen=True)
class RepeatedAgreement:
    """One reader's (or "all" readers') agreement between first and second answers to the same thing.

    kappa: quadratic-weighted, None where answers do not vary; shift: mean of second - first, in points.
    """

    reader: str
    n_pairs: int
    kappa: float | None
    kappa_ci: tuple[float, float] | None
    exact: float
    within_one: float
    shift: float


@dataclass(frozen=True)
class ScoreRow:
    """Every test of mean scores that can be made of two methods on all examples of a truth, and what a margin gives.

    counts: name of the one in `tests` that the plan names (or, where it names a rank test or an AUC, would propose);
    margin: of that one, for the primary endpoint's question and truth where its aim has a margin.
    """

    question: str
    truth: str
    method_a: str
    method_b: str
    counts: str
    tests: list[MeanDifference] = field(default_factory=list)
    margin: MarginTest | None = None
    note: str | None = None


@dataclass(frozen=True)
class OrdinalRow:
    """Odds ratios of a higher score by method, one question and truth, for these readers; fit is None where `note`."""

    question: str
    truth: str
    fit: ModelFit | None = None
    note: str | None = None
