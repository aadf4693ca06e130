"""The analysis in words: the answer in one paragraph."""

from __future__ import annotations

from readerstudy.common.counting import counted
from readerstudy.statistics.bootstrap import FEWEST_CLUSTERS
from readerstudy.statistics.paired import TRUTH_NAMES, planned_p
from readerstudy.statistics.plan import MEAN_TESTS, AnalysisPlan
from readerstudy.statistics.rows import PairedRow, Results
from readerstudy.statistics.scores.comparing import new_of
from readerstudy.statistics.scores.means import FEW_PATIENTS
from readerstudy.statistics.wording import interval_text, number, p_clause, p_text, percent
from readerstudy.statistics.words.auc import auc_sentence, known, mrmc_of, taken_back
from readerstudy.statistics.words.verdict import adjusted, of_same_test, patients, scope, verdict


def primary_row(results: Results, plan: AnalysisPlan) -> PairedRow | None:
    """The primary endpoint's row, for the plan's primary comparison, else its first, else the first pair."""
    return next(iter(primary_rows(results, plan)), None)


def primary_rows(results: Results, plan: AnalysisPlan) -> list[PairedRow]:
    """The rows of the primary endpoint that decide: of the plan's primary comparison, else of all that it tests."""
    endpoint, methods = plan.primary_endpoint, list(results.methods)
    wanted = (endpoint.question, endpoint.truth, "overall")
    found = [row for row in results.paired if (row.question, row.truth, row.level) == wanted]
    named = (plan.primary_pair,) if plan.primary_pair else plan.pairs(methods)
    asked = [{pair.new, pair.reference} for pair in named]
    return [row for pair in asked for row in found if {row.method_a, row.method_b} == pair] or found


def aim_that_decides(results: Results) -> tuple[str, str, str] | None:
    """Question, new method and reference whose AUCs the plan compares; None with too few patients for a verdict.

    Of three methods or more there is one where the plan names a primary comparison.
    """
    plan = results.plan
    row = primary_row(results, plan)
    alone = plan.primary_pair is not None or len(results.methods) == 2
    if row is None or not alone or plan.primary_endpoint.test != "obuchowski_rockette":
        return None
    if patients(results, row) < FEW_PATIENTS:
        return None
    new = new_of(plan, row.method_a, row.method_b)
    return row.question, new, row.method_a if new == row.method_b else row.method_b


def answer(results: Results, plan: AnalysisPlan) -> str:
    """The study's answer in one paragraph a reader of the report can quote.

    A verdict comes from the planned test only, and from FEW_PATIENTS patients on; whatever else is found "would
    suggest".
    """
    row = primary_row(results, plan)
    opening = "SIMULATED DATA, which say nothing about any reader or method. " if results.simulated else ""
    if row is None:
        return opening + (
            f"There is no answer: no responses compare two methods on the question {plan.primary_endpoint.question!r}."
        )
    by_auc = plan.primary_endpoint.test == "obuchowski_rockette" and auc_sentence(results, row.question, plan)
    if not row.n_pairs and by_auc:  # readers nested in methods: nobody answered with both
        few = [by_auc] if patients(results, row) < FEW_PATIENTS else []  # else the verdict begins with it
        return opening + " ".join([*few, *verdict(results, row, plan), *scope(results, row, plan)])
    if row.p_value is None:
        return opening + f"There is no answer to the primary question: {_lower(row.note or 'it could not be tested.')}"
    a, b = (results.methods[method] for method in (row.method_a, row.method_b))
    difference = _difference(row, plan)
    parts = [
        f"On {TRUTH_NAMES[row.truth]}, answers to “{results.questions[row.question].text}” were "
        f"{_direction(difference)} with {b} than with {a}: mean {number(row.mean_b)} against "
        f"{number(row.mean_a)}, difference {number(difference, signed=True)} points"
        f"{_alike(row, difference)} ({_with_interval(row, plan)}; {row.n_pairs} pairs "
        f"from {counted(row.n_readers, 'reader')} and {counted(row.n_examples, 'example')})."
    ]
    parts += [
        *verdict(results, row, plan),
        *_opposite(results, row, plan),
        *_companions(results, row, plan),
        *_other_methods(results, row, plan),
        *scope(results, row, plan),
    ]
    return opening + " ".join(parts)


def _by_means(row: PairedRow, plan: AnalysisPlan) -> bool:
    return plan.primary_endpoint.test in MEAN_TESTS and row.mean_test is not None


def _difference(row: PairedRow, plan: AnalysisPlan) -> float:
    if row.mean_test is not None and _by_means(row, plan):
        return row.mean_test.estimate
    return row.mean_difference or 0.0


def _alike(row: PairedRow, difference: float) -> str:
    """Where readers completed different numbers of pairs, the means are of pairs and the difference of readers."""
    return "" if abs(difference - (row.mean_difference or 0.0)) < 5e-4 else " where each reader counts alike"


