"""The analysis plan: what it accepts, what it says when it cannot be used."""

from __future__ import annotations

import json

import pytest

from readerstudy.statistics.plan import AnalysisError, AnalysisPlan, Family, PrimaryEndpoint
from readerstudy.statistics.planned import PlannedPair, Subgroup, TrustThreshold


def test_a_plan_survives_json() -> None:
    plan = AnalysisPlan(
        alpha=0.01,
        zero_rule="pratt",
        primary_endpoint=PrimaryEndpoint("feature", "FP", "clustered_signed_rank"),
        families=(
            Family("all four", per_question=False),
            Family("sites", level="pathology", truths=("TP",), exploratory=True),
        ),
        margin=0.05,
        bootstrap_seed=7,
    )
    assert AnalysisPlan.from_dict(json.loads(json.dumps(plan.to_dict()))) == plan


def test_what_is_not_given_keeps_its_default() -> None:
    assert AnalysisPlan.from_dict({}) == AnalysisPlan()
    assert AnalysisPlan.from_dict({"primary_endpoint": {"truth": "FP"}}).primary_endpoint == PrimaryEndpoint(
        "confidence", "FP"
    )


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"alpha": 0}, "alpha must be a number between 0 and 0.5, not 0"),
        ({"alpha": True}, "alpha must be a number"),
        ({"zero_rule": "drop"}, "zero rule must be one of wilcox, pratt, zsplit, not 'drop'"),
        ({"covariance": "bootstrap"}, "covariance must be one of"),
        ({"inference_mode": "fixed"}, "inference mode must be one of"),
        ({"primary_endpoint": {"truth": "TN"}}, "primary endpoint's truth must be one of TP, FP, all"),
        ({"primary_endpoint": {"question": ""}}, "must name a question"),
        ({"primary_endpoint": {"test": "obuchowski_rockette"}}, 'primary endpoint has the truth "all"'),
        ({"primary_endpoint": "confidence"}, "must be a set of named entries, not 'confidence'"),
        ({"margin": -0.1}, "margin must be between 0 and 1"),
        ({"bootstrap_replicates": 99}, "whole number of at least 100, not 99"),
        ({"bootstrap_seed": 1.5}, "bootstrap seed must be a whole number"),
        ({"minimum_pairs": 1}, "at least 2, not 1"),
        ({"families": "none"}, "families must be a list"),
        ({"families": [{"level": "reader"}]}, "needs a name"),
        ({"families": [{"name": "x", "level": "site"}]}, "Family 'x': level must be one of"),
        ({"families": [{"name": "x"}, {"name": "y"}]}, "Family 'y': overall TP is in another family already"),
        ({"trust_thresholds": [{"question": "confidence"}]}, "A threshold of trust needs at_least"),
        ({"trust_thresholds": 4}, "trust_thresholds must be a list"),
        ({"trust_thresholds": [{"question": "q", "at_least": "4"}]}, "must be a number, not '4'"),
        ({"trust_thresholds": 2 * [{"question": "q", "at_least": 4}]}, "two thresholds of trust for 'q'"),
        ({"control": 3}, "control must be the key of a method, or left out, not 3"),
        ({"contrasts": [{"new": "B", "reference": "B"}]}, "compares method 'B' with itself"),
        ({"contrasts": [{"new": "B", "reference": "A"}, {"new": "A", "reference": "B"}]}, "two methods twice"),
        (
            {"contrasts": [{"new": x, "reference": "A", "primary": True} for x in "BC"]},
            "more than one comparison primary",
        ),
        ({"subgroups": [{"by": "age"}]}, "one of pathology, specialty, years, not 'age'"),
        ({"subgroups": [{"by": "years"}]}, "need the years to split at, above 0, not None"),
        ({"subgroups": [{"by": "pathology", "split": 3}]}, "not split at a number"),
        ({"subgroups": [{"by": "pathology"}, {"by": "pathology"}]}, "subgroups by pathology twice"),
        ({"familes": []}, "has no entry named familes; it may have: alpha"),
    ],
)
def test_a_bad_plan_is_refused_with_a_sentence(data: dict, words: str) -> None:
    with pytest.raises(AnalysisError) as raised:
        AnalysisPlan.from_dict(data)
    assert words in str(raised.value)


def test_every_problem_is_named_at_once() -> None:
    with pytest.raises(AnalysisError) as raised:
        AnalysisPlan(alpha=2, zero_rule="x", minimum_pairs=0)
    assert str(raised.value).count(" must ") == 3


FIRST_PLANS = (
    "alpha bootstrap_replicates bootstrap_seed covariance families inference_mode margin minimum_pairs "
    "primary_endpoint zero_rule"
)


def test_a_plan_without_the_later_choices_is_stored_as_the_first_ones_were() -> None:
    """Entries that came later stand there only where they say something else, so that hashes of protocols stay."""
    assert {*FIRST_PLANS.split()} <= {*AnalysisPlan().to_dict()}
    assert not {"trust_thresholds", "control", "contrasts", "subgroups"} & {*AnalysisPlan().to_dict()}


CHOSEN = AnalysisPlan(
    trust_thresholds=(TrustThreshold("confidence", 4),),
    control="A",
    contrasts=(PlannedPair("C", "B", primary=True),),
    subgroups=(Subgroup("years", 10), Subgroup("pathology")),
)


def test_the_later_choices_survive_json() -> None:
    assert AnalysisPlan.from_dict(json.loads(json.dumps(CHOSEN.to_dict()))) == CHOSEN
    assert CHOSEN.threshold("confidence") == 4
    assert CHOSEN.threshold("feature") is None


def test_a_control_is_compared_with_every_other_method_and_pairs_come_first() -> None:
    assert CHOSEN.pairs("ABC") == (PlannedPair("C", "B", True), PlannedPair("B", "A"), PlannedPair("C", "A"))
    assert AnalysisPlan(control="C").pairs("ABC") == (PlannedPair("A", "C"), PlannedPair("B", "C"))
    assert AnalysisPlan().pairs("ABC") == ()


def test_only_what_the_plan_names_is_tested() -> None:
    control = AnalysisPlan(control="A")
    assert [control.tests(*pair, "ABC") for pair in ("AB", "CA", "BC")] == [True, True, False]
    assert all(AnalysisPlan().tests(*pair, "ABC") for pair in ("AB", "CA", "BC"))
