"""Linear mixed model with random intercepts of any crossed factors, by REML or ML, with Satterthwaite's df.

y = X beta + sum_k Z_k u_k + e, u_k ~ N(0, var_k I), e ~ N(0, residual I). With random intercepts only it speaks for the
readers in it: a method effect that differs between readers is not in the model.

References: Bates et al. 2015 (J. Statistical Software 67(1)); Kuznetsova, Brockhoff & Christensen 2017 (J. Statistical
Software 82(13)); Satterthwaite 1946 (Biometrics Bulletin 2, 110).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import optimize

from readerstudy.statistics.plan import AnalysisError
from readerstudy.statistics.scores.data import Floats
from readerstudy.statistics.scores.effects import Grams, RandomEffects, factored, grams
from readerstudy.statistics.scores.results import t_upper

LARGEST_RATIO = 1e5  # of a random effect's variance to the residual's
FLAT = 1e-3  # eigenvalue of the scaled curvature below which the likelihood has no single peak
NOTHING = 1e-7  # a ratio below it is zero: the component lies on its boundary


@dataclass(frozen=True)
class Term:
    """A coefficient with standard error, Satterthwaite's df and two-sided p against 0."""

    name: str
    estimate: float
    se: float
    df: float
    p_value: float


@dataclass(frozen=True)
class LinearFit:
    """variances: of each random factor; criterion: -2 log (restricted) likelihood; singular: some variance is 0."""

    terms: tuple[Term, ...]
    covariance: Floats  # (terms, terms)
    variances: dict[str, float]
    residual: float
    criterion: float
    reml: bool

    @property
    def singular(self) -> bool:
        return min(self.variances.values()) == 0

    def term(self, name: str) -> Term:
        return next(term for term in self.terms if term.name == name)


@dataclass(frozen=True)
class _Solved:
    beta: Floats
    unscaled: Floats  # (X' V^-1 X)^-1 at residual variance 1
    squares: float  # weighted residual sum of squares
    log_h: float


@dataclass(frozen=True)
class _Model:
    """The data, reduced to what every evaluation of the likelihood needs."""

    effects: RandomEffects
    parts: Grams
    top: Floats  # Z'[x y] of the small factors
    bottom: Floats  # and of the last one
    cross: Floats  # [x y]'[x y]
    n: int
    reml: bool

    def solved(self, ratios: Floats) -> _Solved:
        solver = factored(self.effects, self.parts, ratios)
        top, bottom = self.top * ratios[self.effects.factor][:, None], self.bottom * ratios[-1]
        x_top, x_bottom = solver.solve(top, bottom)
        cross = self.cross - top.T @ x_top - bottom.T @ x_bottom
        unscaled = np.linalg.inv(cross[:-1, :-1])
        beta = unscaled @ cross[:-1, -1]
        return _Solved(beta, unscaled, float(cross[-1, -1] - cross[:-1, -1] @ beta), solver.log_determinant)

    @property
    def degrees(self) -> int:
        return self.n - (len(self.cross) - 1 if self.reml else 0)

    def deviance(self, ratios: Floats, residual: float | None = None) -> float:
        """-2 log (restricted) likelihood, at its best residual variance or the one given."""
        found, n = self.solved(ratios), self.degrees
        fixed = -float(np.linalg.slogdet(found.unscaled)[1]) if self.reml else 0.0
        s2 = found.squares / n if residual is None else residual
        deviance: float = found.log_h + fixed + n * np.log(2 * np.pi * s2) + found.squares / s2
        return deviance


def fit_linear(y: Floats, x: Floats, names: tuple[str, ...], effects: RandomEffects, *, reml: bool = True) -> LinearFit:
    """Fit y (answers,) on x (answers, terms).

    Raises AnalysisError where x is singular, y leaves no residual, or the variances cannot be told apart.
    """
    if np.linalg.matrix_rank(x) < x.shape[1]:
        raise AnalysisError(f"The effects of {', '.join(names)} cannot be told apart in these answers.")
    both = np.column_stack([x, y]).astype(float)
    model = _Model(effects, grams(effects), *effects.of_levels(both), both.T @ both, len(both), reml)
    start = np.full(len(effects.names), 0.5)
    if model.solved(start).squares < 1e-12 * max(1.0, float(y @ y)):
        raise AnalysisError("The answers do not vary: there is nothing to model.")
    best = optimize.minimize(  # of variance ratios: in standard deviations the slope at the boundary is always 0
        lambda squares: model.deviance(np.sqrt(squares)), start, method="L-BFGS-B", jac="3-point",
        bounds=[(0, LARGEST_RATIO)] * len(start), options={"ftol": 1e-14, "gtol": 1e-6, "maxiter": 500},
    )  # fmt: skip
    ratios = _polished(model, np.sqrt(np.where(best.x < NOTHING, 0.0, best.x)))
    found = model.solved(ratios)
    residual = found.squares / model.degrees
    df = _satterthwaite(model, ratios, residual)
    se = np.sqrt(residual * np.diag(found.unscaled))
    terms = tuple(
        Term(name, float(b), float(s), float(f), 2 * t_upper(abs(float(b / s)), float(f)))
        for name, b, s, f in zip(names, found.beta, se, df, strict=True)
    )
    variances = {name: float(residual * ratio**2) for name, ratio in zip(effects.names, ratios, strict=True)}
    return LinearFit(terms, residual * found.unscaled, variances, residual, model.deviance(ratios), reml)


