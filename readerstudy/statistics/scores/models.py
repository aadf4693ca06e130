"""Models of single scores beside the primary test: ordinal, linear and GEE, each with the words for whom it speaks.

Rows are answers of one question and mostly one truth, in long form: reader, example, patient, method, period, score.
Intercepts of readers and cases alone leave method effects that vary between readers out of the model: such a fit speaks
for these readers. With `vary` readers and cases have method effects of their own, and it speaks for others, though with
few readers it finds differences too readily (docs/inference.md).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

from readerstudy.statistics.plan import AnalysisError
from readerstudy.statistics.scores.data import Floats
from readerstudy.statistics.scores.effects import random_effects
from readerstudy.statistics.scores.linear import fit_linear
from readerstudy.statistics.scores.ordinal import fit_ordinal
from readerstudy.statistics.scores.results import READERS_AND_PATIENTS, THESE_READERS, t_interval


@dataclass(frozen=True)
class Effect:
    """One term; scale "points" or "log odds" (of a higher score). odds_ratio and its interval only on the latter.

    estimate is that of `level` against `reference`; df is inf where the test is Wald's.
    """

    factor: str
    level: str
    reference: str
    estimate: float
    se: float
    df: float
    p_value: float
    ci: tuple[float, float]
    odds_ratio: tuple[float, float, float] | None  # with its interval


@dataclass(frozen=True)
class ModelFit:
    """A fitted model; random_sd: standard deviations of random effects, on the model's scale."""

    model: str
    speaks_for: str
    effects: tuple[Effect, ...]
    random_sd: dict[str, float]
    n: int
    n_readers: int
    n_patients: int
    notes: tuple[str, ...]

    def of_method(self, method: str) -> Effect:
        return next(effect for effect in self.effects if (effect.factor, effect.level) == ("method", method))


@dataclass(frozen=True)
class _Design:
    score: Floats
    x: Floats  # without intercept
    terms: tuple[tuple[str, str, str], ...]  # factor, level, reference
    rows: pd.DataFrame

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"{factor} {level}" for factor, level, _ in self.terms)


def ordinal_model(
    rows: pd.DataFrame, methods: Sequence[str], *, readers: str = "random", vary: bool = False, alpha: float = 0.05
) -> ModelFit:
    """Cumulative logit model: odds ratios of a higher score. Raises AnalysisError where it cannot be fitted.

    readers "random": random intercepts of readers and cases; "fixed": readers as terms, cases random. vary: random
    method effects of readers and cases as well (two methods, readers random).
    """
    design = _design(rows, methods, fixed_readers=readers == "fixed")
    factors: dict[str, pd.Series] = {"case": design.rows["example"]}
    slopes: dict[str, Floats] = {}
    if readers == "random":
        factors["reader"] = design.rows["reader"]
    if vary:
        if readers != "random" or len(methods) != 2:
            raise AnalysisError("Method effects that vary need random readers and two methods.")
        half = np.where(design.rows["method"] == methods[1], 0.5, -0.5)
        factors |= {"reader x method": design.rows["reader"], "case x method": design.rows["example"]}
        slopes = {"reader x method": half, "case x method": half}
    effects = random_effects({name: np.asarray(values) for name, values in factors.items()}, slopes)
    fit = fit_ordinal(design.score, design.x, design.names, effects)
    found = tuple(
        Effect(
            *term, t.estimate, t.se, np.inf, t.p_value, t_interval(t.estimate, t.se, np.inf, alpha),
            t.odds_ratio(alpha),
        )
        for term, t in zip(design.terms, fit.terms, strict=True)
    )  # fmt: skip
    notes = () if fit.converged else ("The fit stopped before its gradient was flat: read its digits with care.",)
    speaks_for = READERS_AND_PATIENTS if vary else THESE_READERS
    return _fit("cumulative logit, Laplace", speaks_for, found, fit.random_sd, design.rows, notes)


