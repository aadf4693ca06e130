"""The analysis plan: what it accepts, what it says when it cannot be used."""

from __future__ import annotations

import json

import pytest

from readerstudy.statistics.plan import AnalysisError, AnalysisPlan, Family, PrimaryEndpoint


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
