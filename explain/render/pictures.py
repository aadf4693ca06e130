"""Turn pixels, maps and frames into files: NumPy, Pillow and imageio; no torch, no matplotlib.

Every function is pure, returns bytes, and gives the same bytes for the same input. PNG files hold pixels only: no
gamma, colour profile or text, so that a browser shows the numbers as they are.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import NamedTuple

import imageio.v3 as iio
import numpy as np
from PIL import Image

from explain.images.radiograph import Radiograph
from explain.render.colour_scales import PUBLISHED, ColourScale
from explain.render.usable import UnusableMap, require_usable

PERCENTILE = 95.0
OPACITY = 0.8
DISPLAY_SIZE = 600
FRAME_MS = 100
# The grey window of all frames of all cases: the range of the model's input, so that frames compare with the
# radiograph.
FRAME_WINDOW = (-1024.0, 1024.0)


@dataclass(frozen=True)
class DisplayImage:
    """A PNG for the browser. bits: 8 for a grey PNG; 9 to 16 for an RGB PNG, value 256 R + G of 0..2**bits - 1."""

    png: bytes
    width: int
    height: int
    bits: int


class Layer(NamedTuple):
    """A heat map as colours: rgb uint8 (H, W, 3), and which pixels are shown, bool (H, W)."""

    rgb: np.ndarray
    shown: np.ndarray


def display_image(radiograph: Radiograph) -> DisplayImage:
    """The whole radiograph at full depth and size, unscaled: `read_display_image` gives back the same pixels."""
    pixels = radiograph.pixels
    if radiograph.bits > 8:
        high_and_low = np.zeros((*pixels.shape, 3), np.uint8)
        high_and_low[:, :, 0], high_and_low[:, :, 1] = pixels >> 8, pixels & 255
        pixels = high_and_low
    return DisplayImage(_png(pixels), radiograph.pixels.shape[1], radiograph.pixels.shape[0], radiograph.bits)


def read_display_image(png: bytes, bits: int, window: tuple[float, float] | None = None) -> Radiograph:
    """The inverse of `display_image`, for files it wrote. Raises ValueError when the PNG is of another kind."""
    with Image.open(BytesIO(png), formats=("PNG",)) as picture:
        if picture.mode != ("L" if bits == 8 else "RGB"):
            raise ValueError(f"A display image of {bits} bits is not stored as a PNG of mode {picture.mode}.")
        stored = np.asarray(picture)
    if bits == 8:
        return Radiograph(stored, 8, window)
    return Radiograph(stored[:, :, 0].astype(np.uint16) << 8 | stored[:, :, 1], bits, window)


def crop_and_resize(radiograph: Radiograph, size: int = DISPLAY_SIZE) -> Radiograph:
    """The model's field of view as shown: (size, size), same depth and window; bicubic, smoothed where it shrinks."""
    radiograph = radiograph.as_shown()
    cropped = Image.fromarray(radiograph.cropped().astype(np.float32))
    resized = np.asarray(cropped.resize((size, size), Image.Resampling.BICUBIC))
    pixels = np.clip(np.round(resized), 0, 2**radiograph.bits - 1).astype(radiograph.pixels.dtype)
    return Radiograph(pixels, radiograph.bits, radiograph.window)


def grey8(radiograph: Radiograph) -> np.ndarray:
    """uint8 (H, W) as first shown: the radiograph's curve or window, or else its whole range, from black to white."""
    radiograph = radiograph.as_shown()
    low, high = radiograph.window or (0, 2**radiograph.bits - 1)
    return _to_grey(radiograph.pixels, low, high)


def heat_layer(values: np.ndarray, percentile: float = PERCENTILE, scale: ColourScale = PUBLISHED) -> bytes:
    """A map (H, W) as a transparent RGBA PNG of the same size: shown pixels opaque, all others invisible.

    Shown are the pixels strictly over the map's percentile, in the scale's colours from the weakest shown to the
    strongest; the browser draws the layer area-true and fades it. Raises UnusableMap.
    """
    layer = _colored(values, percentile, scale)
    alpha = np.where(layer.shown, 255, 0).astype(np.uint8)
    return _png(np.dstack([layer.rgb * layer.shown[:, :, None], alpha]))


