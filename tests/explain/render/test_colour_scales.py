"""The colours of heat maps over radiographs: what the eye can tell, by CIELAB and by WCAG's contrast."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from explain.render import pictures as render
from explain.render.colour_scales import BRIGHTENING, PUBLISHED, SCALES

OPACITY = render.OPACITY
GREYS = {"lung": (40, 60, 80), "bone": (170, 200, 225)}


def luminance(rgb: np.ndarray) -> np.ndarray:
    """Relative luminance (WCAG 2) of sRGB values 0..255."""
    return linear(rgb) @ np.array([0.2126729, 0.7151522, 0.0721750])


def linear(rgb: np.ndarray) -> np.ndarray:
    share = np.asarray(rgb, float) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIELAB (L*, a*, b*) of sRGB values 0..255, D65."""
    to_xyz = np.array(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
    )
    share = linear(rgb) @ to_xyz.T / np.array([0.95047, 1, 1.08883])
    root = np.where(share > (6 / 29) ** 3, np.cbrt(share), share / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = np.moveaxis(root, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def over(grey: float, stops: int = 18) -> np.ndarray:
    """The brightening scale from the weakest to the strongest, as the viewer lays it over a grey: float (stops, 3)."""
    return OPACITY * BRIGHTENING.apply(np.linspace(0, 1, stops)) + (1 - OPACITY) * grey


def contrast(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    lighter, darker = np.maximum(luminance(one), luminance(other)), np.minimum(luminance(one), luminance(other))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("grey", [0, *GREYS["lung"], 128, *GREYS["bone"], 255])
def test_stronger_is_brighter_in_even_steps_over_every_grey(grey: int) -> None:
    seen = lab(over(grey))
    lightness = np.diff(seen[:, 0])
    assert lightness.min() > 0 and lightness.max() / lightness.min() < 1.3
    steps = np.linalg.norm(np.diff(seen, axis=0), axis=1)
    assert steps.min() > 4 and steps.max() / steps.min() < 1.5, "each step is seen, and none stands out"
    hue_and_lightness = np.linalg.norm(seen - lab(np.full(3, grey)), axis=1)
    assert hue_and_lightness.min() > 30, "no colour of the scale can be taken for anatomy"


@pytest.mark.parametrize("grey", GREYS["lung"])
def test_the_strongest_stands_out_most_over_lung(grey: int) -> None:
    background = np.full(3, grey)
    ours = contrast(over(grey), background)
    assert np.all(np.diff(ours) > 0) and ours[-1] > 4.5
    reds = OPACITY * PUBLISHED.apply(np.array([0.0, 1.0])) + (1 - OPACITY) * grey
    weakest, strongest = contrast(reds, background)
    assert weakest > 1.6 * strongest, "the published scale does the reverse: that is why there is another"


def test_the_published_scale_is_as_it_was() -> None:
    values = np.random.default_rng(4).random((224, 224), dtype=np.float32)
    layer = hashlib.sha256(np.asarray(render._colored(values, 95, PUBLISHED).rgb).tobytes()).hexdigest()
    assert render.heat_layer(values) == render.heat_layer(values, scale=PUBLISHED)
    assert layer == "26cd561d2a86016421509a124c4dbf966616b2710c328ddf170ed1efb2a31887"


def test_scales_differ_only_in_colour() -> None:
    values = np.random.default_rng(4).random((224, 224), dtype=np.float32)
    ours, theirs = (render._colored(values, 95, scale) for scale in (BRIGHTENING, PUBLISHED))
    assert np.array_equal(ours.shown, theirs.shown) and ours.shown.mean() == pytest.approx(0.05, abs=0.001)
    assert tuple(ours.rgb[np.unravel_index(values.argmax(), values.shape)]) == tuple(BRIGHTENING.colours[-1])


def test_a_legend_goes_from_the_weakest_shown_to_the_strongest() -> None:
    for scale in SCALES.values():
        legend = scale.legend()
        assert len(legend) == 9 and legend[-1] == f"#{bytes(scale.colours[-1]).hex()}"
    assert PUBLISHED.legend()[0] == "#fc8a6a"
