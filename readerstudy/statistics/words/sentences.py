"""The analysis in words: the answer in one paragraph."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeGuard

from readerstudy.common.counting import counted
from readerstudy.statistics.bootstrap import FEWEST_CLUSTERS
from readerstudy.statistics.mrmc.rows import DifferenceRow, QuestionResult, UStatDifference
from readerstudy.statistics.mrmc.sentences import FEW_READERS
from readerstudy.statistics.multiplicity import holm
from readerstudy.statistics.paired import TRUTH_NAMES, clustered_p, planned_p
from readerstudy.statistics.plan import AnalysisPlan
from readerstudy.statistics.report.mrmc import MODE_TITLES
from readerstudy.statistics.rows import ContrastRow, PairedRow, Results
from readerstudy.statistics.words.wording import interval_text, number, p_clause, p_text, percent


def primary_row(results: Results, plan: AnalysisPlan) -> PairedRow | None:
    """The primary endpoint's pooled row, for the plan's primary comparison, else its first, else the first pair."""
    return next(iter(primary_rows(results, plan)), None)


def primary_rows(results: Results, plan: AnalysisPlan) -> list[PairedRow]:
    """The rows of the primary endpoint that decide: of the plan's primary comparison, else of all that it tests."""
    endpoint, methods = plan.primary_endpoint, list(results.methods)
    wanted = (endpoint.question, endpoint.truth, "overall")
    found = [row for row in results.paired if (row.question, row.truth, row.level) == wanted]
    named = (plan.primary_pair,) if plan.primary_pair else plan.pairs(methods)
    asked = [{pair.new, pair.reference} for pair in named]
    return [row for pair in asked for row in found if {row.method_a, row.method_b} == pair] or found


def _of_same_question(row: PairedRow, other: PairedRow | ContrastRow) -> bool:
    """Whether both compare the same methods on the same question."""
    return (row.question, row.method_a, row.method_b) == (other.question, other.method_a, other.method_b)


def _of_same_test(row: PairedRow, other: PairedRow) -> bool:
    """Whether both are about the same question, truth and level: they differ in methods or group."""
    return (row.question, row.truth, row.level) == (other.question, other.truth, other.level)


def _mrmc(results: Results, question: str) -> QuestionResult | None:
    return next((part for part in results.mrmc if part.question == question), None)


def answer(results: Results, plan: AnalysisPlan) -> str:
    """The study's answer in one paragraph a reader of the report can quote."""
    row = primary_row(results, plan)
    opening = "SIMULATED DATA, which say nothing about any reader or method. " if results.simulated else ""
    if row is None:
        return opening + (
            f"There is no answer: no responses compare two methods on the question {plan.primary_endpoint.question!r}."
        )
    by_auc = plan.primary_endpoint.test == "obuchowski_rockette" and auc_sentence(results, row.question, plan)
    if not row.n_pairs and by_auc:  # readers nested in methods: nobody answered with both
        return opening + " ".join([*_auc_verdict(results, row, plan), *_readers(results)])
    if row.p_value is None:
        return opening + f"There is no answer to the primary question: {_lower(row.note or 'it could not be tested.')}"
    a, b = (results.methods[method] for method in (row.method_a, row.method_b))
    parts = [
        f"On {TRUTH_NAMES[row.truth]}, answers to “{results.questions[row.question].text}” were "
        f"{_direction(row.mean_difference)} with {b} than with {a}: mean {number(row.mean_b)} against "
        f"{number(row.mean_a)}, difference {number(row.mean_difference, signed=True)} points "
        f"({_with_interval(row, plan)}; {row.n_pairs} pairs "
        f"from {counted(row.n_readers, 'reader')} and {counted(row.n_examples, 'example')})."
    ]
    parts += [
        *_verdict(results, row, row.p_value, plan),
        *_companions(results, row, plan),
        *_other_methods(results, row, plan),
        *_readers(results),
    ]
    return opening + " ".join(parts)


@dataclass(frozen=True)
class _Planned:
    """The plan's test of the primary comparison: its name, p value, and the exact p where that is another."""

    name: str
    p_value: float
    p_exact: float | None


def _planned(row: PairedRow, p_pooled: float, plan: AnalysisPlan) -> _Planned | None:
    """None where the clustered test is planned and could not be made."""
    if plan.primary_endpoint.test != "clustered_signed_rank":
        return _Planned("signed-rank test", p_pooled, row.p_exact)
    p_value = clustered_p(row)
    if row.clustered is None or p_value is None:
        return None
    name = "clustered signed-rank test"
    if row.clustered.patient.p_value is None:
        name += f", exact because its approximation needs {FEWEST_CLUSTERS} patients,"
    return _Planned(name, p_value, row.clustered.patient.p_exact)