def linear_model(rows: pd.DataFrame, methods: Sequence[str], *, alpha: float = 0.05) -> ModelFit:
    """Linear mixed model of scores in points: random intercepts of readers, cases and reader x case, REML."""
    design = _design(rows, methods)
    reader, case = design.rows["reader"].astype(str), design.rows["example"].astype(str)
    factors = {"reader": reader.to_numpy(), "case": case.to_numpy(), "reader x case": (reader + "\t" + case).to_numpy()}
    x = np.column_stack([np.ones(len(design.score)), design.x])
    fit = fit_linear(design.score, x, ("intercept", *design.names), random_effects(factors))
    found = tuple(
        Effect(*term, t.estimate, t.se, t.df, t.p_value, t_interval(t.estimate, t.se, t.df, alpha), None)
        for term, t in zip(design.terms, fit.terms[1:], strict=True)
    )
    sd = {name: float(np.sqrt(value)) for name, value in fit.variances.items()} | {"residual": np.sqrt(fit.residual)}
    return _fit("linear mixed, REML", THESE_READERS, found, sd, design.rows, ())


def gee_model(
    rows: pd.DataFrame,
    methods: Sequence[str],
    *,
    cluster: str = "patient",
    family: str = "gaussian",
    alpha: float = 0.05,
) -> ModelFit:
    """GEE with independence working correlation and Liang and Zeger's robust errors; clusters "patient" or "reader".

    family "gaussian" (points) or "binomial" (scores of 0 and 1). Raises AnalysisError where it does not converge.
    """
    import statsmodels.api as sm  # a second to import, so only where it is used

    design = _design(rows, methods)
    x = np.column_stack([np.ones(len(design.score)), design.x])
    if np.linalg.matrix_rank(x) < x.shape[1]:
        raise AnalysisError(f"The effects of {', '.join(design.names)} cannot be told apart in these answers.")
    order = np.argsort(design.rows[cluster].astype(str).to_numpy(), kind="stable")
    groups = design.rows[cluster].astype(str).to_numpy()[order]
    families = {"gaussian": sm.families.Gaussian(), "binomial": sm.families.Binomial()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = sm.GEE(design.score[order], x[order], groups=groups, family=families[family]).fit(cov_type="robust")
    estimates, errors = np.asarray(fit.params)[1:], np.asarray(fit.bse)[1:]
    if not (fit.converged and np.isfinite(errors).all() and (errors > 0).all()):
        raise AnalysisError("The GEE did not converge.")
    found = tuple(
        Effect(
            *term, float(b), float(s), np.inf, float(2 * special.ndtr(-abs(b / s))), t_interval(b, s, np.inf, alpha),
            None,
        )
        for term, b, s in zip(design.terms, estimates, errors, strict=True)
    )  # fmt: skip
    given = THESE_READERS if cluster == "patient" else "readers like these, with these cases only"
    return _fit(f"GEE, {family}, by {cluster}", given, found, {}, design.rows, ())


def _fit(
    model: str, speaks_for: str, effects: tuple[Effect, ...], sd: dict[str, float], rows: pd.DataFrame,
    notes: tuple[str, ...],
) -> ModelFit:  # fmt: skip
    return ModelFit(
        model, speaks_for, effects, sd, len(rows), rows["reader"].nunique(), rows["patient"].nunique(), notes
    )


def _design(rows: pd.DataFrame, methods: Sequence[str], *, fixed_readers: bool = False) -> _Design:
    """Treatment-coded terms of method and period (and reader); the first level of each is its reference."""
    chosen = rows[rows["method"].isin(list(methods)) & rows["score"].notna()]
    present = [method for method in methods if (chosen["method"] == method).any()]
    if len(present) < 2:
        raise AnalysisError("Only one method was answered: there is no method effect to estimate.")
    columns, terms = [], []
    factors: list[tuple[str, list[object]]] = [("method", list(present)), ("period", sorted(chosen["period"].unique()))]
    if fixed_readers:
        factors.append(("reader", sorted(chosen["reader"].unique())))
    for factor, levels in factors:
        for level in levels[1:]:
            columns.append((chosen[factor] == level).to_numpy(dtype=float))
            terms.append((factor, str(level), str(levels[0])))
    return _Design(chosen["score"].to_numpy(dtype=float), np.column_stack(columns), tuple(terms), chosen)