def _polished(model: _Model, ratios: Floats) -> Floats:
    """Two Newton steps on the ratios that are not zero: the optimiser's numeric gradient stops short of 1e-6."""
    free = ratios > 0

    def at(values: Floats) -> float:
        full = ratios.copy()
        full[free] = values
        return model.deviance(full)

    values = ratios[free]
    for _ in range(2):
        gradient, hessian = _derivatives(at, values)
        if len(values) == 0 or np.linalg.eigvalsh(hessian).min() <= 0:
            break
        step = np.linalg.solve(hessian, gradient)
        if (np.abs(step) > 0.1 * values).any() or at(values - step) > at(values) + 1e-9:
            break
        values = values - step
    full = ratios.copy()
    full[free] = values
    return full


def _satterthwaite(model: _Model, ratios: Floats, residual: float) -> Floats:
    """(terms,) 2 Var(b)^2 / variance of Var(b), from the likelihood's curvature in the components above zero."""
    free = ratios > 0
    at_best = np.append(ratios[free], np.sqrt(residual))

    def parts(values: Floats) -> tuple[Floats, float]:
        full = ratios.copy()
        full[free] = values[:-1]
        return full, float(values[-1]) ** 2

    def deviance(values: Floats) -> float:
        full, s2 = parts(values)
        return model.deviance(full, s2)

    def variances(values: Floats) -> Floats:
        full, s2 = parts(values)
        return s2 * np.diag(model.solved(full).unscaled)

    _, hessian = _derivatives(deviance, at_best)
    _refuse_flat(hessian, [name for name, above in zip(model.effects.names, free, strict=True) if above])
    spread = 2 * np.linalg.inv(hessian)
    steps = 1e-4 * np.maximum(at_best, 1e-2)
    slopes = np.stack(
        [
            (variances(at_best + move) - variances(at_best - move)) / (2 * step)
            for move, step in zip(np.diag(steps), steps, strict=True)
        ]
    )  # fmt: skip
    degrees: Floats = 2 * variances(at_best) ** 2 / np.einsum("at,ab,bt->t", slopes, spread, slopes)
    return degrees


def _refuse_flat(hessian: Floats, factors: list[str]) -> None:
    """Raise AnalysisError where the likelihood is flat along some mix of the components: degrees of freedom would be
    any number, also a negative one. Where it is not, the smallest eigenvalue of the scaled curvature is above 0.1 in
    simulated studies; rounding leaves some 1e-5 of a zero.
    """
    size = np.sqrt(np.maximum(np.diag(hessian), 0))
    values, vectors = np.linalg.eigh(hessian / np.maximum(np.outer(size, size), 1e-300))
    if size.min() == 0 or values[0] < FLAT:
        mixed = [name for name, part in zip(factors, vectors[:, 0]) if abs(part) > 0.1] or factors
        raise AnalysisError(f"How much answers vary by {', '.join(mixed)} cannot be told apart: too few readers.")


def _derivatives(f: Callable[[Floats], float], at: Floats) -> tuple[Floats, Floats]:
    """Gradient and Hessian by central differences, extrapolated once (Richardson)."""
    coarse, fine = (_central(f, at, size) for size in (2e-3, 1e-3))
    return (4 * fine[0] - coarse[0]) / 3, (4 * fine[1] - coarse[1]) / 3


def _central(f: Callable[[Floats], float], at: Floats, size: float) -> tuple[Floats, Floats]:
    n = len(at)
    steps = size * np.maximum(at, 1e-1)
    here = f(at)
    moves = np.diag(steps)
    up, down = np.array([f(at + m) for m in moves]), np.array([f(at - m) for m in moves])
    hessian = np.zeros((n, n))
    for i in range(n):
        hessian[i, i] = (up[i] - 2 * here + down[i]) / steps[i] ** 2
        for j in range(i):
            both = f(at + moves[i] + moves[j]) + f(at - moves[i] - moves[j])
            mixed = f(at + moves[i] - moves[j]) + f(at - moves[i] + moves[j])
            hessian[i, j] = hessian[j, i] = (both - mixed) / (4 * steps[i] * steps[j])
    return (up - down) / (2 * steps), hessian
