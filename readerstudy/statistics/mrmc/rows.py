"""What an MRMC analysis of one question says, row by row.

A number that does not exist is NaN or infinity here, and null in results.json. Differences are first - second method.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from readerstudy.statistics.mrmc.components import Components
from readerstudy.statistics.mrmc.estimates import Estimate
from readerstudy.statistics.mrmc.obuchowski_rockette import Inference
from readerstudy.statistics.mrmc.power import Pilot, PowerRow
from readerstudy.statistics.mrmc.roc import MethodCurves
from readerstudy.statistics.mrmc.ustat import UStatEstimate

Pair = tuple[str, str]


@dataclass(frozen=True)
class DifferenceRow:
    """Two methods compared by Obuchowski-Rockette; df is inf where distribution is "normal"."""

    method_a: str
    method_b: str
    contrast: str
    difference: float
    se: float
    distribution: str
    df: float
    p_value: float
    ci_low: float
    ci_high: float

    @classmethod
    def of(cls, pair: Pair, found: Estimate) -> DifferenceRow:
        return cls(pair[0], pair[1], " - ".join(pair), found.value, *_uncertainty(found))


@dataclass(frozen=True)
class MethodRow:
    """The reader-averaged AUC of one method."""

    method: str
    auc: float
    se: float
    distribution: str
    df: float
    p_value: float
    ci_low: float
    ci_high: float

    @classmethod
    def of(cls, method: str, found: Estimate) -> MethodRow:
        return cls(method, found.value, *_uncertainty(found))


@dataclass(frozen=True)
class ReaderRow:
    """The AUC of one reader with one method, the cases being the sample; not clipped to [0, 1]."""

    method: str
    reader: str
    auc: float
    se: float
    distribution: str
    df: float
    p_value: float
    ci_low: float
    ci_high: float

    @classmethod
    def of(cls, method: str, reader: str, found: Estimate) -> ReaderRow:
        return cls(method, reader, found.value, *_uncertainty(found))


def _uncertainty(found: Estimate) -> tuple[float, str, float, float, float, float]:
    distribution = "normal" if np.isinf(found.df) else "t"
    return found.se, distribution, found.df, found.p_value, found.ci_low, found.ci_high


@dataclass(frozen=True)
class ModeResult:
    """One inference mode: test ("F" or "chi-square") that all methods are equal, every pair, every method."""

    test: str
    statistic: float
    df1: int
    df2: float
    p_value: float
    differences: tuple[DifferenceRow, ...]
    methods: tuple[MethodRow, ...]

    @classmethod
    def of(cls, found: Inference) -> ModeResult:
        return cls(
            "chi-square" if np.isinf(found.df2) else "F",
            found.statistic,
            found.df1,
            found.df2,
            found.p_value,
            difference_rows(found.differences),
            tuple(MethodRow.of(name, estimate) for name, estimate in found.methods.items()),
        )


def difference_rows(found: Mapping[Pair, Estimate]) -> tuple[DifferenceRow, ...]:
    return tuple(DifferenceRow.of(pair, estimate) for pair, estimate in found.items())


@dataclass(frozen=True)
class ClusteredResult(ModeResult):
    """The primary mode once more with patients as clusters."""

    n_clusters: int
    components: Components

    @classmethod
    def of_clusters(cls, found: Inference, n_clusters: int, components: Components) -> ClusteredResult:
        mode = ModeResult.of(found)
        return cls(**vars(mode), n_clusters=n_clusters, components=components)


@dataclass(frozen=True)
class UStatDifference:
    """Two methods compared by the U-statistic; p_value and interval are those with BDG degrees of freedom."""

    method_a: str
    method_b: str
    contrast: str
    difference: float
    variance: float
    df_bdg: float
    p_value: float
    ci_low: float
    ci_high: float
    p_normal: float
    df_hillis: float | None
    p_hillis: float | None

    @classmethod
    def of(cls, pair: Pair, found: UStatEstimate) -> UStatDifference:
        return cls(pair[0], pair[1], " - ".join(pair), found.value, found.variance, *_interval(found))


@dataclass(frozen=True)
class UStatMethod:
    """The pooled AUC of one method; p_value and interval are those with BDG degrees of freedom."""

    method: str
    auc: float
    variance: float
    df_bdg: float
    p_value: float
    ci_low: float
    ci_high: float
    p_normal: float
    df_hillis: float | None
    p_hillis: float | None

    @classmethod
    def of(cls, method: str, found: UStatEstimate) -> UStatMethod:
        return cls(method, found.value, found.variance, *_interval(found))


def _interval(found: UStatEstimate) -> tuple[float, float, float, float, float, float | None, float | None]:
    bdg, hillis = found.bdg, found.hillis
    by_hillis = (None, None) if hillis is None else (hillis.df, hillis.p_value)
    return bdg.df, bdg.p_value, bdg.ci_low, bdg.ci_high, found.normal.p_value, *by_hillis


@dataclass(frozen=True)
class UStatResult:
    """The one-shot U-statistic of one question."""

    variance: str
    differences: tuple[UStatDifference, ...]
    methods: tuple[UStatMethod, ...]


@dataclass(frozen=True)
class PrimaryResult:
    """What counts: the mode (or "ustat"), for whom it speaks, and its answer as a sentence."""

    mode: str
    scope: str
    auc: dict[str, float]
    p_value: float | None
    differences: tuple[DifferenceRow, ...] | tuple[UStatDifference, ...]
    at_var_tr_zero: ModeResult | None
    sentence: str


@dataclass(frozen=True)
class MarginRow:
    """One aim (non-inferiority or superiority) of a new method over the reference; see margins.MarginTest."""

    new: str
    reference: str
    scope: str
    var_tr_set_to_zero: bool
    aim: str
    bound: float
    gain: float
    ci_low: float
    p_value: float
    df: float
    shown: bool


@dataclass(frozen=True)
class PowerTable:
    """Power by readers and cases for one true difference in AUC."""

    effect: float
    rows: tuple[PowerRow, ...]


@dataclass(frozen=True)
class PowerResult:
    """Power of the next study from this one's components."""

    mode: str
    alpha: float
    target: float
    cases: tuple[int, ...]
    pilot: Pilot
    tables: tuple[PowerTable, ...]


@dataclass(frozen=True)
class QuestionResult:
    """Everything MRMC about one question; what could not be computed is None and a sentence in warnings says why."""

    question: str
    covariance: str
    alpha: float
    methods: tuple[str, ...] = ()
    readers: tuple[str, ...] = ()
    n_positive: int = 0
    n_negative: int = 0
    auc: dict[str, dict[str, float]] | None = None  # by method and reader
    auc_intervals: tuple[ReaderRow, ...] | None = None
    components: Components | None = None
    random_readers: ModeResult | None = None
    fixed_readers: ModeResult | None = None
    fixed_cases: ModeResult | None = None
    per_reader: dict[str, tuple[DifferenceRow, ...]] | None = None
    ustat: UStatResult | None = None
    primary: PrimaryResult | None = None
    margin: tuple[MarginRow, ...] | None = None
    clustered: ClusteredResult | None = None
    roc: tuple[MethodCurves, ...] | None = None
    power: PowerResult | None = None
    warnings: tuple[str, ...] = ()
