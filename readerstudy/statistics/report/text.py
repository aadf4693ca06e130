"""The words of the report around its sections: the plan in prose, what was analysed, the limitations."""

from __future__ import annotations

import pandas as pd

from readerstudy.common.counting import counted
from readerstudy.statistics.bootstrap import FEWEST_CLUSTERS
from readerstudy.statistics.mrmc.sentences import FEW_READERS, MODE_NAMES
from readerstudy.statistics.paired import TRUTH_NAMES
from readerstudy.statistics.plan import Family, PrimaryEndpoint
from readerstudy.statistics.rows import Results
from readerstudy.statistics.scores.choice import claims_of

TEST_NAMES = {
    "by_readers": f"mean difference of scores: readers and patients random from {FEW_READERS} readers on, else these "
    "readers only",
    "readers_and_patients": "mean difference of scores, readers and patients random",
    "fixed_readers": "mean difference of scores for these readers",
    "wilcoxon": "pooled Wilcoxon signed-rank test (descriptive: for these answers)",
    "clustered_signed_rank": "clustered signed-rank test (Rosner, Glynn and Lee), patients as clusters",
    "obuchowski_rockette": "Obuchowski-Rockette comparison of AUCs",
}
ZERO_NAMES = {
    "wilcox": "left out before ranking",
    "pratt": "ranked, then left out",
    "zsplit": "ranked, half to each side",
}
INFERENCE_NAMES = {
    "auto": f"fixed readers below {FEW_READERS} readers, else random readers and cases",
} | MODE_NAMES


def plan_entries(results: Results) -> list[tuple[str, str]]:
    """The plan as (what, how) lines."""
    plan, primary = results.plan, results.plan.primary_endpoint
    asked = results.questions.get(primary.question)
    margin = (
        "margin: none (superiority only)"
        if plan.margin is None
        else f"margin: {plan.margin:g} of AUC (non-inferiority)"
    )
    families = "; ".join(
        f"{family.name} ({', '.join(family.truths)}{', each question apart' if family.per_question else ''}"
        f"{', exploratory' if family.exploratory else ''}: {_size(results, family)})"
        for family in plan.families
    )
    return [
        *((what, how) for what, how in results.design),
        ("Plan fixed", _time(results.plan_fixed_at)),
        ("Primary question", f"“{asked.text if asked else primary.question}” on {TRUTH_NAMES[primary.truth]}"),
        ("Methods compared", "; ".join(_method(results, key) for key in results.methods) or "none"),
        ("Primary test", f"{TEST_NAMES[primary.test]}; {_aim(primary, plan.alpha)}"),
        *_claims(primary),
        ("Zero differences", f"{ZERO_NAMES[plan.zero_rule]} (rule “{plan.zero_rule}”)"),
        ("Families for multiplicity", f"{families}; Holm and Benjamini-Hochberg"),
        (
            "Readers and cases (AUC)",
            f"{INFERENCE_NAMES[plan.inference_mode]}; {plan.covariance} covariances; {margin}",
        ),
        (
            "Bootstrap",
            f"percentile intervals from {plan.bootstrap_replicates:,} samples of whole patients, seed "
            f"{plan.bootstrap_seed}; none from fewer than {FEWEST_CLUSTERS} patients, where one of 95 % would miss "
            "the true value more than twice as often as it says (Hesterberg 2015)",
        ),
        ("Smallest group tested", f"{plan.minimum_pairs} pairs"),
        *_chosen(results),
    ]


SUBGROUP_NAMES = {"pathology": "pathology", "specialty": "the readers' specialty", "years": "the readers' experience"}


def _chosen(results: Results) -> list[tuple[str, str]]:
    """What a plan may do without, where it has it."""
    plan, methods = results.plan, list(results.methods)
    pairs = "; ".join(
        f"{results.methods.get(pair.new, pair.new)} against {results.methods.get(pair.reference, pair.reference)}"
        f"{' (primary)' if pair.primary else ''}"
        for pair in plan.pairs(methods)
    )
    trust = "; ".join(
        f"“{one.question}”: {trusting(results, one.question, one.at_least)}" for one in plan.trust_thresholds
    )
    groups = "; ".join(
        SUBGROUP_NAMES[one.by] + (f", split at {one.split:g} years" if one.split is not None else "")
        for one in plan.subgroups
    )
    control = results.methods.get(plan.control, plan.control) if plan.control else ""
    found = [
        ("Control", control),
        ("Comparisons of methods", pairs),
        ("An answer trusts", trust),
        ("Subgroups", groups),
    ]
    return [(what, how) for what, how in found if how]