def _verdict(results: Results, row: PairedRow, p_pooled: float, plan: AnalysisPlan) -> list[str]:
    """What the planned test says, adjusted where there are more than two methods, and what else must be known."""
    if plan.primary_endpoint.test == "obuchowski_rockette":
        return _auc_verdict(results, row, plan)
    planned = _planned(row, p_pooled, plan)
    if planned is None:
        return [f"The planned clustered signed-rank test could not be made; the pooled one gives {p_clause(p_pooled)}."]
    unadjusted = p = planned.p_value
    many = len(results.methods) > 2 and plan.primary_pair is None
    adjusted, alike = "", "on the same side of the level"
    if many:
        p, size = _adjusted(results, row, plan)
        alike += " as the unadjusted p"
        adjusted = f" ({p_clause(p)} when adjusted for the {size} comparisons of its family)"
    verdict = "below" if p < plan.alpha else "not below"
    found = f"{p_clause(unadjusted)}{adjusted}"
    level = f"{100 * plan.alpha:g} %"
    named = "" if plan.primary_pair is None else " of the plan's primary comparison"
    sentences = [f"The planned {planned.name}{named} gives {found}, {verdict} the {level} level fixed in the plan."]
    exact = planned.p_exact
    if exact is not None and unadjusted != exact:
        sides = "" if (exact < plan.alpha) == (unadjusted < plan.alpha) else f": NOT {alike}"
        sentences.append(f"It is an approximation, rough with so few differences; exact: {p_clause(exact)}{sides}.")
    if row.family and not many:
        sentences += _beside_adjusted(p, *_adjusted(results, row, plan), plan)
    if p >= plan.alpha:
        sentences.append("A difference this large could be chance; this does not show that the methods are equal.")
    p_clustered = clustered_p(row)
    if plan.primary_endpoint.test == "wilcoxon" and p_clustered is not None:
        side = alike if (p_clustered < plan.alpha) == (unadjusted < plan.alpha) else f"NOT {alike}"
        sentences.append(f"The test that keeps each patient's answers together gives {p_clause(p_clustered)}, {side}.")
    return sentences


def _beside_adjusted(p: float, p_holm: float, size: int, plan: AnalysisPlan) -> list[str]:
    """Which p the claim uses, where the primary endpoint is one of a family that is adjusted as well."""
    if size < 2:
        return []
    also = "too" if p_holm < plan.alpha else "" if p < plan.alpha else "either"
    verdict = f"{'below' if p_holm < plan.alpha else 'NOT below' if p < plan.alpha else 'not below'} the level {also}"
    return [
        "The claim uses this p value, unadjusted because the plan names one primary endpoint; adjusted by Holm for the "
        f"{size} comparisons of its family it would be {p_clause(p_holm)}, {verdict.strip()}."
    ]


def _adjusted(results: Results, row: PairedRow, plan: AnalysisPlan) -> tuple[float, int]:
    """Holm's p of a row that has a p, and of how many: its family, else this comparison of all methods."""
    if row.p_holm is not None and row.family_size is not None:
        return row.p_holm, row.family_size
    members = [
        (other, p)
        for other in results.paired
        if _of_same_test(row, other)
        and (other is row or plan.tests(other.method_a, other.method_b, list(results.methods)))
        and (p := planned_p(other, plan)) is not None
    ]
    place = next(index for index, (other, _) in enumerate(members) if other is row)
    return float(holm([p for _, p in members])[place]), len(members)


def _companions(results: Results, row: PairedRow, plan: AnalysisPlan) -> list[str]:
    found = []
    truth = {"TP": "FP", "FP": "TP"}.get(row.truth)
    others = [other for other in results.paired if _of_same_question(row, other) and other.level == "overall"]
    other = next((other for other in others if other.truth == truth), None)
    if other and (p := planned_p(other, plan)) is not None:
        found.append(
            f"On {TRUTH_NAMES[other.truth]} the difference was {number(other.mean_difference, signed=True)} "
            f"({_interval(other)}; {p_clause(p)})."
        )
    contrast = next((contrast for contrast in results.contrasts if _of_same_question(row, contrast)), None)
    if contrast and contrast.ci_patient:
        low, high = contrast.ci_patient
        found.append(
            "The effect on true positives minus that on false positives was "
            f"{number(contrast.contrast, signed=True)} "
            f"({interval_text(contrast.ci_patient)}; exploratory), so {_specific(low, high)}."
        )
    planned_auc = plan.primary_endpoint.test == "obuchowski_rockette"
    auc = None if planned_auc else auc_sentence(results, row.question, plan)
    return [*found, auc] if auc else found


