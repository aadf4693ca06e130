"""The key of an explanation says what it was made from: what is stored must never be rendered again for nothing."""

from typing import Any

import pytest

from explain.methods.kinds import KINDS
from readerstudy.explanations.parameters import RenderParameters, explanation_key

# Made with the code of version 0.1.0. Bare values: computed ones would follow whatever the code does.
KEYS = {
    ("input_gradient", ""): "88745f26a9baf8093d3aa0ca364c7658af3908746ecacf868d0fabbd4941a6aa",
    ("guided_backprop", "captum"): "3531050c6a216d333ece965c9b1087df3c513ac96afbcbbad5f5ccbba588d133",
    ("guided_backprop", "full"): "64c75489d6ed40f55f36dd9797555a3562f6a851db09177127ae6b3c814ecd72",
    ("integrated_gradients", 50): "5fdb4d8146ff91faa2b1dffc7dc4edcfd836c82019d21ac807b040e6f0e6784a",
    ("integrated_gradients", 100): "0ca25d96cbdf28f5eddd4b3c66431dbc0951c1f152e16b5a33f70c50a7198a35",
    ("latentshift_map", "default"): "aa668623e57b1a122519f4d8210b6b7f1d1199babbd1f8ec0406c6c7012089e2",
    ("latentshift_map", "paper-2021"): "a5aa3249ff0f0ee4dc1d6de835b60b869e1ca4530f97ce0c9df62978bccf6c83",
    ("latentshift_animation", "default"): "319e7d5797c9f3c0cd9fd9eb7fe567de16a1a83e00d902fe05f8a6bac619714c",
    ("latentshift_animation", "paper-2021"): "4a4e1ee0dfed41825a42bc4629b05269b4b6c33f50b6b90111c01eaf26a592fa",
}
NAMES = {
    "guided_backprop": "final_relu",
    "integrated_gradients": "steps",
    "latentshift_map": "search",
    "latentshift_animation": "search",
}


@pytest.mark.parametrize("name, value", KEYS)
def test_keys_are_those_of_the_first_version(name: str, value: Any) -> None:
    stored = {NAMES[name]: value} if value else {}
    others = {"steps": 7, "final_relu": "full", "search": "released-code"}
    for parameters in (stored, others | stored):  # what other kinds are set to is nobody else's key
        keyed = RenderParameters.from_dict(parameters).of_kind(KINDS[name])
        for generator in ("", "d" * 64):  # a map generator that a study has chosen is no part of them
            key = explanation_key("a" * 64, "Effusion", "b" * 64, "c" * 64, KINDS[name], keyed, generator)
            assert key == KEYS[name, value]


def test_other_weights_are_another_key_of_the_kinds_that_need_them_and_of_no_other() -> None:
    for kind in KINDS.values():
        keys = [explanation_key("a", "Mass", "b", *more) for more in (("c", kind, {}, "d"), ("c", kind, {}, "e"))]
        assert (keys[0] != keys[1]) == ("generator" in kind.needs), kind.name