def _opposite(results: Results, row: PairedRow, plan: AnalysisPlan) -> list[str]:
    """Where scores speak for one method and the AUC for the other: higher is better, on false positives lower.

    An AUC's difference that could be chance is called one: an estimate of the other sign is no finding.
    """
    part = mrmc_of(results, row.question)
    if part is None or part.primary is None or not part.primary.differences:
        return []
    pair = {row.method_a, row.method_b}
    row_of_pair = next((d for d in part.primary.differences if {d.method_a, d.method_b} == pair), None)
    if row_of_pair is None:
        return []
    auc = row_of_pair.difference * (1 if row_of_pair.method_a == row.method_b else -1)
    scores = _difference(row, plan)
    if not auc * (-scores if row.truth == "FP" else scores) < 0:  # NaN says nothing
        return []
    a, b = (results.methods[method] for method in (row.method_a, row.method_b))
    p_value = row_of_pair.p_value
    told = f"told right from wrong predictions {'better' if auc > 0 else 'less well'} with {b} than with {a}"
    chance = "a difference that could be chance" if known(p_value) else "a difference without a test"
    if known(p_value) and p_value < plan.alpha and not taken_back(part.primary, plan, list(results.methods)):
        chance = f"which would suggest that they {told}"
        if row.n_patients < FEW_PATIENTS:
            chance = "from too few patients to suggest anything"
    return [
        f"Scores and AUC point in OPPOSITE directions: answers were {_direction(scores)} with {b} on "
        f"{TRUTH_NAMES[row.truth]}, and their AUC was {_direction(auc)} ({number(auc, 3, signed=True)}), {chance}."
    ]


def _companions(results: Results, row: PairedRow, plan: AnalysisPlan) -> list[str]:
    """Beside the primary test: the test of means, the other truth, their contrast, the AUC. None gives a verdict."""
    found = _beside(row, plan)
    truth = {"TP": "FP", "FP": "TP"}.get(row.truth)
    same = (row.question, row.method_a, row.method_b)
    others = [other for other in results.paired if (other.question, other.method_a, other.method_b) == same]
    other = next((other for other in others if (other.level, other.truth) == ("overall", truth)), None)
    if other and (p := planned_p(other, plan)) is not None:
        suggests = ""
        if p < plan.alpha and other.n_patients >= FEW_PATIENTS:
            suggests = f", which would suggest {_direction(_difference(other, plan))} answers there"
        found.append(
            f"On {TRUTH_NAMES[other.truth]} the difference was {number(_difference(other, plan), signed=True)} "
            f"({_interval(other, plan)}; {p_clause(p)}){suggests}."
        )
    contrast = next((c for c in results.contrasts if (c.question, c.method_a, c.method_b) == same), None)
    if contrast and contrast.ci_patient:
        found.append(
            "The effect on true positives minus that on false positives was "
            f"{number(contrast.contrast, signed=True)} "
            f"({interval_text(contrast.ci_patient, error=contrast.ci_patient_error)}, these readers; exploratory and "
            "not tested; above zero it would favour predictions that are right)."
        )
    planned_auc = plan.primary_endpoint.test == "obuchowski_rockette"
    auc = None if planned_auc else auc_sentence(results, row.question, plan, suggest=row.n_patients >= FEW_PATIENTS)
    return [*found, auc] if auc else found


def _beside(row: PairedRow, plan: AnalysisPlan) -> list[str]:
    """The test of means beside a planned rank test."""
    test = row.mean_test
    if (
        plan.primary_endpoint.test not in ("wilcoxon", "clustered_signed_rank")
        or test is None
        or not known(test.p_value)
    ):
        return []
    suggests = ""
    if row.n_patients >= FEW_PATIENTS:
        difference = "a difference" if test.p_value < plan.alpha else "that this could be chance"
        suggests = f", which would suggest {difference} for {test.speaks_for}"
    return [f"The test of mean scores beside it gives {p_clause(test.p_value)}{suggests}."]


def _other_methods(results: Results, row: PairedRow, plan: AnalysisPlan) -> list[str]:
    """The primary comparison of every further pair of methods that the plan tests."""
    return [
        f"{results.methods[other.method_b]} against {results.methods[other.method_a]}: "
        f"{number(_difference(other, plan), signed=True)} ({_interval(other, plan)}; "
        f"{p_clause(p)}, adjusted {p_text(adjusted(results, other, plan)[0])})."
        for other in results.paired
        if of_same_test(row, other)
        and other is not row
        and plan.tests(other.method_a, other.method_b, list(results.methods))
        and (p := planned_p(other, plan)) is not None
    ]


def _interval(row: PairedRow, plan: AnalysisPlan) -> str:
    if row.mean_test is not None and _by_means(row, plan):
        return interval_text(row.mean_test.ci)
    return "no interval" if row.ci_patient is None else interval_text(row.ci_patient, error=row.ci_patient_error)


def _with_interval(row: PairedRow, plan: AnalysisPlan) -> str:
    if row.mean_test is not None and _by_means(row, plan):
        return f"{percent(plan.alpha)} interval {_interval(row, plan)}, for {row.mean_test.speaks_for}"
    if row.ci_patient is None:
        few = f" from {counted(row.n_patients, 'patient')}" if row.n_patients < FEWEST_CLUSTERS else ""
        return f"no interval can be given{few}"
    return f"{percent(plan.alpha)} interval {_interval(row, plan)} with patients as clusters and these readers given"


def _direction(difference: float | None) -> str:
    difference = difference or 0.0
    return "higher" if difference > 0 else "lower" if difference < 0 else "no higher or lower"


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