def trusting(results: Results, question: str, at_least: float) -> str:
    """Which answers trust the prediction: "4 or more", or the word at the upper end of two points: "yes"."""
    asked = results.questions.get(question)
    if asked is not None and asked.is_yes_or_no and at_least > asked.minimum:
        return f"“{asked.maximum_label}”"
    return f"{at_least:g} or more"


def _aim(primary: PrimaryEndpoint, alpha: float) -> str:
    if primary.aim == "difference" or primary.margin_points is None:
        return f"two-sided, level {100 * alpha:g} %"
    return (
        f"{primary.aim.replace('_', '-')} with a margin of {primary.margin_points:g} points, one-sided, level "
        f"{50 * alpha:g} %"
    )


def _claims(primary: PrimaryEndpoint) -> list[tuple[str, str]]:
    return [] if primary.test == "obuchowski_rockette" else [("It can claim", " ".join(claims_of(primary.test)))]


def _size(results: Results, family: Family) -> str:
    """How many p values of a family were adjusted together: "4 tests each", or "none"."""
    rows = [row for row in results.paired if row.level == family.level and row.truth in family.truths]
    sizes = sorted({row.family_size for row in rows if row.family_size})
    each = " each" if family.per_question else ""
    return f"{' or '.join(map(str, sizes))} test{'s' * (sizes != [1])}{each}" if sizes else "no test"


def _time(moment: str | None) -> str:
    """2026-01-05 09:00 UTC of what ISO 8601 writes."""
    return f"{pd.to_datetime(moment, utc=True):%Y-%m-%d %H:%M} UTC" if moment else "date not recorded"


def _method(results: Results, key: str) -> str:
    """A method's neutral label with what it showed, which readers were not told."""
    shown = ", ".join(results.kinds.get(key, []))
    return f"{key}: {results.methods[key]}" + (f" ({shown})" if shown else "")


def limitations(results: Results) -> list[str]:
    """What this analysis cannot show, whatever its numbers."""
    found = [
        "Answers are opinions on a scale; a mean difference treats its steps as equal, the signed-rank test "
        "treats only their order of size as known.",
        "A higher score is not a better one by itself: on false positives, more confidence is harm.",
        "True and false positives were chosen for the study, so their shares say nothing about how often a "
        "model is right in practice.",
        "Missing answers are left out. If they are missing because an example was hard, the results are biased.",
        "P values outside the confirmatory families are exploratory, adjusted or not.",
        "Signed-rank tests, bootstrap intervals, and models of answers take the readers as given: they say nothing of "
        "other readers, however many took part.",
        "Where answers crowd at an end of the scale a method has little room to move them further, which by itself can "
        "make its effect on true and on false positives differ.",
    ]
    if any(row.n_pairs for row in results.paired):  # readers of several methods
        found.insert(
            3, "Examples were read with several methods, so a later read may be coloured by memory of an earlier one."
        )
    if results.flow.n_readers < FEW_READERS:
        found.insert(0, "With so few readers nothing can be said about readers who did not take part.")
    return found


def what_was_analysed(results: Results) -> str:
    """Readers, questions, examples, patients, methods; answers analysed and missing."""
    flow = results.flow
    rows = flow.responses
    missing = rows.expected - rows.analysed
    return (
        f"{counted(flow.n_readers, 'reader')} answered {counted(len(results.questions), 'question')} about "
        f"{counted(flow.n_examples, 'example')} ({flow.n_tp} true and {flow.n_fp} false positives) of "
        f"{counted(flow.n_patients, 'patient')} with {counted(len(results.methods), 'method')}: "
        f"{rows.analysed:,} of {rows.expected:,} possible answers are analysed, {missing:,} are missing or left "
        "out. A missing answer is left out of what needs it; nothing is imputed."
        + "".join(
            f" The question “{question}” is not asked with {results.methods.get(method, method)}, which shows no "
            "explanation; it is not missing there."
            for method, question in results.not_asked
        )
        + "".join(
            f" “{key}” is answered with {one.minimum_label} ({one.minimum:g}) or {one.maximum_label} "
            f"({one.maximum:g}): a mean of {one.minimum + 0.62:g} is 62 % {one.maximum_label}."
            for key, one in results.questions.items()
            if one.is_yes_or_no
        )
    )
