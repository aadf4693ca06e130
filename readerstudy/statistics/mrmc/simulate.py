"""Simulated reader studies with known truth, to check the tests' error rates and to try out an analysis.

Reference: Roe & Metz 1997 (Academic Radiology 4, 298 and 587).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from readerstudy.statistics.mrmc.data import ReaderScores, reader_scores


@dataclass(frozen=True)
class RoeMetz:
    """Variances of the latent score, drawn for each truth class apart; case variances should sum to 1.

    reader, method_reader: of readers' ability; case, method_case, reader_case, residual: of cases. The defaults are the
    structure called HL (high data correlation, low reader variance) in Roe & Metz 1997, table 1.
    """

    reader: float = 0.0055
    method_reader: float = 0.0055
    case: float = 0.3
    method_case: float = 0.3
    reader_case: float = 0.2
    residual: float = 0.2


def simulate_study(
    rng: np.random.Generator,
    *,
    readers: int,
    positives: int,
    negatives: int,
    auc: tuple[float, ...] = (0.8, 0.8),
    model: RoeMetz | None = None,
    levels: int | None = None,
) -> ReaderScores:
    """Draw one fully crossed study; auc gives each method's expected AUC (all equal = null design).

    levels: cut the continuous scores into so many about equally used ratings 1..levels (ordinal answers).
    """
    model = model or RoeMetz()
    methods = len(auc)
    truth = np.repeat([1, 0], [positives, negatives])
    total = 2 * sum(
        (model.reader, model.method_reader, model.case, model.method_case, model.reader_case, model.residual)
    )
    separation = np.sqrt(total) * stats.norm.ppf(auc)  # of a positive from a negative score, so that P(x > y) = auc

    def draw(variance: float, *shape: int) -> np.ndarray:
        effects: np.ndarray = np.sqrt(variance) * rng.standard_normal(shape)
        return effects

    by_class = np.stack([draw(model.reader, 1, readers), draw(model.reader, 1, readers)])
    by_class = by_class + draw(model.method_reader, 2, methods, readers)
    scores = by_class[truth].transpose(1, 2, 0)
    scores = scores + separation[:, None, None] * truth
    cases = truth.size
    scores = scores + draw(model.case, 1, 1, cases) + draw(model.method_case, methods, 1, cases)
    scores = scores + draw(model.reader_case, 1, readers, cases) + draw(model.residual, methods, readers, cases)
    if levels is not None:
        cuts = np.quantile(scores, np.arange(1, levels) / levels)
        scores = 1.0 + np.searchsorted(cuts, scores)
    return reader_scores(scores, truth)
