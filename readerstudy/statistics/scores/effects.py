"""Random effects of readers, patients, cases and their combinations, solved without the large matrix they span.

Spherical effects b ~ N(0, I) enter the linear predictor as Z Lambda b, Lambda = diag(standard deviations). All fits
need H = I + Lambda Z' W Z Lambda for weights W of single answers. The factor with the most levels (often reader x case,
with thousands) has a diagonal block in H, so it is eliminated and only the Schur complement of the others is factored.

Reference: Bates, Maechler, Bolker & Walker 2015 (J. Statistical Software 67(1)), sections 3 and 5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse

from readerstudy.statistics.scores.data import Floats


@dataclass(frozen=True)
class RandomEffects:
    """Which level of each factor an answer belongs to, and how much of that level's effect it has.

    names: factors, the eliminated one last; z: (answers, levels of the others); factor: (levels,) index into names;
    last: (answers, levels of the last factor).
    """

    names: tuple[str, ...]
    z: sparse.csr_array
    factor: NDArray[np.int64]
    last: sparse.csr_array

    @property
    def n_levels(self) -> NDArray[np.int64]:
        """(factors,) number of levels."""
        counts = np.bincount(self.factor, minlength=len(self.names))
        counts[-1] = self.last.shape[1]
        return counts


def random_effects(
    factors: Mapping[str, NDArray[np.generic]], slopes: Mapping[str, Floats] | None = None
) -> RandomEffects:
    """From the level of each answer in each factor; slopes gives, for a factor, what multiplies its effect (else 1)."""
    slopes = slopes or {}
    blocks = {}
    for name, labels in factors.items():
        levels, codes = np.unique(np.asarray(labels), return_inverse=True)
        value = np.asarray(slopes.get(name, np.ones(len(codes))), dtype=float)
        blocks[name] = sparse.csr_array((value, (np.arange(len(codes)), codes)), shape=(len(codes), len(levels)))
    names = sorted(blocks, key=lambda name: blocks[name].shape[1])  # a stable sort: ties keep their order
    n = next(iter(blocks.values())).shape[0] if blocks else 0
    small = [blocks[name] for name in names[:-1]]
    z = sparse.csr_array(sparse.hstack(small)) if small else sparse.csr_array((n, 0))
    factor = np.repeat(np.arange(len(small)), [block.shape[1] for block in small])
    return RandomEffects(tuple(names), z, factor.astype(np.int64), blocks[names[-1]])


@dataclass(frozen=True)
class Solver:
    """H of one set of weights and standard deviations, factored.

    d: (last,) the diagonal block of the last factor; b: (small, last) what couples the others to it; chol: (small,
    small) lower factor of the Schur complement.
    """

    d: Floats
    b: sparse.csr_array
    chol: Floats

    @property
    def log_determinant(self) -> float:
        return float(2 * np.log(np.diag(self.chol)).sum() + np.log(self.d).sum())

    def solve(self, top: Floats, bottom: Floats) -> tuple[Floats, Floats]:
        """H^-1 (top, bottom), each (levels,) or (levels, columns): small factors and the last one."""
        scale = self.d if bottom.ndim == 1 else self.d[:, None]
        x = top
        if len(top):
            x = linalg.cho_solve((self.chol, True), top - self.b @ (bottom / scale), check_finite=False)
        return x, (bottom - self.b.T @ x) / scale

    def variances(self, g: sparse.csr_array, e: sparse.csr_array) -> tuple[Floats, Floats, Floats]:
        """diag(H^-1) of the small factors and of the last one, and diag(Z Lambda H^-1 Lambda Z') of each answer.

        g, e: Z Lambda of the small factors and of the last one.
        """
        inverse = linalg.cho_solve((self.chol, True), np.eye(len(self.chol))) if len(self.chol) else self.chol
        ratio = scaled(self.b, None, 1 / self.d)  # B D^-1
        last = 1 / self.d + _quadratic(sparse.csr_array(ratio.T), inverse)
        pull = sparse.csr_array(g - e @ ratio.T)  # what is left of an answer's row after elimination
        return np.diag(inverse), last, _quadratic(pull, inverse) + (e.power(2) @ (1 / self.d))


@dataclass(frozen=True)
class Grams:
    """Z'WZ in parts: small (small, small), coupling (small, last), and last, the diagonal (last,)."""

    small: Floats
    coupling: sparse.csr_array
    last: Floats


def grams(effects: RandomEffects, weights: Floats | None = None) -> Grams:
    """For weights (answers,); 1 without any."""
    z = effects.z if weights is None else scaled(effects.z, weights, None)
    squares = effects.last.power(2)
    last = squares.sum(axis=0) if weights is None else squares.T @ weights
    return Grams((effects.z.T @ z).toarray(), sparse.csr_array(z.T @ effects.last), np.asarray(last))


def factored(effects: RandomEffects, parts: Grams, sd: Floats) -> Solver:
    """H for standard deviations sd (factors,), in the order of effects.names."""
    scale = sd[effects.factor]
    d = 1 + sd[-1] ** 2 * parts.last
    b = scaled(parts.coupling, scale * sd[-1], None)
    schur = np.eye(len(scale)) + scale[:, None] * parts.small * scale[None, :]
    if len(scale):
        schur -= (scaled(b, None, 1 / d) @ b.T).toarray()
    return Solver(d, b, np.asarray(np.linalg.cholesky(schur), dtype=np.float64))


def scaled(matrix: sparse.csr_array, rows: Floats | None, columns: Floats | None) -> sparse.csr_array:
    """diag(rows) matrix diag(columns)."""
    data = matrix.data
    if rows is not None:
        data = data * np.repeat(rows, np.diff(matrix.indptr))
    if columns is not None:
        data = data * columns[matrix.indices]
    return sparse.csr_array((data, matrix.indices, matrix.indptr), shape=matrix.shape)


def _quadratic(rows: sparse.csr_array, inverse: Floats) -> Floats:
    """diag(rows inverse rows')."""
    if not rows.shape[1]:
        return np.zeros(rows.shape[0])
    return np.asarray(rows.multiply(rows @ inverse).sum(axis=1)).ravel()
