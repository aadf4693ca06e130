"""Random effects of readers, patients, cases and their combinations, solved without the large matrix they span.

Spherical effects b ~ N(0, I) enter the linear predictor as Z Lambda b, Lambda = diag(standard deviations). All fits
need H = I + Lambda Z' W Z Lambda for weights W of single answers. The factor with the most levels (often reader x case,
with thousands) has a diagonal block in H, so it is eliminated and only the Schur complement of the others is factored.

An answer has one level of each factor, so a row of Z is known by its levels' numbers, and every product with Z is a sum
over levels (np.bincount): matrices of scipy.sparse take longer to make than such sums do, thousands of times in a fit.

Reference: Bates, Maechler, Bolker & Walker 2015 (J. Statistical Software 67(1)), sections 3 and 5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from readerstudy.statistics.scores.data import Floats

Codes = NDArray[np.int64]


@dataclass(frozen=True)
class RandomEffects:
    """Which level of each factor an answer belongs to, and how much of that level's effect it has.

    names: factors, the eliminated one last, the others called small; factor: (small levels,) index into names.
    """

    names: tuple[str, ...]
    factor: Codes
    codes: Codes  # (answers, small factors) which of the small levels
    values: Floats  # (answers, small factors) what multiplies that level's effect
    last_codes: Codes  # (answers,)
    last_values: Floats

    @property
    def n_levels(self) -> Codes:
        """(factors,) number of levels."""
        counts = np.bincount(self.factor, minlength=len(self.names))
        counts[-1] = self.n_last
        return counts

    @cached_property
    def n_last(self) -> int:
        return int(self.last_codes.max()) + 1

    def of_answers(self, top: Floats, bottom: Floats) -> Floats:
        """Z (top, bottom), (answers,), from the effect of each small level and of each level of the last factor."""
        return np.asarray((self.values * top[self.codes]).sum(axis=1) + self.last_values * bottom[self.last_codes])

    def of_levels(self, x: Floats) -> tuple[Floats, Floats]:
        """Z' x of the small levels and of the last factor's, for x (answers,) or (answers, columns)."""
        columns = x[:, None] if x.ndim == 1 else x[:, None, :]
        small = (columns * (self.values if x.ndim == 1 else self.values[:, :, None])).reshape(-1, *x.shape[1:])
        last = (x.T * self.last_values).T
        return sums(self.codes.ravel(), small, len(self.factor)), sums(self.last_codes, last, self.n_last)

    @cached_property
    def own_cells(self) -> tuple[Codes, Codes, Codes]:
        """Pairs of small levels of an answer: factors, the higher first, and (answers x pairs,) cells in a matrix."""
        higher, lower = np.tril_indices(self.values.shape[1])  # a later factor has the higher levels
        return higher, lower, (self.codes[:, higher] * len(self.factor) + self.codes[:, lower]).ravel()

    @cached_property
    def coupling(self) -> tuple[Codes, Codes, Codes]:
        """Where small levels meet levels of the last factor: rows and columns, by column; (answers x small,) which."""
        size = max(len(self.factor), 1)
        met, which = np.unique((self.last_codes[:, None] * size + self.codes).ravel(), return_inverse=True)
        return met % size, met // size, which.astype(np.int64)

    @cached_property
    def meetings(self) -> tuple[Codes, Codes, Codes, Codes]:
        """Pairs of couplings in one column, the one of the higher row first; that column, and the cell of both rows."""
        rows, columns, _ = self.coupling
        of_column = np.bincount(columns, minlength=self.n_last)
        partners = of_column[columns]
        first = np.repeat(np.arange(len(rows)), partners)
        turn = np.arange(len(first)) - np.repeat(np.cumsum(partners) - partners, partners)  # 0, 1, ... of each first
        second = (np.cumsum(of_column) - of_column)[columns[first]] + turn
        kept = rows[first] >= rows[second]
        first, second = first[kept], second[kept]
        return first, second, columns[first], rows[first] * len(self.factor) + rows[second]


def random_effects(
    factors: Mapping[str, NDArray[np.generic]], slopes: Mapping[str, Floats] | None = None
) -> RandomEffects:
    """From the level of each answer in each factor; slopes gives, for a factor, what multiplies its effect (else 1)."""
    slopes = slopes or {}
    numbered = {}
    for name, labels in factors.items():
        levels, codes = np.unique(np.asarray(labels), return_inverse=True)
        numbered[name] = len(levels), codes.astype(np.int64), np.asarray(slopes.get(name, np.ones(len(codes))), float)
    *small, last = sorted(numbered, key=lambda name: numbered[name][0])  # a stable sort: ties keep their order
    sizes = np.array([numbered[name][0] for name in small], dtype=np.int64)
    before = np.cumsum(sizes) - sizes
    shape = len(numbered[last][1]), len(small)
    codes = np.array([numbered[name][1] for name in small], dtype=np.int64).T.reshape(shape) + before
    values = np.array([numbered[name][2] for name in small]).T.reshape(shape)
    factor = np.repeat(np.arange(len(small)), sizes)
    return RandomEffects((*small, last), factor, codes, values, *numbered[last][1:])


@dataclass(frozen=True)
class Grams:
    """Z'WZ in parts: small (small, small), its lower triangle; coupling, where levels meet; last, the diagonal."""

    small: Floats
    coupling: Floats  # (couplings,)
    last: Floats  # (last,)


