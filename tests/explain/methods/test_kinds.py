"""The registry of kinds, what a kind may declare, and that ours keep the contract outsiders are held to."""

import re
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from explain import plugins
from explain.methods.kind import Kind, Parameter
from explain.methods.kinds import KINDS, _fits, kind
from explain.plugins import Registry

PIXELS = "tests.explain.methods.test_kinds:OURS"


def a_kind(name: str = "shine", **fields: Any) -> Kind:
    return Kind(name, "Shine", "Colour marks what shines.", **{"compute": "shine:compute", **fields})


POWER = Parameter("power", 1.0, "Power of the gradient", minimum=0.0, maximum=4.0)
OURS = a_kind()
BRIGHT, DIM = a_kind("bright"), a_kind("dim")
PAIR = (BRIGHT, DIM)
TAKEN = a_kind("input_gradient")
OTHER_SEARCH = a_kind("shift", group="latentshift", parameters=(Parameter("search", 3, "Search"),))
FLAT = a_kind("flat", parameters=(Parameter("size", 3, "Size", flat=True),))
NOT_COMPUTED = a_kind("elsewhere", compute="")
NAMED_AS_A_FLAT_ONE = a_kind("steps")
NO_KIND = {"name": "shine"}
OURS_AGAIN = (KINDS["integrated_gradients"], OURS)


def installed(monkeypatch: pytest.MonkeyPatch, *attributes: str) -> Registry[Kind]:
    """A registry of our kinds in an installation whose packages offer these attributes of this module."""
    values = [name if ":" in name else f"{__name__}:{name}" for name in attributes]
    points = [EntryPoint("any", value, "explain.kinds") for value in values]
    monkeypatch.setattr(plugins.importlib, "metadata", SimpleNamespace(entry_points=lambda group: points))
    return Registry(KINDS.values(), "explain.kinds", Kind, _fits)


def test_the_kinds_of_both_methods() -> None:
    assert list(KINDS)[:5] == [
        "input_gradient", "guided_backprop", "integrated_gradients", "latentshift_map", "latentshift_animation",
    ]  # fmt: skip
    assert all(k.name == name and k.title and k.what_is_this and k.algorithm_version >= 1 for name, k in KINDS.items())
    with pytest.raises(KeyError, match="no kind of explanation is called 'grad'"):
        kind("grad")


