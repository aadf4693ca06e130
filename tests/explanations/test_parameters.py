"""What a study sets for its kinds, checked by what each declares: stored flat for the first, else below the kind."""

import pytest
from django.core.exceptions import ValidationError

from explain.methods.kind import Kind, Parameter
from explain.methods.kinds import KINDS
from readerstudy.explanations.parameters import RenderParameters, parameters_of

POWER = Parameter("power", 1.0, "Power", minimum=0.0, maximum=4.0)
SHINE = Kind("shine", "Shine", "Says.", parameters=(POWER,), compute="shine:compute")
GLOW = Kind("glow", "Glow", "Says.", parameters=(POWER,), group="lights", compute="shine:compute")


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in (SHINE, GLOW):
        monkeypatch.setitem(KINDS._found[0], kind.name, kind)


def test_parameters_of_later_kinds_are_stored_below_them(installed: None) -> None:
    stored = {"steps": 7, "shine": {"power": 2}, "lights": {"power": 3}}
    parameters = RenderParameters.from_people(stored)
    assert parameters.of_kind(SHINE) == {"power": 2.0} and parameters.of_kind(GLOW) == {"power": 3.0}
    assert parameters.of_kind(KINDS["integrated_gradients"]) == {"steps": 7}
    assert RenderParameters().of_kind(SHINE) == {"power": 1.0}
    assert parameters.with_value(GLOW, POWER, 4.0).stored == {**stored, "lights": {"power": 4.0}}
    assert set(parameters_of([SHINE, GLOW])) == {("shine", "power"), ("lights", "power")}


@pytest.mark.parametrize(
    "stored, words",
    [
        ({"step": 7}, "Unknown render parameter step; there are "),
        ({"steps": -1}, "steps must be a whole number from 0 to 1,000, not -1."),
        ({"steps": 7.5}, "steps must be a whole number"),
        ({"search": "deep"}, "search must be one of default, paper-2021, released-code, not 'deep'."),
        ({"power": 2}, "Unknown render parameter power"),
        ({"shine": {"power": 9}}, "shine: power must be a number from 0.0 to 4.0, not 9."),
        ({"shine": {"colour": 9}}, "shine has no parameter colour."),
        ({"latentshift": {"search": "default"}}, "latentshift has no parameter search."),
        (["steps"], "a JSON object"),
    ],
)
def test_what_cannot_be_is_refused_by_name(installed: None, stored: object, words: str) -> None:
    with pytest.raises(ValidationError) as refused:
        RenderParameters.from_dict(stored)  # type: ignore[arg-type]
    assert words in " ".join(refused.value.messages)


def test_what_a_removed_package_left_stays_and_is_refused_where_people_write() -> None:
    stored = {"shine": {"power": 2}}
    assert RenderParameters.from_dict(stored).stored == stored
    with pytest.raises(ValidationError, match="No kind with parameters is called shine"):
        RenderParameters.from_people(stored)