def grams(effects: RandomEffects, weights: Floats | None = None) -> Grams:
    """For weights (answers,); 1 without any."""
    size, (rows, _, which) = len(effects.factor), effects.coupling
    values, last = effects.values, effects.last_values
    weighted = values if weights is None else values * weights[:, None]
    higher, lower, cells = effects.own_cells
    small = sums(cells, (weighted[:, higher] * values[:, lower]).ravel(), size * size).reshape(size, size)
    squares = last**2 if weights is None else last**2 * weights
    coupling = sums(which, (weighted * last[:, None]).ravel(), len(rows))
    return Grams(small, coupling, sums(effects.last_codes, squares, effects.n_last))


@dataclass(frozen=True)
class Solver:
    """H of one set of weights and standard deviations, factored.

    d: (last,) the diagonal block of the last factor; b: (couplings,) what couples the others to it; chol: (small,
    small) lower factor of the Schur complement.
    """

    effects: RandomEffects
    d: Floats
    b: Floats
    chol: Floats

    @property
    def log_determinant(self) -> float:
        return float(2 * np.log(np.diag(self.chol)).sum() + np.log(self.d).sum())

    def solve(self, top: Floats, bottom: Floats) -> tuple[Floats, Floats]:
        """H^-1 (top, bottom), each (levels,) or (levels, columns): small factors and the last one."""
        rows, columns, _ = self.effects.coupling
        x, rest = top, (bottom.T / self.d).T
        if len(top):
            met = (rest[columns].T * self.b).T
            x = self._top(top - sums(rows, met, len(top)))
        back = sums(columns, (x[rows].T * self.b).T, len(self.d))
        return x, rest - (back.T / self.d).T

    def _top(self, right: Floats) -> Floats:
        """The Schur complement's inverse times right, by LAPACK itself: cho_solve checks longer than it solves."""
        return np.asarray(linalg.lapack.dpotrs(self.chol, right, lower=1)[0])

    def variances(self, sd: Floats) -> tuple[Floats, Floats, Floats]:
        """diag(H^-1) of the small levels and of the last factor's, and diag(Z Lambda H^-1 Lambda Z') of each answer."""
        effects, (rows, columns, _) = self.effects, self.effects.coupling
        small = len(self.chol)
        if not small:
            last = 1 / self.d
            return np.zeros(0), last, (sd[-1] * effects.last_values) ** 2 * last[effects.last_codes]
        inverse = self._top(np.eye(small))
        ratio = self.b / self.d[columns]  # B D^-1
        starts = np.flatnonzero(np.diff(columns, prepend=-1))
        pulled = np.add.reduceat(inverse[:, rows] * ratio, starts, axis=1)  # S^-1 B D^-1, (small, last)
        last = 1 / self.d + sums(columns, ratio * pulled[rows, columns], len(self.d))
        own = effects.values * sd[effects.factor][effects.codes]
        own_last = sd[-1] * effects.last_values
        among = np.einsum("ai,aij,aj->a", own, inverse[effects.codes[:, :, None], effects.codes[:, None, :]], own)
        between = (own * pulled[effects.codes, effects.last_codes[:, None]]).sum(axis=1)
        return np.diag(inverse), last, among - 2 * own_last * between + own_last**2 * last[effects.last_codes]


def factored(effects: RandomEffects, parts: Grams, sd: Floats) -> Solver:
    """H for standard deviations sd (factors,), in the order of effects.names."""
    scale = sd[effects.factor]
    rows = effects.coupling[0]
    d = 1 + sd[-1] ** 2 * parts.last
    b = parts.coupling * scale[rows] * sd[-1]
    schur = np.eye(len(scale)) + scale[:, None] * parts.small * scale[None, :]
    first, second, column, cells = effects.meetings
    met = sums(cells, b[first] * b[second] / d[column], schur.size)
    chol = np.linalg.cholesky(schur - met.reshape(schur.shape))  # which reads the lower triangle only
    return Solver(effects, d, b, np.asarray(chol, dtype=np.float64))


def sums(index: Codes, values: Floats, n: int) -> Floats:
    """(n,) or (n, columns): sums of values (k,) or (k, columns) with the same index (k,)."""
    if values.ndim == 1:
        return np.asarray(np.bincount(index, values, n), dtype=np.float64)
    return np.stack([np.bincount(index, column, n) for column in values.T], axis=1)
