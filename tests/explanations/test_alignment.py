"""Which other outputs moved along, from a stored record."""

import math

import pytest

from readerstudy.explanations.alignment import alignment_of, lacks_outputs
from readerstudy.explanations.models import Explanation

RECORD = {
    "lambdas": [-20, -10, 0],
    "outputs": [[0.2, 0.9, 0.3, 0.5], [0.4, 0.8, 0.3, 0.5], [0.6, 0.7, 0.3, 0.5]],
    "target": 0,
    "output_names": ["Effusion", "Mass", "Edema", ""],
}


def stored(*records: object) -> list[Explanation]:
    return [Explanation(kind="some", record=record) for record in records]


def test_each_named_output_with_its_correlation_and_change() -> None:
    found = alignment_of(stored({}, {"completeness_gap": 0.1}, RECORD))
    assert found is not None and found.target == "Effusion"
    assert [one.finding for one in found.outputs] == ["Effusion", "Mass", "Edema"], "one without a name means nothing"
    mass, edema = found.others
    assert (mass.correlation, mass.change) == (pytest.approx(-1), pytest.approx(0.2))
    assert math.isnan(edema.correlation) and edema.change == 0
    assert found.in_words == "Correlation with Effusion: Mass −1.00 (change +0.200)"
    assert b"Mass" in found.chart() and found.chart().startswith(b"<svg")


def test_a_classifier_that_does_not_name_its_outputs() -> None:
    record = {key: value for key, value in RECORD.items() if key != "output_names"}
    found = alignment_of(stored(record))
    assert found is not None and [one.finding for one in found.others] == ["output 1", "output 2", "output 3"]


@pytest.mark.parametrize(
    "changed", [{"outputs": "text"}, {"outputs": [[1, 2]], "target": 5}, {"output_names": ["one"]}, {"target": None}]
)
def test_what_another_package_keeps_under_the_name_is_no_fault(changed: dict[str, object]) -> None:
    assert alignment_of(stored(RECORD | changed)) is None
    assert alignment_of(stored(RECORD | changed, RECORD)) is not None


def test_one_of_an_earlier_version_is_told_apart_from_one_without_a_shift() -> None:
    old = {"lambdas": [-10, 0], "predictions": [0.2, 0.6]}
    assert lacks_outputs(stored(old)) and not lacks_outputs(stored({}, {"completeness_gap": 0.1}))
    assert not lacks_outputs(stored(old, RECORD)) and not lacks_outputs([])
