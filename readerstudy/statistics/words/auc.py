"""The AUCs of two methods as a sentence, and what the planned comparison of AUCs says."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeGuard

from readerstudy.statistics.mrmc.rows import DifferenceRow, PrimaryResult, QuestionResult, UStatDifference
from readerstudy.statistics.mrmc.sentences import MODE_TITLES
from readerstudy.statistics.plan import AnalysisPlan
from readerstudy.statistics.rows import Results
from readerstudy.statistics.wording import interval_text, number, p_clause, percent


def known(p: float | None) -> TypeGuard[float]:
    """Whether there is a p value: None and NaN are none."""
    return p is not None and math.isfinite(p)


def mrmc_of(results: Results, question: str) -> QuestionResult | None:
    return next((part for part in results.mrmc if part.question == question), None)


def auc_verdict(results: Results, question: str, plan: AnalysisPlan) -> list[str]:
    """What the planned comparison of AUCs says."""
    part = mrmc_of(results, question)
    primary = part.primary if part else None
    sentence = auc_sentence(results, question, plan)
    if sentence is None or primary is None or not known(primary.p_value):
        return ["The planned comparison of AUCs could not be made: see the warnings."]
    methods = list(results.methods)
    named = len(methods) < 3 or plan.primary_pair is not None
    p_value = auc_row(primary.differences, plan, methods).p_value if named else primary.p_value
    below = known(p_value) and p_value < plan.alpha
    taken = below and taken_back(primary, plan, methods, named)
    but = ", but NOT with that variance set to zero: claim no difference" if taken else ""
    test = (
        "This planned test" if named else f"The planned test that all methods are equal ({p_clause(primary.p_value)})"
    )
    verdict = "below" if below else "not below"
    return [sentence, f"{test} is {verdict} the {100 * plan.alpha:g} % level fixed in the plan{but}."]


def auc_row(
    rows: Sequence[DifferenceRow | UStatDifference], plan: AnalysisPlan, methods: Sequence[str]
) -> DifferenceRow | UStatDifference:
    """The plan's primary comparison, else its first, else the first pair."""
    pairs = [plan.primary_pair] if plan.primary_pair else plan.pairs(methods)
    asked = [{pair.new, pair.reference} for pair in pairs]
    return next((row for pair in asked for row in rows if {row.method_a, row.method_b} == pair), rows[0])


def taken_back(primary: PrimaryResult, plan: AnalysisPlan, methods: Sequence[str], named: bool = True) -> bool:
    """Whether a variance between readers estimated below zero made the p value small."""
    zero = primary.at_var_tr_zero
    if zero is None:
        return False
    p_value = auc_row(zero.differences, plan, methods).p_value if named else zero.p_value
    return not (known(p_value) and p_value < plan.alpha)


def auc_sentence(results: Results, question: str, plan: AnalysisPlan, *, suggest: bool = False) -> str | None:
    """The AUCs of two methods and their difference in the primary inference mode, or None without them.

    The two are those of the plan's primary comparison, else of its first, else the first two.
    suggest: add what a p value below the level would suggest, where this comparison is not the planned one.
    """
    part = mrmc_of(results, question)
    if part is None or part.primary is None:
        return None
    primary, methods = part.primary, list(results.methods)
    row = auc_row(primary.differences, plan, methods)
    a, b = row.method_a, row.method_b
    means = primary.auc  # of the cases the difference is of, where scores are missing
    text = (
        f"Averaged over readers, answers separated true from false positives with an AUC of {number(means[a], 3)} with "
        f"{results.methods[a]} and {number(means[b], 3)} with {results.methods[b]} "
    )
    if not known(row.p_value):
        return text + "(no test possible)."
    text += (
        f"(difference {number(-row.difference, 3, signed=True)}, {percent(plan.alpha)} interval {_turned(row)}, "
        f"{p_clause(row.p_value)}, {MODE_TITLES[primary.mode]})"
    )
    if suggest and row.p_value < plan.alpha and not taken_back(primary, plan, methods):
        better = results.methods[b if row.difference < 0 else a]
        text += f", which would suggest that they do so better with {better}"
    text += "."
    zero = auc_row(primary.at_var_tr_zero.differences, plan, methods) if primary.at_var_tr_zero else None
    if zero and known(zero.p_value):
        text += (
            " How much that difference varies between readers is estimated below zero, so this test may be too "
            f"optimistic; with that variance set to zero, interval {_turned(zero)}, {p_clause(zero.p_value)}."
        )
    return text


def _turned(row: DifferenceRow | UStatDifference) -> str:
    """The interval of second method minus first."""
    return interval_text([-row.ci_high, -row.ci_low], 3)
