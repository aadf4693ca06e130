"""Optical flow as a picture: hue says which way a pixel moves, opacity how far. NumPy and Pillow only."""

from io import BytesIO

import numpy as np
from PIL import Image

from explain.render.checks import UnusableMap

_FULL = 99.0  # percentile of the lengths that is drawn opaque: one stray pixel must not fade all others


def flow_layer(flow: np.ndarray) -> bytes:
    """A flow (2, H, W), how far each pixel moves to the right and down, as a transparent RGBA PNG of H x W.

    Hue by direction, as on a compass with red to the right. What does not move is invisible; opacity grows with the
    length. Raises UnusableMap for a flow that is not finite or moves nothing.
    """
    if not np.isfinite(flow).all():
        raise UnusableMap("the flow has values that are not finite")
    right, down = flow.astype(float)
    length = np.hypot(right, down)
    full = np.percentile(length, _FULL) or length.max()
    if full == 0:
        raise UnusableMap("the flow moves nothing")
    hue = np.round((np.arctan2(-down, right) / (2 * np.pi)) % 1 * 255).astype(np.uint8)
    solid = np.full_like(hue, 255)
    rgb = np.asarray(Image.fromarray(np.dstack([hue, solid, solid]), "HSV").convert("RGB"))
    alpha = np.round(np.clip(length / full, 0, 1) * 255).astype(np.uint8)
    file = BytesIO()
    Image.fromarray(np.dstack([rgb, alpha])).save(file, "PNG", compress_level=6)
    return file.getvalue()
