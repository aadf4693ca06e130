"""Comparing methods by their scores: readers and patients both random, or one of them given, and models beside it.

What may not live here: areas under the curve (`mrmc`), rank tests (`paired`), Django, files. Scores go in as methods x
readers x cases, or as rows; frozen results come out.
"""

from readerstudy.statistics.scores.choice import (
    TESTS,
    ScoreTest,
    compare,
    compare_all,
    primary_test,
    run,
)
from readerstudy.statistics.scores.crossed import crossed_reml
from readerstudy.statistics.scores.data import (
    Differences,
    Scores,
    differences,
    of_differences,
    scores_from_rows,
    scores_of,
)
from readerstudy.statistics.scores.margins import MarginTest, margin_test
from readerstudy.statistics.scores.means import fixed_cases, fixed_readers, omnibus, readers_and_patients
from readerstudy.statistics.scores.models import Effect, ModelFit, gee_model, linear_model, ordinal_model
from readerstudy.statistics.scores.results import FEWEST_READERS, Components, MeanDifference, Omnibus

__all__ = [
    "FEWEST_READERS",
    "TESTS",
    "Components",
    "Differences",
    "Effect",
    "MarginTest",
    "MeanDifference",
    "ModelFit",
    "Omnibus",
    "ScoreTest",
    "Scores",
    "compare",
    "compare_all",
    "crossed_reml",
    "differences",
    "fixed_cases",
    "fixed_readers",
    "gee_model",
    "linear_model",
    "margin_test",
    "of_differences",
    "omnibus",
    "ordinal_model",
    "primary_test",
    "readers_and_patients",
    "run",
    "scores_from_rows",
    "scores_of",
]
