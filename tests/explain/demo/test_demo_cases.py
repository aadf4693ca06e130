"""The demo study's cases: balanced, of different patients, and each called positive by the shipped classifier."""

from __future__ import annotations

from collections import Counter

import pytest
import torch

from explain.demo.cases import demo_cases
from explain.demo.phantoms import COMPANION, PATHOLOGIES


def test_two_true_and_two_false_positives_of_each_pathology_and_six_to_practise() -> None:
    cases = demo_cases()
    scored, practice = [c for c in cases if not c.practice], [c for c in cases if c.practice]
    assert Counter((c.pathology, c.positive) for c in scored) == {
        (name, truth): 2 for name in PATHOLOGIES for truth in (True, False)
    }
    assert [c.pathology for c in practice] == list(PATHOLOGIES)
    assert sum(c.positive for c in practice) == 3
    assert [c.number for c in cases] == list(range(1, 31))
    assert len({c.patient for c in cases}) == 30
    assert sum(c.depth == 12 for c in scored) == 6


def test_a_false_positive_shows_nothing_but_the_companion() -> None:
    for case in demo_cases():
        if not case.positive:
            assert case.findings == () and case.confounders == (COMPANION[case.pathology],)


@pytest.mark.torch
def test_the_shipped_classifier_calls_every_case_positive() -> None:
    from explain.demo.seeds import model_input
    from explain.models.demo_pair import load_demo

    classifier, _ = load_demo()
    cases = demo_cases()
    with torch.no_grad():
        p = classifier(torch.cat([model_input(case.draw()) for case in cases]))
    columns = [PATHOLOGIES.index(case.pathology) for case in cases]
    assert p[range(30), columns].min() > 0.5
