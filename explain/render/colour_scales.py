"""Colour scales of heat maps: from how strong a shown pixel is to its colour. NumPy only.

The weakest pixel that is shown has the scale's first colour, the strongest its last. A scale never changes, because
frozen protocols name it: a better one is a new name.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

# ColorBrewer "Reds", nine classes (Brewer and Harrower, colorbrewer2.org), light to dark.
_REDS_CLASSES = ["fff5f0", "fee0d2", "fcbba1", "fc9272", "fb6a4a", "ef3b2c", "cb181d", "a50f15", "67000d"]
# Where on "Reds" the weakest shown pixel lies; below about a third it is too pale to see on white.
_REDS_WEAKEST = 0.4

# A helix in CIELAB: lightness and hue rise evenly and chroma stays, so that equal differences of strength look equally
# large. The numbers are the ends of the longest such helix from purple over red to yellow that sRGB holds.
_LIGHTNESS, _HUE, _CHROMA = (40.0, 92.0), (350.0, 458.0), 56.0
# CIE 1931 XYZ of the white point D65, and from XYZ to linear sRGB (IEC 61966-2-1).
_WHITE = np.array([0.95047, 1.0, 1.08883])
_TO_RGB = np.array(
    [[3.2404542, -1.5371385, -0.4985314], [-0.9692660, 1.8760108, 0.0415560], [0.0556434, -0.2040259, 1.0572252]]
)


@dataclass(frozen=True)
class ColourScale:
    """colours: uint8 (256, 3). weakest: where on it the weakest shown pixel lies, 0..1; the strongest lies at 1.

    more: how a stronger pixel differs, in a word for readers.
    """

    name: str
    title: str
    colours: np.ndarray
    weakest: float
    more: str

    def apply(self, share: np.ndarray) -> np.ndarray:
        """Colours, uint8 (..., 3), of shares from 0 (the weakest that is shown) to 1 (the strongest)."""
        places = self.weakest + (1 - self.weakest) * np.clip(share, 0, 1)
        coloured: np.ndarray = self.colours[np.round(255 * places).astype(int)]
        return coloured

    def legend(self, stops: int = 9) -> list[str]:
        """The scale as so many colours at equal distances, "#rrggbb", from the weakest to the strongest."""
        return [f"#{bytes(colour).hex()}" for colour in self.apply(np.linspace(0, 1, stops))]


def _joined(classes: list[str]) -> np.ndarray:
    """Colours joined by straight lines to 256: uint8 (256, 3)."""
    given = np.array([list(bytes.fromhex(color)) for color in classes], float)
    steps, knots = np.linspace(0, 1, 256), np.linspace(0, 1, len(given))
    return np.round([np.interp(steps, knots, channel) for channel in given.T]).astype(np.uint8).T


def _helix(lightness: tuple[float, float], hue: tuple[float, float], chroma: float) -> np.ndarray:
    """A helix in CIELAB as sRGB: uint8 (256, 3). hue: in degrees, from and to."""
    levels, angles = np.linspace(*lightness, 256), np.radians(np.linspace(*hue, 256))
    middle = (levels + 16) / 116
    cubes = np.stack([middle + chroma * np.cos(angles) / 500, middle, middle - chroma * np.sin(angles) / 200])
    linear = _TO_RGB @ (_WHITE[:, None] * cubes**3)  # no value is near enough to black for CIELAB's straight part
    return (
        np.round(255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055))
        .astype(np.uint8)
        .T
    )


def _scale(name: str, title: str, colours: np.ndarray, weakest: float, more: str) -> ColourScale:
    colours.setflags(write=False)
    return ColourScale(name, title, colours, weakest, more)


PUBLISHED = _scale("published", "published: reds, the strongest the darkest", _joined(_REDS_CLASSES), _REDS_WEAKEST,
                   "darker")  # fmt: skip
BRIGHTENING = _scale("brightening", "brightening: purple to yellow, the strongest the brightest",
                     _helix(_LIGHTNESS, _HUE, _CHROMA), 0.0, "brighter")  # fmt: skip
SCALES = MappingProxyType({scale.name: scale for scale in (PUBLISHED, BRIGHTENING)})
