"""Cumulative logit model of ordered scores with crossed random effects, by the Laplace approximation.

    logit P(score <= j) = threshold_j - (x beta + Z u),   u_k ~ N(0, sd_k^2 I)

exp(beta) of a method is an odds ratio: how much the odds of a higher score change, at any cut of the scale, for one
reader and one case. With random intercepts only it speaks for these readers (a method effect that differs between
readers is not in it); with a random effect of reader x method it speaks for others, but Wald's test is rough with few.
Without random effects it is the proportional odds model of McCullagh. The Laplace gradient is exact (implicit
differentiation of the mode); standard errors come from the likelihood's curvature in all parameters, also variances.

References: McCullagh 1980 (JRSS B 42, 109); Hedeker & Gibbons 1994 (Biometrics 50, 933); Tierney & Kadane 1986 (JASA
81, 82; Laplace); Skaug & Fournier 2006 (Comput. Stat. Data Anal. 51, 699; the gradient).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from readerstudy.statistics.plan import AnalysisError
from readerstudy.statistics.scores.data import Floats
from readerstudy.statistics.scores.effects import RandomEffects, Solver, factored, grams
from readerstudy.statistics.undefined import ratio_of_log

SMALLEST_SD, LARGEST_SD = 1e-3, 50.0  # a standard deviation at the lower bound is reported as 0
FAR = 1e3  # beyond the outer thresholds


@dataclass(frozen=True)
class OrdinalTerm:
    """A slope on the logit scale (above 0: higher scores) with Wald's standard error and two-sided p."""

    name: str
    estimate: float
    se: float
    p_value: float

    def odds_ratio(self, alpha: float = 0.05) -> tuple[float, float, float]:
        """Odds ratio and its 1 - alpha interval; NaN for what the answers do not bound."""
        reach = special.ndtri(1 - alpha / 2) * self.se
        return (
            ratio_of_log(self.estimate),
            ratio_of_log(self.estimate - reach),
            ratio_of_log(self.estimate + reach),
        )


@dataclass(frozen=True)
class OrdinalFit:
    """thresholds: between neighbouring scores; random_sd: of each random factor; covariance: thresholds, then terms."""

    levels: tuple[float, ...]
    thresholds: tuple[float, ...]
    terms: tuple[OrdinalTerm, ...]
    random_sd: dict[str, float]
    covariance: Floats
    log_likelihood: float
    largest_gradient: float
    n: int

    @property
    def converged(self) -> bool:
        return bool(self.largest_gradient < 1e-3 * max(1.0, np.sqrt(self.n) / 10))

    def term(self, name: str) -> OrdinalTerm:
        return next(term for term in self.terms if term.name == name)


class _At(NamedTuple):
    """Of each answer: distribution function and density at its upper and lower threshold, and their derivative."""

    upper: Floats
    lower: Floats
    f_upper: Floats
    f_lower: Floats
    slope_upper: Floats
    slope_lower: Floats
    chance: Floats

    @property
    def score(self) -> Floats:
        """Derivative of log P by the linear predictor."""
        return self.upper + self.lower - 1

    @property
    def weight(self) -> Floats:
        """Minus the second derivative."""
        return self.f_upper + self.f_lower

    @property
    def weight_slope(self) -> Floats:
        """Derivative of weight by the linear predictor."""
        return -(self.slope_upper + self.slope_lower)


