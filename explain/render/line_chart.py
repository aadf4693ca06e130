"""Draw how figures change over a training: one small chart a figure, one below the other. NumPy and Pillow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_WIDTH, _PANEL, _LEFT, _RIGHT, _TOP, _BOTTOM = 760, 190, 90, 20, 30, 24


def line_chart(rows: Sequence[Mapping[str, float]], across: str, leave_out: Sequence[str] = ()) -> bytes:
    """A PNG with a panel for each figure of the rows, over the figure `across`.

    rows: at least one; a figure may be missing in some. Values that are no number are left out. Each panel has its own
    range, whose ends are written beside it. Raises ValueError where there is nothing to draw.
    """
    names = [name for name in dict.fromkeys(key for row in rows for key in row) if name not in (across, *leave_out)]
    if not names:
        raise ValueError(f"no figure to draw over {across}")
    picture = Image.new("RGB", (_WIDTH, _PANEL * len(names)), "white")
    for index, name in enumerate(names):
        points = np.array([(row[across], row[name]) for row in rows if name in row], float).reshape(-1, 2)
        _panel(picture, _PANEL * index, name, across, points[np.isfinite(points).all(axis=1)])
    file = BytesIO()
    picture.save(file, "PNG", optimize=True)
    return file.getvalue()


def _panel(picture: Image.Image, top: int, name: str, across: str, points: np.ndarray) -> None:
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(14)
    left, right, upper, lower = _LEFT, _WIDTH - _RIGHT, top + _TOP, top + _PANEL - _BOTTOM
    draw.line([(left, upper), (left, lower), (right, lower)], "#444", 1)
    draw.text((left, top + 6), name, "#222", font)
    if not len(points):
        return
    (first, low), (last, high) = points.min(axis=0), points.max(axis=0)
    x = left + (points[:, 0] - first) / ((last - first) or 1.0) * (right - left)
    y = lower - (points[:, 1] - low) / ((high - low) or 1.0) * (lower - upper)
    for value, height in ((low, lower), (high, upper)):
        draw.text((left - 6, height), f"{value:.4g}", "#222", font, anchor="rm")
    draw.text((left, lower + 4), f"{first:g}", "#222", font)
    draw.text((right, lower + 4), f"{across} {last:g}", "#222", font, anchor="ra")
    corners = [(float(a), float(b)) for a, b in zip(x, y, strict=True)]
    if len(corners) > 1:
        draw.line(corners, "#a50f15", 2)
    for a, b in corners if len(corners) < 60 else corners[-1:]:
        draw.ellipse([a - 2, b - 2, a + 2, b + 2], fill="#a50f15")
