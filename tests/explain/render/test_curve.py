"""The lambda curve."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from explain.render.curve import lambda_curve

SVG = "{http://www.w3.org/2000/svg}"


def test_the_points_lie_where_lambda_and_prediction_put_them() -> None:
    root = ElementTree.fromstring(lambda_curve([-30, -10, 0, 10], [0, 0.25, 0.5, 1]))
    line = root.find(f"{SVG}polyline")
    assert line is not None
    points = [tuple(map(float, point.split(","))) for point in line.attrib["points"].split()]
    assert points == [(48, 196), (198, 150), (273, 104), (348, 12)]
    filled = [circle.attrib["fill"] for circle in root.iter(f"{SVG}circle")]
    assert filled == ["#a50f15", "#a50f15", "#fff", "#a50f15"], "the frame at lambda = 0 is the open circle"


def test_the_axis_is_labelled_at_both_ends_and_at_zero() -> None:
    def labels(lambdas: list[float]) -> list[str]:
        return re.findall(r'y="212" text-anchor="middle">([^<]*)<', lambda_curve(lambdas, [0.1, 0.9]).decode())

    assert labels([-31.4159, 12]) == ["-31.42", "0", "12"]
    assert labels([-1000, 0]) == ["-1000", "0"]
    assert labels([-1000, 2]) == ["-1000", "2"], "no room for 0"


def test_it_is_the_same_every_time_and_draws_with_attributes_only() -> None:
    first = lambda_curve([-1, 0, 1], [0.2, 0.5, 0.55])
    assert first == lambda_curve([-1, 0, 1], [0.2, 0.5, 0.55])
    assert b"style" not in first and b"script" not in first


@pytest.mark.parametrize(
    "lambdas, predictions", [([0], [1]), ([0, 1], [1]), ([1, 0], [0, 1]), ([0, 0], [0, 1]), ([0, 1], [0, float("nan")])]
)
def test_it_refuses_what_is_no_curve(lambdas: list[float], predictions: list[float]) -> None:
    with pytest.raises(ValueError, match="A lambda curve needs"):
        lambda_curve(lambdas, predictions)