@dataclass
class _Laplace:
    """The approximate log-likelihood and its gradient; parameters are thresholds, slopes, log standard deviations."""

    category: NDArray[np.int64]
    x: Floats
    effects: RandomEffects | None
    n_thresholds: int
    mode: tuple[Floats, Floats]  # where the last inner search ended: the next one starts there

    @np.errstate(over="ignore", invalid="ignore", divide="ignore")  # of steps too far: not finite, so not taken
    def evaluate(self, parameters: Floats) -> tuple[float, Floats]:
        k, p = self.n_thresholds, self.x.shape[1]
        thresholds, beta, log_sd = parameters[:k], parameters[k : k + p], parameters[k + p :]
        if (np.diff(thresholds) <= 0).any():
            return -np.inf, np.zeros(len(parameters))
        fixed = self.x @ beta
        if self.effects is None:
            at = self._at(thresholds, fixed)
            return float(np.log(at.chance).sum()), self._fixed_gradient(at, np.zeros(len(fixed)), np.zeros(len(fixed)))
        return self._with_effects(self.effects, thresholds, fixed, np.exp(log_sd))

    def _at(self, thresholds: Floats, eta: Floats) -> _At:
        edges = np.concatenate([[-FAR], thresholds, [FAR]])
        a, b = edges[self.category + 1] - eta, edges[self.category] - eta
        upper, lower = special.expit(a), special.expit(b)
        f_upper, f_lower = upper * special.expit(-a), lower * special.expit(-b)
        # expit(a) - expit(b), without cancellation where both are near 1
        chance = np.where(b > 0, special.expit(-b) - special.expit(-a), upper - lower)
        return _At(
            upper, lower, f_upper, f_lower, f_upper * (1 - 2 * upper), f_lower * (1 - 2 * lower),
            np.maximum(chance, 1e-300),
        )  # fmt: skip

    def _find_mode(self, effects: RandomEffects, thresholds: Floats, fixed: Floats, sd: Floats) -> tuple[_At, Solver]:
        """Newton's method for the spherical effects; the log-likelihood is concave in them."""
        top, bottom = self.mode

        def height(top: Floats, bottom: Floats) -> tuple[float, _At]:
            at = self._at(thresholds, fixed + _to_answers(effects, sd, top, bottom))
            return float(np.log(at.chance).sum() - (top @ top + bottom @ bottom) / 2), at

        now, at = height(top, bottom)
        for _ in range(100):
            solver = factored(effects, grams(effects, at.weight), sd)
            by_top, by_bottom = _to_levels(effects, sd, at.score)
            slope = (by_top - top, by_bottom - bottom)
            step = solver.solve(*slope)
            gain, size = float(slope[0] @ step[0] + slope[1] @ step[1]), 1.0
            if gain < 1e-13:
                break
            while True:
                new, at_new = height(top + size * step[0], bottom + size * step[1])
                if new >= now - 1e-10 or size < 1e-4:
                    break
                size /= 2
            top, bottom, now, at = top + size * step[0], bottom + size * step[1], new, at_new
            if gain < 1e-9 and size == 1.0:  # Newton squares the distance: the next step would be below rounding
                solver = factored(effects, grams(effects, at.weight), sd)
                break
        self.mode = top, bottom
        return at, solver

    def _with_effects(
        self, effects: RandomEffects, thresholds: Floats, fixed: Floats, sd: Floats
    ) -> tuple[float, Floats]:
        at, solver = self._find_mode(effects, thresholds, fixed, sd)
        top, bottom = self.mode
        value = float(np.log(at.chance).sum() - (top @ top + bottom @ bottom + solver.log_determinant) / 2)
        inverse_top, inverse_bottom, variance = solver.variances(sd)
        pull = variance * at.weight_slope / 2  # d(log det H)/2 through the weights, by the linear predictor
        # ... and through the mode, which moves with every parameter
        q_top, q_bottom = solver.solve(*_to_levels(effects, sd, pull))
        through_mode = _to_answers(effects, sd, q_top, q_bottom)
        by_top, by_bottom = _to_levels(effects, sd, at.score)
        # what each level's effect does to the linear predictor, weighted as the gradient needs it
        direction = at.score - pull + at.weight * through_mode
        to_top, to_bottom = _to_levels(effects, sd, direction)
        own_top = top * to_top - (1 - inverse_top) - q_top * by_top
        own_bottom = bottom * to_bottom - (1 - inverse_bottom) - q_bottom * by_bottom
        by_sd = np.bincount(effects.factor, weights=own_top, minlength=len(sd)).astype(float)
        by_sd[-1] = own_bottom.sum()
        return value, np.concatenate([self._fixed_gradient(at, variance, through_mode), by_sd])

    def _fixed_gradient(self, at: _At, variance: Floats, through_mode: Floats) -> Floats:
        by_upper = at.f_upper / at.chance - variance * at.slope_upper / 2 - through_mode * at.f_upper
        by_lower = -at.f_lower / at.chance - variance * at.slope_lower / 2 - through_mode * at.f_lower
        edges = np.bincount(self.category + 1, by_upper, self.n_thresholds + 2)
        edges += np.bincount(self.category, by_lower, self.n_thresholds + 2)
        by_beta = self.x.T @ (at.score - variance * at.weight_slope / 2 + at.weight * through_mode)
        return np.concatenate([edges[1:-1], by_beta])


