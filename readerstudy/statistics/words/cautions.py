"""What a careful reader must know before believing the numbers: warnings, and deviations from the plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from readerstudy.common.counting import counted
from readerstudy.statistics.bootstrap import FEWEST_CLUSTERS, coverage
from readerstudy.statistics.frame import complete
from readerstudy.statistics.mrmc.sentences import DISAGREEMENT, FEW_READERS
from readerstudy.statistics.paired import TRUTH_NAMES
from readerstudy.statistics.plan import MEAN_TESTS, AnalysisPlan
from readerstudy.statistics.rows import About, Flow, PairedRow, Results
from readerstudy.statistics.scores.means import FEW_PATIENTS
from readerstudy.statistics.scores.results import FEWEST_READERS
from readerstudy.statistics.wording import interval_text, number, p_clause, p_text, percent
from readerstudy.statistics.words.sentences import primary_row
from readerstudy.statistics.words.verdict import departs


def warning_sentences(
    results: Results, data: pd.DataFrame, pairs: Mapping[tuple[str, str], pd.DataFrame], plan: AnalysisPlan
) -> list[str]:
    """What a careful reader must know before believing the numbers; most important first."""
    flow = results.flow
    found = _independence(results, plan)
    if 0 < flow.n_readers < FEW_READERS:
        found.append(
            f"Only {counted(flow.n_readers, 'reader')} took part. Results hold for "
            f"{'that reader' if flow.n_readers == 1 else 'those readers'}; "
            "a test that treats readers as a sample of all readers rejects too often below five."
        )
    row = primary_row(results, plan)
    found += _few_patients(row, plan) if row else []
    if results.simulated:
        found.append("Some or all of these answers are simulated. No conclusion about readers may be drawn from them.")
    found += [sentence for key, rows in pairs.items() for sentence in _design(complete(rows), key, results)]
    found += _incompleteness(flow, results)
    if row and row.n_pairs and row.n_zero > row.n_pairs / 2:
        others = "; ".join(f"{rule} {p_text(p)}" for rule, p in results.sensitivity.items() if p is not None)
        found.append(
            f"{row.n_zero} of {row.n_pairs} differences of the primary endpoint are zero, so its p value "
            "depends on the zero rule "
            f"(p by rule: {others}). The plan fixed the rule “{plan.zero_rule}”."
        )
    found += _auc_warnings(results)
    if flow.n_without_patient_key:
        found.append(
            f"For {counted(flow.n_without_patient_key, 'example')} of {flow.n_examples} the patient is not "
            "known: each such image counts as a patient of its own."
        )
    return found


def _few_patients(row: PairedRow, plan: AnalysisPlan) -> list[str]:
    patients = row.n_patients
    if 0 < patients < FEWEST_CLUSTERS:
        return [
            f"The primary comparison is of {counted(patients, 'patient')}: too few for an interval, which takes "
            f"{FEWEST_CLUSTERS}. Its estimate stands without one."
        ]
    if patients >= FEW_PATIENTS or patients == 0:
        return []
    if plan.primary_endpoint.test in MEAN_TESTS or row.ci_patient is None:
        return [f"The primary comparison is of {patients} patients only: too few for a verdict."]
    return [
        f"The primary comparison is of {patients} patients only, so its interval is too narrow: of intervals that "
        f"claim {percent(plan.alpha)}, about {100 * coverage(patients, plan.alpha):.0f} % of such would hold the true "
        "difference."
    ]


def _auc_warnings(results: Results) -> list[str]:
    """The warnings of the AUC analyses, each once, with the questions it is about; disagreement first."""
    asked: dict[str, list[str]] = {}
    for part in results.mrmc:
        for sentence in part.warnings:
            asked.setdefault(sentence, []).append(part.question)
    ordered = sorted(asked.items(), key=lambda item: not item[0].startswith(DISAGREEMENT))
    return [f"AUC, question {' and '.join(questions)}: {sentence}" for sentence, questions in ordered]


def _independence(results: Results, plan: AnalysisPlan) -> list[str]:
    row = primary_row(results, plan)
    if row is None or row.n_pairs <= row.n_patients or plan.primary_endpoint.test in MEAN_TESTS:
        return []  # where the plan tests means the pooled test stands in the tables only, as a description
    found = [
        f"The pooled signed-rank test treats its {row.n_pairs} pairs as independent. They are not: they come from "
        f"{counted(row.n_readers, 'reader')} and {counted(row.n_examples, 'example')} of "
        f"{counted(row.n_patients, 'patient')}. "
        "Read it beside the intervals and tests that keep each patient's answers together."
    ]
    effect = row.design_effect
    if effect is not None:
        meaning = "too small" if effect > 1.1 else "hardly too small" if effect > 1 else "not too small for that reason"
        found[0] += (
            f" (Variance with patients as clusters over variance if independent: {number(effect)}, "
            f"so the pooled p value is {meaning}.)"
        )
    for other in results.paired:
        ci = other.ci_patient
        if other.level != "overall" or other.p_value is None or ci is None:
            continue
        includes = ci[0] <= 0 <= ci[1]
        clustered = other.clustered.patient.p_value if other.clustered else None
        if clustered is not None and (clustered < plan.alpha) != (other.p_value < plan.alpha):
            found.append(
                f"Question “{other.question}”, {TRUTH_NAMES[other.truth]}: the pooled test has "
                f"{p_clause(other.p_value)}, the one with patients as clusters {p_clause(clustered)}."
            )
        if (other.p_value < plan.alpha) == includes:
            found.append(
                f"Question “{other.question}”, {TRUTH_NAMES[other.truth]}: the pooled test has "
                f"{p_clause(other.p_value)}, but the patient-cluster "
                f"interval of the mean difference ({interval_text(ci, _digits(ci), error=other.ci_patient_error)}) "
                f"{'touches' if 0 in ci else 'includes' if includes else 'excludes'} zero."
            )
    return found


def _digits(ci: Sequence[float]) -> int:
    """Three decimals, or as many as show that an end is not zero."""
    return next((digits for digits in range(3, 9) if all(end == 0 or round(end, digits) != 0 for end in ci)), 9)


def _design(pairs: pd.DataFrame, key: tuple[str, str], results: Results) -> list[str]:
    a, b = (results.methods[method] for method in key)
    known = pairs[pairs["order"] != ""].drop_duplicates(["reader", "example"])
    found = []
    one_order = [str(reader) for reader, rows in known.groupby("reader") if rows["order"].nunique() == 1]
    if one_order:
        found.append(
            f"{', '.join(one_order)} saw {a} and {b} in one order only: for them the method cannot be told from "
            "the period."
        )
    shared = known.groupby("example")["order"].agg(["nunique", "size"])
    shared = shared[shared["size"] > 1]
    if len(shared) and not one_order and (shared["nunique"] == 1).all():
        found.append(
            f"All readers saw each example in the same order of {a} and {b}: order and example are confounded, "
            "so a difference between the halves may come from either."
        )
    return found


def _incompleteness(flow: Flow, results: Results) -> list[str]:
    found = []
    rows = flow.responses
    if rows.analysed < rows.expected:
        found.append(
            f"The data are incomplete: {rows.analysed} of {rows.expected} possible answers are analysed. "
            "Missing and excluded ones are left out, never imputed."
        )
    for pair in flow.pairs:
        if pair.incomplete:
            a, b = results.methods[pair.method_a], results.methods[pair.method_b]
            total = pair.incomplete + pair.complete
            found.append(
                f"{pair.incomplete} of {total} pairs of {a} and {b} lack one side and are left out of paired tests."
            )
    return found


def deviation_sentences(data: pd.DataFrame, plan: AnalysisPlan, about: About, results: Results) -> list[str]:
    """Where the analysis departs from a plan fixed before reading: found in the data, then those recorded by hand."""
    found = []
    fixed = pd.to_datetime(about.plan_fixed_at, utc=True) if about.plan_fixed_at else None
    stored = data["received_at"].fillna(data["answered_at"])  # the server's clock, as that which fixed the plan
    first = stored[~data["practice"]].min()
    if fixed is None:
        found.append(
            "No date is recorded on which the plan was fixed, so it cannot be shown that it came before the answers."
        )
    elif pd.notna(first) and first < fixed:
        found.append(
            f"The plan was fixed on {fixed:%Y-%m-%d %H:%M} UTC, after the first answer ({first:%Y-%m-%d %H:%M} UTC)."
        )
    if plan.primary_endpoint.question not in results.questions:
        found.append(f"The plan's primary question {plan.primary_endpoint.question!r} has no answers.")
    row = primary_row(results, plan)
    if row is not None and departs(row, plan):
        found.append(
            f"The planned test takes readers as a sample, which needs {FEWEST_READERS}; {row.n_readers} took part, so "
            "the test for these readers was made in its place."
        )
    excluded = results.flow.responses.excluded
    if excluded:
        found.append(f"{counted(excluded, 'answer')} were excluded from the analysis.")
    return found + about.deviations