def test_the_web_tier_can_import_the_registries_without_torch() -> None:
    code = (
        "import sys, explain.methods.contract, explain.render.usable\n"
        "from explain.evaluate.metrics import METRICS\n"
        "from explain.methods.kinds import KINDS\n"
        "from explain.models.known import MODELS\n"
        "list(KINDS), list(METRICS), list(map(list, MODELS.values())); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_packages_add_kinds_one_or_several(monkeypatch: pytest.MonkeyPatch) -> None:
    found = installed(monkeypatch, "OURS", "PAIR")
    assert list(found) == [*KINDS, "shine", "bright", "dim"]
    assert found["shine"] is OURS and not found.broken


def test_the_same_kind_twice_is_no_clash(monkeypatch: pytest.MonkeyPatch) -> None:
    found = installed(monkeypatch, "OURS", "OURS_AGAIN")
    assert list(found) == [*KINDS, "shine"] and not found.broken


@pytest.mark.parametrize(
    "attribute, words",
    [
        ("TAKEN", "the name input_gradient is taken"),
        ("NO_KIND", "NO_KIND is of the type dict, not Kind"),
        ("MISSING", "AttributeError"),
        ("no_such_package:KIND", "ModuleNotFoundError"),
        ("OTHER_SEARCH", "declare search differently"),
        ("FLAT", "stored below its kind"),
        ("NOT_COMPUTED", "has no compute"),
        ("NAMED_AS_A_FLAT_ONE", "take another name"),
    ],
)
def test_a_broken_package_is_named_and_spoils_nothing(
    monkeypatch: pytest.MonkeyPatch, attribute: str, words: str
) -> None:
    found = installed(monkeypatch, attribute, "OURS")
    assert list(found) == [*KINDS, "shine"]
    (sentence,) = found.broken
    assert words in sentence and "explain.kinds" in sentence


@pytest.mark.parametrize(
    "fields, words",
    [
        ({"name": "Two words"}, "small letters"),
        ({"name": "input", "compute": "shine:compute"}, "'input' is the reading page's own word"),
        ({"name": "image", "compute": "shine:compute"}, "'image' is the reading page's own word"),
        ({"title": " "}, "needs a title"),
        ({"what_is_this": ""}, "what_is_this"),
        ({"shows": "film"}, "forms are still, animation, curve, flow"),
        ({"needs": ("oracle",)}, "models are classifier"),
        ({"compute": "shine.compute"}, "not package.module:function"),
        ({"parameters": (POWER, POWER)}, "declares a parameter twice"),
    ],
)
def test_a_kind_that_cannot_be_is_refused_when_it_is_made(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Kind(**{"name": "shine", "title": "Shine", "what_is_this": "Says.", **fields})


def test_a_parameter_says_which_values_it_takes() -> None:
    assert POWER.problem(2) == POWER.problem(0.0) == ""
    assert POWER.problem(9) == "power must be a number from 0.0 to 4.0, not 9."
    assert "must be a number" in POWER.problem("2") and "must be a number" in POWER.problem(float("nan"))
    assert "whole number" in Parameter("steps", 5, "Steps").problem(2.5) and Parameter("on", True, "On").problem(1)
    choice = Parameter("how", "a", "How", choices=(("a", "A"), ("b", "B")))
    assert choice.problem("c") == "how must be one of a, b, not 'c'."
    with pytest.raises(ValueError, match="give its choices"):
        Parameter("how", "a", "How")
    with pytest.raises(ValueError, match="none of its values"):
        Parameter("power", 9.0, "Power", maximum=4)
    for number in (1, 1.0, True):
        with pytest.raises(ValueError, match="give a word as its default"):
            Parameter("how", number, "How", choices=(("1", "One"), ("2", "Two")))
    for default in (True, "a"):
        with pytest.raises(ValueError, match="give a number as its default"):
            Parameter("how", default, "How", choices=choice.choices if default == "a" else (), minimum=0)


def test_a_number_that_no_computer_holds_is_refused_in_the_usual_words() -> None:
    for parameter in (Parameter("steps", 5, "Steps", minimum=1), Parameter("power", 1.0, "Power", minimum=1)):
        whole = "whole " if parameter.name == "steps" else ""
        assert parameter.problem(10**400) == f"{parameter.name} must be a {whole}number from 1, not 1{'0' * 39}."
        assert parameter.problem(-(10**400)) and not parameter.problem(10**15)


def test_what_belongs_to_a_key() -> None:
    added = Parameter("samples", 0, "Samples", minimum=0, maximum=50, later=True)
    declared = a_kind(parameters=(POWER, added))
    assert declared.values({"power": 2}) == {"power": 2.0, "samples": 0}
    assert declared.keyed({"power": 2}) == {"power": 2.0}  # explanations of before `samples` keep their key
    assert declared.keyed({"samples": 9}) == {"power": 1.0, "samples": 9}
    with pytest.raises(ValueError, match="power must be"):
        declared.values({"power": "much"})


def test_the_page_of_kinds_tells_each_with_its_settings() -> None:
    page = (Path(__file__).parents[3] / "docs" / "explanations.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` (.+?) \| .+? \| .+? \| (.+?) \| .+? \|$", page, re.M)
    assert [(name, title) for name, title, _ in rows] == [(kind.name, kind.title) for kind in KINDS.values()]
    for name, _, settings in rows:
        told = re.findall(r"`(\w+)` ([\w.-]+)", settings)
        assert [setting for setting, _ in told] == [parameter.name for parameter in KINDS[name].parameters]
        for parameter, (_, value) in zip(KINDS[name].parameters, told):
            assert value == (parameter.default if isinstance(parameter.default, str) else f"{parameter.default:g}")
