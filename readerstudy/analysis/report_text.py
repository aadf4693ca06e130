"""The words of the report around its tables and figures: the plan in prose, the sections, the limitations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from readerstudy.analysis.bootstrap import FEWEST_CLUSTERS
from readerstudy.analysis.mrmc.sentences import FEW_READERS
from readerstudy.analysis.paired import TRUTH_NAMES
from readerstudy.analysis.report_tables import Table

TEST_NAMES = {
    "wilcoxon": "pooled Wilcoxon signed-rank test",
    "clustered_signed_rank": "clustered signed-rank test (Rosner, Glynn and Lee), patients as clusters",
    "obuchowski_rockette": "Obuchowski-Rockette comparison of AUCs",
}
MODE_NAMES = {
    "auto": f"fixed readers below {FEW_READERS} readers, else random readers and cases",
    "random_readers": "random readers and random cases",
    "fixed_readers": "fixed readers, random cases",
    "fixed_cases": "random readers, fixed cases",
}


def plan_entries(results: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The plan as (what, how) lines."""
    plan = results["plan"]
    primary = plan["primary_endpoint"]
    question = results["questions"].get(primary["question"], {"text": primary["question"]})["text"]
    margin = (
        "margin: none (superiority only)"
        if plan["margin"] is None
        else f"margin: {plan['margin']:g} of AUC (non-inferiority)"
    )
    families = "; ".join(
        f"{family['name']} ({', '.join(family['truths'])}{', each question apart' if family['per_question'] else ''}"
        f"{', exploratory' if family['exploratory'] else ''})"
        for family in plan["families"]
    )
    return [
        ("Fixed", _time(results["plan_fixed_at"])),
        ("Primary question", f"“{question}” on {TRUTH_NAMES[primary['truth']]}"),
        ("Methods compared", "; ".join(_method(results, key) for key in results["methods"]) or "none"),
        ("Primary test", f"{TEST_NAMES[primary['test']]}, two-sided, level {100 * plan['alpha']:g} %"),
        ("Zero differences", f"rule “{plan['zero_rule']}”"),
        ("Families for multiplicity", f"{families}; Holm and Benjamini-Hochberg"),
        (
            "Readers and cases (AUC)",
            f"{MODE_NAMES[plan['inference_mode']]}; {plan['covariance']} covariances; {margin}",
        ),
        (
            "Bootstrap",
            f"percentile intervals from {plan['bootstrap_replicates']} samples of whole patients, seed "
            f"{plan['bootstrap_seed']}; none from fewer than {FEWEST_CLUSTERS} patients, where one of 95 % would miss "
            "the true value more than twice as often as it says (Hesterberg 2015)",
        ),
        ("Smallest group tested", f"{plan['minimum_pairs']} pairs"),
    ]


def _time(moment: str | None) -> str:
    """2026-01-05 09:00 UTC of what ISO 8601 writes."""
    return f"{pd.to_datetime(moment, utc=True):%Y-%m-%d %H:%M} UTC" if moment else "date not recorded"


def _method(results: Mapping[str, Any], key: str) -> str:
    """A method's neutral label with what it showed, which readers were not told."""
    shown = ", ".join(results["kinds"].get(key, []))
    return f"{key}: {results['methods'][key]}" + (f" ({shown})" if shown else "")


def limitations(results: Mapping[str, Any]) -> list[str]:
    """What this analysis cannot show, whatever its numbers."""
    found = [
        "Answers are opinions on a scale; a mean difference treats its steps as equal, the signed-rank test "
        "treats only their order of size as known.",
        "A higher score is not a better one by itself: on false positives, more confidence is harm.",
        "True and false positives were chosen for the study, so their shares say nothing about how often a "
        "model is right in practice.",
        "Each example is read with every method, so the later read may be coloured by memory of the earlier one.",
        "Missing answers are left out. If they are missing because an example was hard, the results are biased.",
        "P values outside the confirmatory families are exploratory, adjusted or not.",
    ]
    if results["flow"]["n_readers"] < FEW_READERS:
        found.insert(0, "With so few readers nothing can be said about readers who did not take part.")
    return found


def sections(
    results: Mapping[str, Any], figures: Mapping[str, Any], tables: Mapping[str, Table]
) -> list[dict[str, Any]]:
    """The report's body in order: each part has a title, an opening sentence, figures and tables."""
    forests = [figures[name] for name in figures if name.startswith("forest")]

    def part(title: str, text: str, *, shown: list[Any], tabled: list[str]) -> dict[str, Any]:
        return {
            "title": title,
            "text": text,
            "figures": shown,
            "tables": [tables[name] for name in tabled if name in tables and tables[name].rows],
        }

    return [
        part("What was analysed", "", shown=[figures["flow"]], tabled=[]),
        part(
            "Did the answers differ between methods?",
            "Each reader's two answers for one example, one with each method, make a pair. Bold rows belong to "
            "the plan's confirmatory "
            "families; all others are exploratory and decide nothing.",
            shown=forests,
            tabled=["overall"],
        ),
        part(
            "The answers",
            "",
            shown=[figures[name] for name in ("answers-by-pathology", "joint-means", "answer-counts")],
            tabled=[],
        ),
        part(
            "Do answers tell right from wrong predictions?",
            "An answer is useful when it is higher on true positives than on false positives. The area under the ROC "
            "curve (AUC) is how often that is so.",
            shown=[figures["roc"]],
            tabled=["mrmc-auc", "mrmc-tests"],
        ),
        part("Do the readers agree?", "", shown=[], tabled=["agreement"]),
        part(
            "Period, order and other effects",
            "",
            shown=[],
            tabled=["crossover", "periods", "models"],
        ),
        part("Overlap with expert masks", "", shown=[figures["overlap"]], tabled=[]),
        part("Reading time", "", shown=[figures["reading-time"]], tabled=["timing"]),
        part("By pathology, reader and order", "Exploratory.", shown=[], tabled=["groups"]),
        part(
            "Planning the next study",
            "From the variances found here. They are themselves uncertain, the more so with few readers.",
            shown=[],
            tabled=["mrmc-components", "mrmc-power"],
        ),
    ]