def overlay(
    radiograph: Radiograph,
    values: np.ndarray,
    size: int = DISPLAY_SIZE,
    percentile: float = PERCENTILE,
    opacity: float = OPACITY,
) -> bytes:
    """The heat layer of a map (H, W) laid over the model's field of view: RGB PNG (size, size), for reports and
    downloads, in the published colours.

    The map is enlarged by nearest neighbour, without blur. Raises UnusableMap.
    """
    layer = _colored(values, percentile, PUBLISHED)
    grey = grey8(crop_and_resize(radiograph, size))
    rows, columns = (np.arange(size) * length // size for length in values.shape)
    y, x = np.nonzero(layer.shown[rows][:, columns])
    mixed = np.repeat(grey[:, :, None], 3, axis=2)
    mixed[y, x] = np.round((1 - opacity) * grey[y, x, None] + opacity * layer.rgb[rows[y], columns[x]])
    return _png(mixed)


def laid_over(radiograph: Radiograph, layer: bytes, size: int = DISPLAY_SIZE) -> bytes:
    """Any square RGBA PNG, such as the arrows of a flow, over the model's field of view: RGB PNG (size, size)."""
    grey = Image.fromarray(grey8(crop_and_resize(radiograph, size))).convert("RGBA")
    with Image.open(BytesIO(layer)) as picture:
        grey.alpha_composite(picture.convert("RGBA").resize((size, size), Image.Resampling.BOX))
    return _png(np.asarray(grey.convert("RGB")))


def frames_to_grey(frames: np.ndarray, window: tuple[float, float] = FRAME_WINDOW) -> np.ndarray:
    """Frames (N, H, W) in the model's range as uint8 (N, H, W), all by the same window, so that nothing flickers."""
    if not np.isfinite(frames).all():
        raise UnusableMap("the animation has frames with values that are not finite")
    return _to_grey(frames, *window)


def boomerang(frames: np.ndarray) -> np.ndarray:
    """Frames (N, ...) forth and back without doubling the ends: (2N - 2, ...)."""
    return np.concatenate([frames, frames[-2:0:-1]])


def animation_gif(frames: np.ndarray, milliseconds: int = FRAME_MS) -> bytes:
    """An endless grey GIF of uint8 frames (N, H, W), lossless, in the order given (see `boomerang`).

    A frame equal to the one before is stored as a longer duration of that one, as the format has it.
    """
    return iio.imwrite("<bytes>", frames, extension=".gif", plugin="pillow", duration=milliseconds, loop=0)


def frame_strip(frames: np.ndarray) -> bytes:
    """uint8 frames (N, H, W) one below the other in one grey PNG (N * H, W), the first on top, for stepping."""
    return _png(frames.reshape(-1, frames.shape[2]))


def _to_grey(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Values as uint8, `low` and less black, `high` and more white. Computed in float32, once per value."""
    scaled = (values.astype(np.float32) - np.float32(low)) * np.float32(255 / (high - low))
    levels: np.ndarray = np.round(np.clip(scaled, 0, 255))
    return levels.astype(np.uint8)


def _colored(values: np.ndarray, percentile: float, scale: ColourScale) -> Layer:
    require_usable(values)
    threshold, strongest = np.percentile(values, percentile), values.max()
    shown = values > threshold
    if not shown.any():
        raise UnusableMap(
            f"more than {100 - percentile:g} % of the map's pixels share its highest value, so none stands out"
        )
    return Layer(scale.apply((values - threshold) / (strongest - threshold)), shown)


def _png(pixels: np.ndarray) -> bytes:
    """uint8 pixels (H, W), (H, W, 3), or (H, W, 4) for a layer, as a PNG."""
    file = BytesIO()
    # Run-length coding makes photographs several times faster to write, and no larger; flat colours are the default's.
    strategy = zlib.Z_DEFAULT_STRATEGY if pixels.shape[2:] == (4,) else zlib.Z_RLE
    Image.fromarray(pixels).save(file, "PNG", compress_level=6, compress_type=strategy)
    return file.getvalue()
