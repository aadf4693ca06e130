"""Power of a study from a pilot's success moments, for studies that are crossed, split plot or unpaired (as iMRMC).

Nothing is assumed about how readers and cases vary but that they do as in the pilot. A share (sensitivity, specificity,
accuracy) has readers and cases, an AUC readers, positives and negatives.

References: Gallas & Brown 2008 (Neural Networks 21, 387); Obuchowski, Gallas & Hillis 2012 (Academic Radiology 19,
1508).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from scipy import stats

from readerstudy.statistics.mrmc.data import FloatArray, MRMCError
from readerstudy.statistics.mrmc.moments import Moments


@dataclass(frozen=True)
class Layout:
    """A planned study of two methods: how many readers and cases see each method, and what the methods share.

    readers: in all. cases: in all, (positives, negatives) for an AUC, (cases of the class,) for a share. groups: 1, or
    the number of blocks in a split plot, where readers and cases are dealt out evenly and each block of readers reads
    its own cases. paired_readers, paired_cases: the methods share them (else each method has one half).
    """

    readers: int
    cases: tuple[int, ...]
    groups: int = 1
    paired_readers: bool = True
    paired_cases: bool = True

    @property
    def block(self) -> tuple[int, ...]:
        """Readers and cases (per class) of one block with one method."""
        halves = (self.paired_readers, *[self.paired_cases] * len(self.cases))
        sizes = zip((self.readers, *self.cases), halves, strict=True)
        return tuple(size // self.groups // (1 if paired else 2) for size, paired in sizes)

    @property
    def reads(self) -> int:
        """Reads of one case by one reader with one method, in all."""
        readers, *cases = self.block
        return 2 * self.groups * readers * sum(cases)


@dataclass(frozen=True)
class SizedPower:
    """Power of a planned study: two-sided test of a difference of the methods with BDG degrees of freedom."""

    variance: float
    se: float
    df: float
    power: float


def sized_power(
    pilot: Moments,
    layout: Layout,
    effect: float,
    *,
    alpha: float = 0.05,
    variance: str = "unbiased",
    methods: tuple[int, int] = (0, 1),
) -> SizedPower:
    """Chance that the planned study finds a true difference `effect`, from a pilot's moments (ustat(...).moments).

    The power is that of the non-central F(1, df) test with non-centrality effect^2 / variance. methods: which two of
    the pilot's. Raises MRMCError for a layout that cannot be, or where the unbiased variance comes out as zero or less.
    """
    chosen = np.ix_(range(len(pilot.unbiased)), methods, methods)
    planned = replace(
        pilot,
        values=pilot.values[list(methods)],
        unbiased=pilot.unbiased[chosen],
        biased=pilot.biased[chosen],
        coefficients=coefficients(layout, len(pilot.factors) - 1),
    )
    contrast = np.array([1.0, -1.0])
    var = float(contrast @ planned.covariance(variance) @ contrast)
    if var <= 0:
        raise MRMCError(
            "The pilot's unbiased variance of the difference is zero or less in such a study: size it with the biased "
            'one (variance "mle").'
        )
    df = planned.bdg_df(var, contrast)
    shift = abs(effect) / np.sqrt(var)
    reach = stats.t.isf(alpha / 2, df)
    power = float(stats.nct.sf(reach, df, shift) + stats.nct.sf(reach, df, -shift))
    return SizedPower(var, float(np.sqrt(var)), df, power)


def coefficients(layout: Layout, case_factors: int) -> FloatArray:
    """(2 ** factors, 2, 2): the share of pairs of successes that share exactly each set of factors, all first.

    Within a block, m levels of a factor that both methods share give m equal and m (m - 1) different pairs; a factor
    they do not share gives m m different ones. Successes of different blocks share nothing.
    """
    _check(layout, case_factors)
    sizes = layout.block
    paired = [layout.paired_readers, *([layout.paired_cases] * case_factors)]
    blocks = float(np.prod(sizes))
    found = np.zeros((2 ** (1 + case_factors), 2, 2))
    for index, differ in enumerate(product((False, True), repeat=1 + case_factors)):
        own = _pairs(sizes, [True] * len(sizes), differ)
        across = _pairs(sizes, paired, differ)
        found[index] = [[own, across], [across, own]]
    found *= layout.groups
    found[-1] += layout.groups * (layout.groups - 1) * blocks**2
    return found / (layout.groups * blocks) ** 2


def _pairs(sizes: Sequence[int], shared: Sequence[bool], differ: Sequence[bool]) -> float:
    """Pairs of successes of one block that differ in exactly the factors of `differ`."""
    total = 1.0
    for size, together, other in zip(sizes, shared, differ, strict=True):
        total *= (size * (size - 1) if other else size) if together else (size * size if other else 0)
    return total


def _check(layout: Layout, case_factors: int) -> None:
    if len(layout.cases) != case_factors:
        wanted = "(positives, negatives)" if case_factors == 2 else "(cases,)"
        raise MRMCError(f"The numbers of cases must be {wanted}, not {layout.cases}.")
    parts = [layout.groups * (1 if shared else 2) for shared in (layout.paired_readers, layout.paired_cases)]
    if layout.groups < 1 or layout.readers % parts[0] or any(size % parts[1] for size in layout.cases):
        raise MRMCError(
            f"{layout.readers} readers and {' and '.join(map(str, layout.cases))} cases cannot be dealt out evenly to "
            f"{layout.groups} block(s) and to methods that do not share them."
        )
    if layout.groups == 1 and min(layout.block) < 2:
        raise MRMCError("A study needs at least two readers and two cases of each class with each method.")
