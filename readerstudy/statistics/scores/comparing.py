"""Tests of mean scores as an analysis makes them: the one that counts under the plan, those beside it, margins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from readerstudy.statistics.bootstrap import FEWEST_CLUSTERS
from readerstudy.statistics.plan import AnalysisError, AnalysisPlan
from readerstudy.statistics.scores.choice import run, score_test_for
from readerstudy.statistics.scores.data import Differences
from readerstudy.statistics.scores.margins import MarginTest, margin_test
from readerstudy.statistics.scores.models import ModelFit, ordinal_model
from readerstudy.statistics.scores.results import MeanDifference

BESIDE = ("readers_and_patients", "fixed_readers", "crossed_reml")


def differences_of_pairs(pairs: pd.DataFrame, method_a: str, method_b: str) -> Differences:
    """From pairs of one question (frame.pair), at least one of them complete; the others lack their difference."""
    whole = pairs[pairs["difference"].notna()]
    reader, readers = pd.factorize(whole["reader"], sort=True)
    example, examples = pd.factorize(whole["example"], sort=True)
    values = np.full((len(readers), len(examples)), np.nan)
    values[reader, example] = whole["difference"].to_numpy(dtype=float)
    first = np.unique(example, return_index=True)[1]  # the first row of each example
    patients = pd.factorize(whole["patient"].iloc[first])[0].astype(np.int64)
    names = tuple(str(name) for name in readers)
    return Differences(values, patients, names, method_a, method_b, len(pairs) - len(whole))


def mean_test(pairs: pd.DataFrame, plan: AnalysisPlan, method_a: str, method_b: str) -> MeanDifference | None:
    """The test that counts, of one group of pairs; None from fewer than FEWEST_CLUSTERS patients, or without a test."""
    found = differences_of_pairs(pairs, method_a, method_b)
    if found.n_patients < FEWEST_CLUSTERS:
        return None
    try:
        test = run(found, score_test_for(plan.primary_endpoint.test, found.n_readers), alpha=plan.alpha)
    except AnalysisError:  # a reader with pairs of one patient only
        return None
    return test if test.p_value is not None else None


def tests_beside(
    pairs: pd.DataFrame, plan: AnalysisPlan, method_a: str, method_b: str
) -> tuple[str, list[MeanDifference], str | None]:
    """The name of the test that counts, all tests of mean scores that can be made, and why there is none."""
    found = differences_of_pairs(pairs, method_a, method_b)
    counts = score_test_for(plan.primary_endpoint.test, found.n_readers)
    if found.n_patients < FEWEST_CLUSTERS:
        return counts, [], f"{found.n_patients} patients: too few for a test of means (it takes {FEWEST_CLUSTERS})."
    tests, problems = [], []
    for name in BESIDE:
        try:
            test = run(found, name, alpha=plan.alpha)
        except AnalysisError as problem:
            problems.append(str(problem))
        else:
            tests += [test] if test.p_value is not None else []
    if not tests:
        problems = problems or ["The differences do not vary: there is nothing to test."]
    return counts, tests, " ".join(dict.fromkeys(problems)) or None


def margin_of(test: MeanDifference, plan: AnalysisPlan) -> MarginTest | None:
    """The plan's aim with its margin, from the test that counts; None for the aim "difference".

    The gain is of the new method of a comparison that the plan names, else of the second; on false positives a lower
    score is the better one.
    """
    endpoint = plan.primary_endpoint
    if endpoint.aim == "difference" or endpoint.margin_points is None:
        return None
    first_is_new = new_of(plan, test.method_a, test.method_b) == test.method_a
    if (endpoint.truth == "FP") != first_is_new:
        low, high = test.ci
        turned = None if test.statistic is None else -test.statistic
        test = replace(test, estimate=-test.estimate, statistic=turned, ci=(-high, -low))
    return margin_test(test, endpoint.aim, endpoint.margin_points)


def new_of(plan: AnalysisPlan, method_a: str, method_b: str) -> str:
    """Which of two methods is the new one: as a named comparison says, else that which is not the control."""
    named = [pair.new for pair in plan.contrasts if {pair.new, pair.reference} == {method_a, method_b}]
    return named[0] if named else method_a if plan.control == method_b else method_b


def odds_ratios(rows: pd.DataFrame, methods: Sequence[str], plan: AnalysisPlan) -> tuple[ModelFit | None, str | None]:
    """The ordinal model of one question and truth with random readers and cases, or why there is none."""
    patients = int(rows["patient"].nunique())
    if patients < FEWEST_CLUSTERS:
        return None, f"{patients} patients: too few for this model (it takes {FEWEST_CLUSTERS})."
    try:
        readers = "random" if rows["reader"].nunique() > 1 else "fixed"
        return ordinal_model(rows, methods, readers=readers, alpha=plan.alpha), None
    except AnalysisError as problem:
        return None, str(problem)
    except np.linalg.LinAlgError:
        return None, "The ordinal model found no solution for these answers."