def _auc_verdict(results: Results, row: PairedRow, plan: AnalysisPlan) -> list[str]:
    part = _mrmc(results, row.question)
    primary = part.primary if part else None
    sentence = auc_sentence(results, row.question, plan)
    if sentence is None or primary is None or not _known(primary.p_value):
        return ["The planned comparison of AUCs could not be made: see the warnings."]
    named = len(results.methods) < 3 or plan.primary_pair is not None
    found = _auc_row(primary.differences, plan, list(results.methods)).p_value if named else primary.p_value
    at_zero = primary.at_var_tr_zero
    zero = None
    if at_zero is not None:
        zero = _auc_row(at_zero.differences, plan, list(results.methods)).p_value if named else at_zero.p_value
    below = _known(found) and found < plan.alpha
    taken_back = at_zero is not None and not (_known(zero) and zero < plan.alpha)
    but = ", but NOT with that variance set to zero: claim no difference" if below and taken_back else ""
    test = (
        "This planned test" if named else f"The planned test that all methods are equal ({p_clause(primary.p_value)})"
    )
    verdict = "below" if below else "not below"
    return [sentence, f"{test} is {verdict} the {100 * plan.alpha:g} % level fixed in the plan{but}."]


def _auc_row(
    rows: Sequence[DifferenceRow | UStatDifference], plan: AnalysisPlan, methods: Sequence[str]
) -> DifferenceRow | UStatDifference:
    """The plan's primary comparison, else its first, else the first pair."""
    named = [plan.primary_pair] if plan.primary_pair else plan.pairs(methods)
    asked = [{pair.new, pair.reference} for pair in named]
    return next((row for pair in asked for row in rows if {row.method_a, row.method_b} == pair), rows[0])


def _known(p: float | None) -> TypeGuard[float]:
    """Whether there is a p value: None and NaN are none."""
    return p is not None and math.isfinite(p)


def _specific(low: float, high: float) -> str:
    if low > 0:
        return "the change favours predictions that are right"
    if high < 0:
        return "the change favours predictions that are WRONG"
    return "the change is not shown to favour predictions that are right over wrong ones"


def auc_sentence(results: Results, question: str, plan: AnalysisPlan) -> str | None:
    """The AUCs of two methods and their difference in the primary inference mode, or None without them.

    The two are those of the plan's primary comparison, else of its first, else the first two.
    """
    part = _mrmc(results, question)
    if part is None or part.primary is None:
        return None
    primary, methods = part.primary, list(results.methods)
    row = _auc_row(primary.differences, plan, methods)
    a, b = row.method_a, row.method_b
    means = primary.auc  # of the cases the difference is of, where scores are missing
    text = (
        f"Averaged over readers, answers separated true from false positives with an AUC of {number(means[a], 3)} with "
        f"{results.methods[a]} and {number(means[b], 3)} with {results.methods[b]} "
    )
    if not _known(row.p_value):
        return text + "(no test possible)."
    text += (
        f"(difference {number(-row.difference, 3, signed=True)}, {percent(plan.alpha)} interval {_turned(row)}, "
        f"{p_clause(row.p_value)}, {MODE_TITLES[primary.mode]})."
    )
    zero = _auc_row(primary.at_var_tr_zero.differences, plan, methods) if primary.at_var_tr_zero else None
    if zero and _known(zero.p_value):
        text += (
            " How much that difference varies between readers is estimated below zero, so this test may be too "
            f"optimistic; with that variance set to zero, interval {_turned(zero)}, {p_clause(zero.p_value)}."
        )
    return text


def _turned(row: DifferenceRow | UStatDifference) -> str:
    """The interval of second method minus first."""
    return interval_text([-row.ci_high, -row.ci_low], 3)


def _other_methods(results: Results, row: PairedRow, plan: AnalysisPlan) -> list[str]:
    """The primary comparison of every further pair of methods that the plan tests."""
    return [
        f"{results.methods[other.method_b]} against {results.methods[other.method_a]}: "
        f"{number(other.mean_difference, signed=True)} ({_interval(other)}; "
        f"{p_clause(p)}, adjusted {p_text(_adjusted(results, other, plan)[0])})."
        for other in results.paired
        if _of_same_test(row, other)
        and other is not row
        and plan.tests(other.method_a, other.method_b, list(results.methods))
        and (p := planned_p(other, plan)) is not None
    ]


def _readers(results: Results) -> list[str]:
    n = results.flow.n_readers
    if n >= FEW_READERS:
        return []
    return [f"With {counted(n, 'reader')} this holds for {'this reader' if n == 1 else 'these readers'} only."]


def _interval(row: PairedRow) -> str:
    return "no interval" if row.ci_patient is None else interval_text(row.ci_patient)


def _with_interval(row: PairedRow, plan: AnalysisPlan) -> str:
    if row.ci_patient is None:
        few = f" from {counted(row.n_patients, 'patient')}" if row.n_patients < FEWEST_CLUSTERS else ""
        return f"no interval can be given{few}"
    return f"{percent(plan.alpha)} interval {_interval(row)} with patients as clusters"


def _direction(difference: float | None) -> str:
    difference = difference or 0.0
    return "higher" if difference > 0 else "lower" if difference < 0 else "no higher or lower"


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