def fit_ordinal(scores: Floats, x: Floats, names: tuple[str, ...], effects: RandomEffects | None = None) -> OrdinalFit:
    """Fit scores (answers,) of two or more different values on x (answers, terms), no intercept among them.

    Raises AnalysisError where all scores are equal, terms cannot be told apart, or the fit does not end.
    """
    levels, category = np.unique(np.asarray(scores, dtype=float), return_inverse=True)
    if len(levels) < 2:
        raise AnalysisError("All scores are equal: there is nothing to model.")
    design = np.asarray(x, dtype=float)
    if np.linalg.matrix_rank(np.column_stack([np.ones(len(design)), design])) <= design.shape[1]:
        raise AnalysisError(f"The effects of {', '.join(names)} cannot be told apart in these answers.")
    k, p = len(levels) - 1, design.shape[1]
    sizes = effects.n_levels if effects is not None else np.zeros(0, dtype=np.int64)
    rest = (np.zeros(int(sizes[:-1].sum())), np.zeros(int(sizes[-1]) if len(sizes) else 0))
    model = _Laplace(category.astype(np.int64), design, effects, k, rest)
    below = np.cumsum(np.bincount(category))[:-1] / len(category)
    start = np.concatenate([special.logit(below), np.zeros(p), np.full(len(sizes), np.log(0.7))])
    best = _climb(model, start, k + p)
    gradient, curvature, free = _curvature(model, best, k + p)
    step = np.linalg.solve(curvature, gradient[free])  # the last Newton step: the optimiser stops at about 1e-4
    best[free] += step
    value, gradient = model.evaluate(best)
    covariance: Floats = np.asarray(np.linalg.inv(curvature)[: k + p, : k + p], dtype=np.float64)
    se = np.sqrt(np.diag(covariance))
    terms = tuple(
        OrdinalTerm(name, float(b), float(s), float(2 * special.ndtr(-abs(b / s))))
        for name, b, s in zip(names, best[k : k + p], se[k:], strict=True)
    )
    sd = np.exp(best[k + p :])
    random_sd = {
        name: float(s) if s > 2 * SMALLEST_SD else 0.0
        for name, s in zip(effects.names if effects is not None else (), sd, strict=True)
    }
    return OrdinalFit(
        tuple(levels.tolist()), tuple(best[:k].tolist()), terms, random_sd, covariance, value,
        float(np.abs(gradient[free]).max()), len(category),
    )  # fmt: skip


def _to_answers(effects: RandomEffects, sd: Floats, top: Floats, bottom: Floats) -> Floats:
    """Z Lambda (top, bottom)."""
    return effects.of_answers(sd[effects.factor] * top, sd[-1] * bottom)


def _to_levels(effects: RandomEffects, sd: Floats, x: Floats) -> tuple[Floats, Floats]:
    """Lambda Z' x."""
    top, bottom = effects.of_levels(x)
    return sd[effects.factor] * top, sd[-1] * bottom


def _climb(model: _Laplace, start: Floats, n_fixed: int) -> Floats:
    bounds = [(None, None)] * n_fixed + [(np.log(SMALLEST_SD), np.log(LARGEST_SD))] * (len(start) - n_fixed)

    def falling(parameters: Floats) -> tuple[float, Floats]:
        value, gradient = model.evaluate(parameters)
        return (-value, -gradient) if np.isfinite(value) else (1e10, -gradient)

    found = optimize.minimize(
        falling, start, jac=True, method="L-BFGS-B", bounds=bounds,
        options={"ftol": 1e-13, "gtol": 1e-5, "maxiter": 300, "maxcor": 20},
    )  # fmt: skip
    if not np.isfinite(found.fun) or found.fun >= 1e10:
        raise AnalysisError("The ordinal model found no solution for these answers.")
    return np.array(found.x)


def _curvature(model: _Laplace, at: Floats, n_fixed: int) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Gradient, minus the Hessian of the free parameters (central differences of the gradient), and which are free."""
    free = np.ones(len(at), dtype=bool)
    free[n_fixed:] = at[n_fixed:] > np.log(2 * SMALLEST_SD)
    columns = []
    for i in np.flatnonzero(free):
        move = np.zeros(len(at))
        move[i] = 1e-4
        columns.append((model.evaluate(at - move)[1] - model.evaluate(at + move)[1]) / 2e-4)
    curvature = np.stack(columns)[:, free]
    _, gradient = model.evaluate(at)
    curvature = (curvature + curvature.T) / 2
    if np.linalg.eigvalsh(curvature).min() <= 0:
        raise AnalysisError("The ordinal model found no solution for these answers: its likelihood has no peak.")
    return gradient, curvature, free
