"""Three and four methods: the test that all are equal, and only those comparisons that the plan names.

A plan names pairs, or a control that every other method is compared with, and may call one pair primary. The primary
one is tested at the plan's level as it is. The others named are adjusted for each other (Holm 1979, Scand. J. of
Statistics 6, 65), all of them where none is primary. What the plan does not name is not tested and counts for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from readerstudy.statistics.adjusted import holm
from readerstudy.statistics.mrmc.data import MRMCError
from readerstudy.statistics.mrmc.estimates import Estimate
from readerstudy.statistics.mrmc.margins import reversed_estimate
from readerstudy.statistics.mrmc.obuchowski_rockette import Inference


@dataclass(frozen=True)
class PlannedContrast:
    """One comparison the plan names: a new method against a reference."""

    new: str
    reference: str
    primary: bool = False


@dataclass(frozen=True)
class PlannedContrasts:
    """The comparisons the plan names. Raises MRMCError when they contradict each other."""

    named: tuple[PlannedContrast, ...]

    def __post_init__(self) -> None:
        pairs = [frozenset((one.new, one.reference)) for one in self.named]
        if not pairs:
            raise MRMCError("The plan names no comparison of methods.")
        if any(len(pair) < 2 for pair in pairs):
            raise MRMCError("The plan compares a method with itself.")
        if len(set(pairs)) < len(pairs):
            raise MRMCError("The plan names a comparison of methods twice.")
        if sum(one.primary for one in self.named) > 1:
            raise MRMCError("The plan calls more than one comparison primary: only one can be.")

    @classmethod
    def against(cls, control: str, methods: Sequence[str], primary: str | None = None) -> PlannedContrasts:
        """Every other method against a control; primary is the method whose comparison decides. Raises MRMCError."""
        others = [name for name in methods if name != control]
        for name in (control, *([primary] if primary else [])):
            if name not in methods:
                raise MRMCError(f"The plan names the method {name}; there are {', '.join(methods)}.")
        if primary == control:
            raise MRMCError("The control cannot be compared with itself.")
        return cls(tuple(PlannedContrast(name, control, name == primary) for name in others))


@dataclass(frozen=True)
class ContrastRow:
    """new - reference; p_adjusted is p_value for the primary one, else Holm's over family_size comparisons."""

    new: str
    reference: str
    primary: bool
    gain: float
    se: float
    df: float
    ci_low: float
    ci_high: float
    p_value: float
    p_adjusted: float
    family_size: int


@dataclass(frozen=True)
class Omnibus:
    """The test that all methods are equal: F, or chi-square on df1 where df2 is inf."""

    statistic: float
    df1: int
    df2: float
    p_value: float


@dataclass(frozen=True)
class Contrasts:
    """Result of contrasts; intervals are of each comparison alone, at level 1 - alpha."""

    omnibus: Omnibus | None
    rows: tuple[ContrastRow, ...]

    @property
    def primary(self) -> ContrastRow | None:
        return next((row for row in self.rows if row.primary), None)


def contrasts(
    differences: Mapping[tuple[str, str], Estimate], planned: PlannedContrasts, *, omnibus: Inference | None = None
) -> Contrasts:
    """The planned comparisons among differences (first - second, of all pairs, as analyses give them).

    differences: `Inference.differences` of obuchowski_rockette in the planned mode, or the `estimate` of each
    difference of ustat. omnibus: the Inference they are of. Raises MRMCError for a method that was not analysed.
    """
    found = [_gain(differences, one) for one in planned.named]
    secondary = [i for i, one in enumerate(planned.named) if not one.primary and np.isfinite(found[i].p_value)]
    adjusted = [one.p_value for one in found]
    if secondary:
        for i, p in zip(secondary, holm([adjusted[i] for i in secondary]), strict=True):
            adjusted[i] = float(p)
    rows = tuple(
        ContrastRow(
            one.new, one.reference, one.primary, gain.value, gain.se, gain.df, gain.ci_low, gain.ci_high, gain.p_value,
            p, 1 if one.primary else len(secondary),
        )
        for one, gain, p in zip(planned.named, found, adjusted, strict=True)
    )  # fmt: skip
    overall = omnibus and Omnibus(omnibus.statistic, omnibus.df1, omnibus.df2, omnibus.p_value)
    return Contrasts(overall if isinstance(overall, Omnibus) else None, rows)


def _gain(differences: Mapping[tuple[str, str], Estimate], one: PlannedContrast) -> Estimate:
    if (one.new, one.reference) in differences:
        return differences[one.new, one.reference]
    if (one.reference, one.new) in differences:
        return reversed_estimate(differences[one.reference, one.new])
    known = ", ".join(dict.fromkeys(name for pair in differences for name in pair))
    raise MRMCError(f"The plan compares {one.new} with {one.reference}, but the methods analysed are {known}.")
