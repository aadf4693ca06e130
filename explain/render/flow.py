"""Optical flow as a picture: arrows that say which way and how far. NumPy and Pillow only.

One scale for all examples: an arrow of a given length means the same motion everywhere. A scale of each example's own
would make a picture in which next to nothing moves look like one in which much does.
"""

from io import BytesIO

import numpy as np
from PIL import Image, ImageDraw

from explain.render.usable import UnusableMap

ENLARGED = 3  # the picture's pixels for one of the flow's
LENGTHENED = 6.0  # an arrow is so many times as long as the motion
EVERY = 8  # pixels of the flow from arrow to arrow
LEAST, MOST = 0.1, 5.0  # pixels: less is not drawn, more is drawn as this
_BRIGHT, _DARK = (255, 221, 51, 255), (0, 0, 0, 255)
_FINER = 2  # drawn so many times larger and reduced, for smooth edges


def flow_layer(flow: np.ndarray) -> bytes:
    """A flow (2, H, W), how far each pixel moves to the right and down, as arrows on a transparent RGBA PNG, 3 H x 3 W.

    Arrows begin every 8 pixels, are 6 times as long as the mean motion of the square round their start, and are bright
    with a dark rim, to be seen on any grey. Raises UnusableMap for a flow that is not finite or has nothing to draw.
    """
    if not np.isfinite(flow).all():
        raise UnusableMap("the flow has values that are not finite")
    _, height, width = flow.shape
    arrows = _arrows(flow)
    if not arrows:
        raise UnusableMap(f"nothing moves by {LEAST:g} pixels or more")
    unit = ENLARGED * _FINER
    picture = Image.new("RGBA", (width * unit, height * unit), (0, 0, 0, 0))
    pen = ImageDraw.Draw(picture)
    for colour, thickness in ((_DARK, 1.2), (_BRIGHT, 0.5)):
        for start, end in arrows:
            for line in _lines(start, end):
                pen.line([tuple(place * unit) for place in line], fill=colour, width=round(thickness * unit))
    file = BytesIO()
    picture.resize((width * ENLARGED, height * ENLARGED), Image.Resampling.BOX).save(file, "PNG", compress_level=6)
    return file.getvalue()


def _arrows(flow: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """(start, end) of each arrow, (right, down) in pixels of the flow, weakest first so that the longest lie on top."""
    _, height, width = flow.shape
    rows, columns = height // EVERY, width // EVERY
    squares = flow[:, : rows * EVERY, : columns * EVERY].reshape(2, rows, EVERY, columns, EVERY)
    motion = squares.astype(float).mean(axis=(2, 4))
    length = np.hypot(*motion)
    drawn = motion * (np.minimum(length, MOST) / np.maximum(length, 1e-12)) * LENGTHENED
    order = np.argsort(length, axis=None, kind="stable")
    found = []
    for row, column in zip(*np.unravel_index(order, length.shape)):
        if length[row, column] >= LEAST:
            start = np.array([column + 0.5, row + 0.5]) * EVERY
            found.append((start, start + drawn[:, row, column]))
    return found


def _lines(start: np.ndarray, end: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """An arrow's shaft and the two sides of its head, which is 3 pixels long or, of a short arrow, 2 fifths of it."""
    along = end - start
    across = np.array([-along[1], along[0]])
    head = min(0.4, 3.0 / float(np.hypot(*along)))
    return [(start, end), *((end + head * (0.6 * side * across - along), end) for side in (1, -1))]
