"""The chart of which outputs move along."""

from xml.etree import ElementTree

import pytest

from explain.render.alignment_chart import alignment_chart

SVG = "{http://www.w3.org/2000/svg}"
NAMES = ["Mass", "Effusion", "Nodule & more", "Hernia"]


def bars(chart: bytes) -> list[tuple[float, float, str]]:
    rects = ElementTree.fromstring(chart).findall(f"{SVG}rect")[1:]  # the first is the ground
    return [(float(r.attrib["x"]), float(r.attrib["width"]), r.attrib["fill"]) for r in rects]


def test_bars_lie_where_the_correlations_put_them() -> None:
    chart = alignment_chart(NAMES, [1, -0.5, 0.25, float("nan")], [-0.3, 0.1, -0.006, -0.0004], "Mass")
    assert bars(chart) == [(230, 80, "#a50f15"), (190, 40, "#7f8c9b"), (230, 20, "#d5dae0")], "the last hardly moves"
    texts = [text.text for text in ElementTree.fromstring(chart).iter(f"{SVG}text")]
    assert "Nodule & more" in texts and {"−0.300", "+0.100", "−0.006", "0.000"} <= set(texts)


def test_it_is_the_same_every_time_and_draws_with_attributes_only() -> None:
    first = alignment_chart(NAMES, [1, 0, 0, 0], [0, 0, 0, 0], "Mass")
    assert first == alignment_chart(NAMES, [1, 0, 0, 0], [0, 0, 0, 0], "Mass")
    assert b"style" not in first and b"script" not in first


@pytest.mark.parametrize("names, correlations", [([], []), (NAMES, [1.0])])
def test_what_does_not_fit_is_refused(names: list[str], correlations: list[float]) -> None:
    with pytest.raises(ValueError, match="as many names"):
        alignment_chart(names, correlations, correlations, "Mass")
