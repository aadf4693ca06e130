"""The crossed random model of the differences, d = B - A, fitted by restricted maximum likelihood (REML).

    d_rc = mu + reader_r + patient_p(c) + case_c + e_rc      all but mu random, independent and normal

Readers and cases (of patients) are samples, so the interval of mu speaks for readers and patients like these. Where
every reader scored every case and all patients have equally many cases, the likelihood is a function of mean squares
and REML has a closed form: each stratum's mean square, pooled with the one below it where its component would be
negative (Thompson 1962). Else the likelihood is maximised. Degrees of freedom are Satterthwaite's.

Against the test by means (`means.readers_and_patients`): it weighs reads by their precision, and where the data show no
variance between readers it takes it to be zero. In simulations it rejects too seldom when neither readers nor cases
react differently (2.2 to 3.3 % at a nominal 5 %), so it stands beside the primary test, not in its place.

References: Thompson 1962 (Annals of Mathematical Statistics 33, 273); Corbeil & Searle 1976 (Technometrics 18, 31).
"""

from __future__ import annotations

from itertools import product

import numpy as np

from readerstudy.statistics.plan import AnalysisError
from readerstudy.statistics.scores.data import Differences, Floats
from readerstudy.statistics.scores.effects import random_effects
from readerstudy.statistics.scores.linear import fit_linear
from readerstudy.statistics.scores.means import SMALLEST_VARIANCE
from readerstudy.statistics.scores.results import (
    READERS_AND_PATIENTS,
    Components,
    MeanDifference,
    Size,
    t_interval,
    t_upper,
)


def crossed_reml(d: Differences, *, alpha: float = 0.05) -> MeanDifference:
    """Mean difference with readers and patients random. Raises AnalysisError for one reader, or one patient."""
    if d.n_readers < 2 or d.n_patients < 2:
        raise AnalysisError("The crossed random model needs at least two readers and two patients.")
    warnings: tuple[str, ...] = ()
    finite = d.values[np.isfinite(d.values)]
    if np.ptp(finite) <= SMALLEST_VARIANCE:
        warnings = ("The differences do not vary: there is nothing to test.",)
        estimate, variance, df, parts = float(finite[0]), 0.0, np.inf, Components(0.0, 0.0, 0.0, 0.0)
    elif _balanced(d):
        estimate, variance, df, parts = _closed_form(d)
    else:
        estimate, variance, df, parts = fitted(d)
    if parts.reader == 0 and variance > 0:
        warnings += ("The variance between readers is estimated as zero: the interval may be too narrow.",)
    se = float(np.sqrt(variance))
    statistic = estimate / se if se else None
    return MeanDifference(
        "crossed_reml", d.method_a, d.method_b, estimate, se, df, statistic,
        None if statistic is None else 2 * t_upper(abs(statistic), df),
        t_interval(estimate, se, df, alpha) if se else (estimate, estimate), alpha, READERS_AND_PATIENTS, parts,
        Size(d.n_readers, d.n_cases, d.n_patients, d.n_pairs, d.n_unpaired), warnings,
    )  # fmt: skip


def _balanced(d: Differences) -> bool:
    sizes = np.bincount(d.patients)
    return d.complete and bool((sizes == sizes[0]).all())


def strata(d: Differences) -> dict[str, tuple[float, int]]:
    """Sum of squares and degrees of freedom of readers, patients, cases (within patients) and error; balanced data."""
    values = d.values
    r, c = values.shape
    p = d.n_patients
    k = c // p
    mean, by_reader, by_case = values.mean(), values.mean(axis=1), values.mean(axis=0)
    by_patient = np.bincount(d.patients, weights=by_case) / k
    readers = c * float(((by_reader - mean) ** 2).sum())
    patients = r * k * float(((by_patient - mean) ** 2).sum())
    cases = r * float(((by_case - mean) ** 2).sum()) - patients
    total = float(((values - mean) ** 2).sum())
    error = max(total - readers - patients - cases, 1e-12 * total)
    found = {"error": (error, (r - 1) * (c - 1)), "reader": (readers, r - 1), "patient": (patients, p - 1)}
    return found | ({"case": (max(cases, 0.0), c - p)} if k > 1 else {})


def _closed_form(d: Differences) -> tuple[float, float, float, Components]:
    """Estimate, its variance, df, components: REML from the strata's mean squares."""
    r, c = d.values.shape
    k = c // d.n_patients
    square, joined, freedom = _pooled(strata(d))
    level = {name: square[joined[name]] for name in joined}
    case = level.get("case", level["error"])
    parts = Components(
        (level["reader"] - level["error"]) / c, (level["patient"] - case) / (r * k), (case - level["error"]) / r,
        level["error"],
    )  # fmt: skip
    if "case" not in level:
        parts = Components(parts.reader, parts.patient, None, parts.error)
    # r c Var(mean) = MS(readers) + MS(patients) - MS(error), where strata that were pooled share one mean square.
    weights = dict.fromkeys(square, 0.0)
    for name, weight in (("reader", 1.0), ("patient", 1.0), ("error", -1.0)):
        weights[joined[name]] += weight
    total = sum(weight * square[name] for name, weight in weights.items())
    spread = sum((weight * square[name]) ** 2 / freedom[name] for name, weight in weights.items())
    return float(d.values.mean()), total / (r * c), total**2 / spread, parts


def _pooled(found: dict[str, tuple[float, int]]) -> tuple[dict[str, float], dict[str, str], dict[str, int]]:
    """Mean squares of the pooled strata, which pool each stratum joined, and each pool's degrees of freedom.

    The order is error <= reader and error <= case <= patient; of all ways to pool neighbours that respect it, the one
    of the greatest likelihood.
    """
    below = {"reader": "error", "case": "error", "patient": "case" if "case" in found else "error"}
    above = [name for name in ("reader", "case", "patient") if name in found]
    best: tuple[float, dict[str, float], dict[str, str], dict[str, int]] | None = None
    for choice in product((False, True), repeat=len(above)):
        joined = {"error": "error"}
        for name, pooled in zip(above, choice, strict=True):
            joined[name] = joined[below[name]] if pooled else name
        freedom = {pool: sum(found[n][1] for n in joined if joined[n] == pool) for pool in joined.values()}
        square = {pool: sum(found[n][0] for n in joined if joined[n] == pool) / freedom[pool] for pool in freedom}
        if any(square[joined[name]] < square[joined[below[name]]] for name in above):
            continue
        likelihood = -sum(freedom[pool] * np.log(max(square[pool], 1e-300)) for pool in freedom)
        if best is None or likelihood > best[0]:
            best = likelihood, square, joined, freedom
    assert best is not None  # everything pooled is always possible
    return best[1:]


def fitted(d: Differences) -> tuple[float, float, float, Components]:
    """Estimate, its variance, df, components by maximising the likelihood: for any data, balanced or not."""
    present = np.isfinite(d.values)
    reader, case = np.nonzero(present)
    factors = {"reader": reader, "patient": d.patients[case]}
    if d.n_patients < d.n_cases:
        factors["case"] = case
    y: Floats = d.values[present]
    fit = fit_linear(y, np.ones((len(y), 1)), ("mean",), random_effects(factors))
    term, v = fit.terms[0], fit.variances
    return term.estimate, term.se**2, term.df, Components(v["reader"], v["patient"], v.get("case"), fit.residual)
