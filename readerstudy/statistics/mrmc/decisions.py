"""Whether readers trust predictions that are right and doubt those that are wrong, from decisions or scores.

Truth is whether the prediction is right (1) or wrong (0); a decision is to trust it (1) or not (0). The sensitivity of
trust is the share of right predictions that are trusted, its specificity the share of wrong ones that are not, accuracy
the share of both that are decided rightly. Over-trust is 1 - specificity: agreeing with wrong predictions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from readerstudy.statistics.mrmc.data import MRMCError, ReaderScores
from readerstudy.statistics.mrmc.endpoints import called, successes
from readerstudy.statistics.mrmc.estimates import Estimate, estimate
from readerstudy.statistics.mrmc.obuchowski_rockette import Inference, ObuchowskiRockette, obuchowski_rockette
from readerstudy.statistics.mrmc.rows import DifferenceRow, UStatDifference, difference_rows
from readerstudy.statistics.mrmc.sentences import about_readers, layout_warnings, primary_mode, scope_of
from readerstudy.statistics.mrmc.ustat import UStat, ustat

DECIDED = ("sensitivity", "specificity", "accuracy")


@dataclass(frozen=True)
class ShareRow:
    """A share of decisions of one method, averaged over readers; not clipped to [0, 1]."""

    method: str
    share: float
    se: float
    df: float
    ci_low: float
    ci_high: float

    @classmethod
    def of(cls, method: str, found: Estimate) -> ShareRow:
        return cls(method, found.value, found.se, found.df, found.ci_low, found.ci_high)


@dataclass(frozen=True)
class ReaderShare:
    """right of n decisions of one reader with one method; the interval takes the cases as the sample."""

    method: str
    reader: str
    right: int
    n: int
    share: float
    se: float
    ci_low: float
    ci_high: float


@dataclass(frozen=True)
class SharesInMode:
    """One inference mode: the test that all methods are equal, every pair (first - second), every method."""

    statistic: float
    df1: int
    df2: float
    p_value: float
    differences: tuple[DifferenceRow, ...]
    methods: tuple[ShareRow, ...]

    @classmethod
    def of(cls, found: Inference | None) -> SharesInMode | None:
        if found is None:
            return None
        methods = tuple(ShareRow.of(name, one) for name, one in found.methods.items())
        pairs = difference_rows(found.differences)
        return cls(found.statistic, found.df1, found.df2, found.p_value, pairs, methods)


@dataclass(frozen=True)
class DecisionEndpoint:
    """One endpoint of DECIDED. mode: the one that counts ("ustat" where Obuchowski-Rockette was not possible).

    pooled: the share of all decisions, of the U-statistic, by method.
    """

    endpoint: str
    mode: str | None
    scope: str | None
    readers: tuple[ReaderShare, ...]
    random_readers: SharesInMode | None
    fixed_readers: SharesInMode | None
    fixed_cases: SharesInMode | None
    pooled: dict[str, float]
    ustat: tuple[UStatDifference, ...]
    warnings: tuple[str, ...]

    @property
    def primary(self) -> SharesInMode | None:
        """The mode that counts; None where it is the U-statistic."""
        of_mode = {
            "random_readers": self.random_readers,
            "fixed_readers": self.fixed_readers,
            "fixed_cases": self.fixed_cases,
        }
        return of_mode.get(self.mode or "")


@dataclass(frozen=True)
class OverTrustDifference:
    """Over-trust of a method less that of the control arm, in the primary mode of the specificity."""

    new: str
    reference: str
    difference: float
    se: float
    df: float
    p_value: float
    ci_low: float
    ci_high: float


@dataclass(frozen=True)
class OverTrust:
    """Share of wrong predictions that readers agree with, by method, and against the control arm where there is one."""

    methods: tuple[ShareRow, ...]
    against_control: tuple[OverTrustDifference, ...]


@dataclass(frozen=True)
class Decisions:
    """Result of decisions; threshold is None where the answers were decisions already."""

    threshold: float | None
    covariance: str
    methods: tuple[str, ...]
    endpoints: tuple[DecisionEndpoint, ...]
    over_trust: OverTrust | None

    def endpoint(self, name: str) -> DecisionEndpoint:
        """One of "sensitivity", "specificity" and "accuracy"."""
        return next(found for found in self.endpoints if found.endpoint == name)


def decisions(
    data: ReaderScores,
    *,
    threshold: float | None = None,
    covariance: str | None = None,
    alpha: float = 0.05,
    inference_mode: str = "auto",
    control: str | None = None,
) -> Decisions:
    """Sensitivity, specificity and accuracy of trust by method and reader, with every inference mode and U-statistic.

    data: scores or 0/1 decisions (reader_scores(..., for_auc=False)). threshold: scores from it on trust; None where
    data are decisions. covariance: default "patient_jackknife" where patients have several cases, else "jackknife".
    inference_mode: as in the plan; below 5 readers fixed readers count. control: the method without explanation.
    Raises MRMCError for data that are no decisions, or a control that is no method.
    """
    if control is not None and control not in data.methods:
        raise MRMCError(f"There is no method {control} to be the control; there are {', '.join(data.methods)}.")
    calls = data if threshold is None else called(data, threshold)
    several = data.cluster is not None and np.unique(data.cluster).size < data.truth.size
    kind = covariance or ("patient_jackknife" if several else "jackknife")
    endpoints = tuple(_endpoint(calls, name, kind, alpha, inference_mode) for name in DECIDED)
    specificity = next(found for found in endpoints if found.endpoint == "specificity")
    return Decisions(threshold, kind, data.methods, endpoints, _over_trust(specificity, control))


def _endpoint(
    calls: ReaderScores, endpoint: str, covariance: str, alpha: float, inference_mode: str
) -> DecisionEndpoint:
    warnings = layout_warnings(calls)
    by_ustat = _by_ustat(calls, endpoint, alpha, warnings)
    found = _by_mode(calls, endpoint, covariance, alpha, warnings)
    mode = "ustat" if by_ustat else None
    scope = scope_of("random_readers", len(calls.readers)) if by_ustat else None
    if found:
        mode, reasons = primary_mode(inference_mode, found.fewest_readers)
        scope = scope_of(mode, len(found.readers))
        warnings += reasons + about_readers(found)
    return DecisionEndpoint(
        endpoint,
        mode,
        scope,
        _reader_shares(calls, found) if found else (),
        SharesInMode.of(found.random_readers) if found else None,
        SharesInMode.of(found.fixed_readers) if found else None,
        SharesInMode.of(found.fixed_cases) if found else None,
        dict(by_ustat.values) if by_ustat else {},
        tuple(UStatDifference.of(pair, one) for pair, one in by_ustat.differences.items()) if by_ustat else (),
        tuple(warnings),
    )


def _by_ustat(calls: ReaderScores, endpoint: str, alpha: float, warnings: list[str]) -> UStat | None:
    try:
        return ustat(calls, endpoint=endpoint, alpha=alpha)
    except MRMCError as problem:
        warnings.append(f"The U-statistic was not possible. {problem}")
        return None


def _by_mode(
    calls: ReaderScores, endpoint: str, covariance: str, alpha: float, warnings: list[str]
) -> ObuchowskiRockette | None:
    try:
        return obuchowski_rockette(calls, endpoint=endpoint, covariance=covariance, alpha=alpha)
    except MRMCError as problem:
        warnings.append(f"Obuchowski-Rockette was not possible. {problem}")
        return None


def _reader_shares(calls: ReaderScores, found: ObuchowskiRockette) -> tuple[ReaderShare, ...]:
    right = successes(calls, found.endpoint)
    rows = []
    for m, r in np.argwhere(np.isfinite(found.values)):
        name = found.readers[r]
        own = right[m, calls.readers.index(name)]
        one = estimate(found.values[m, r], float(found.value_covariance[m, r, m, r]), np.inf, found.alpha)
        rows.append(
            ReaderShare(
                found.methods[m], name, int(np.nansum(own)), int(np.isfinite(own).sum()), one.value, one.se,
                one.ci_low, one.ci_high,
            )
        )  # fmt: skip
    return tuple(rows)


def _over_trust(specificity: DecisionEndpoint, control: str | None) -> OverTrust | None:
    primary = specificity.primary
    if primary is None:
        return None
    methods = tuple(
        ShareRow(row.method, 1 - row.share, row.se, row.df, 1 - row.ci_high, 1 - row.ci_low) for row in primary.methods
    )
    against: list[OverTrustDifference] = []
    for row in primary.differences:  # specificity of a - b is over-trust of b - a
        if control is not None and row.method_a == control:
            new, value, low, high = row.method_b, row.difference, row.ci_low, row.ci_high
        elif control is not None and row.method_b == control:
            new, value, low, high = row.method_a, -row.difference, -row.ci_high, -row.ci_low
        else:
            continue
        against.append(OverTrustDifference(new, control, value, row.se, row.df, row.p_value, low, high))
    return OverTrust(methods, tuple(against))
