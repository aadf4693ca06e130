"""Draw the lambda curve: how the prediction changes along the latent shift. As plain SVG, and as a PNG for readers."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_WIDTH, _HEIGHT = 360, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 348, 12, 196


def lambda_curve(lambdas: Sequence[float], predictions: Sequence[float], threshold: float = 0.5) -> bytes:
    """f(x'_lambda) over lambda as an SVG picture, 360 x 240.

    lambdas: ascending, any unit, as many as predictions; predictions: probabilities 0..1. A dashed line marks the
    operating point, an open circle the frame at lambda = 0 where there is one. Raises ValueError for unequal lengths,
    fewer than two points, lambdas that are not ascending, and values that are not finite.
    """
    x, y = _checked(lambdas, predictions)
    points = [(_across(value, x), _down(height)) for value, height in zip(x, y)]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}"'
        ' font-family="sans-serif" font-size="12" role="img">',
        "<title>Prediction over lambda</title>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
        f'<path d="M{_LEFT} {_TOP}V{_BOTTOM}H{_RIGHT}" fill="none" stroke="#444"/>',
        f'<path d="M{_LEFT} {_down(threshold)}H{_RIGHT}" stroke="#888" stroke-dasharray="4 3"/>',
        *(_label(_LEFT - 6, _down(tick) + 4, f"{tick:g}", "end") for tick in (0, 0.25, 0.5, 0.75, 1)),
        *(_label(_across(tick, x), _BOTTOM + 16, f"{tick:.4g}", "middle") for tick in _ticks(x)),
        _label((_LEFT + _RIGHT) / 2, _HEIGHT - 8, "λ (latent shift)", "middle"),
        f'<text transform="translate(12 {(_TOP + _BOTTOM) / 2:g}) rotate(-90)" text-anchor="middle">prediction</text>',
        f'<polyline points="{" ".join(f"{left},{top}" for left, top in points)}"'
        ' fill="none" stroke="#a50f15" stroke-width="2"/>',
        *(
            f'<circle cx="{left}" cy="{top}" r="3.5" fill="{"#fff" if value == 0 else "#a50f15"}" stroke="#a50f15"/>'
            for value, (left, top) in zip(x, points)
        ),
        "</svg>\n",
    ]
    return "\n".join(parts).encode()


def lambda_chart(lambdas: Sequence[float], predictions: Sequence[float], threshold: float = 0.5) -> bytes:
    """The same curve for readers: an RGBA PNG, 720 x 480, that says less and more, and no lambda.

    Arguments and errors as for `lambda_curve`.
    """
    x, y = _checked(lambdas, predictions)
    scale, font = 2, ImageFont.load_default(24)
    picture = Image.new("RGBA", (scale * _WIDTH, scale * _HEIGHT), "white")
    draw = ImageDraw.Draw(picture)
    left, right, top, bottom = (scale * side for side in (_LEFT, _RIGHT, _TOP, _BOTTOM))
    for start in range(left, right, 14):
        draw.line([(start, scale * _down(threshold)), (start + 8, scale * _down(threshold))], "#888", 2)
    draw.line([(left, top), (left, bottom), (right, bottom)], "#444", 2)
    for tick in (0, 0.5, 1):
        draw.text((left - 10, scale * _down(tick)), f"{tick:g}", "#222", font, anchor="rm")
    for place, words, anchor in ((left, "less", "la"), ((left + right) / 2, "finding", "ma"), (right, "more", "ra")):
        draw.text((place, bottom + 12), words, "#222", font, anchor=anchor)
    points = [(scale * _across(value, x), scale * _down(height)) for value, height in zip(x, y)]
    draw.line(points, "#a50f15", 4)
    for (across, down), value in zip(points, x):
        fill = "white" if value == 0 else "#a50f15"
        draw.ellipse((across - 7, down - 7, across + 7, down + 7), fill, "#a50f15", 3)
    file = BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def _checked(lambdas: Sequence[float], predictions: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.asarray(lambdas, float), np.asarray(predictions, float)
    if x.shape != y.shape or x.ndim != 1 or len(x) < 2:
        raise ValueError(
            f"A lambda curve needs as many lambdas as predictions, at least two: got {x.shape} and {y.shape}."
        )
    if not (np.isfinite(x).all() and np.isfinite(y).all() and (np.diff(x) > 0).all()):
        raise ValueError("A lambda curve needs finite predictions and finite, ascending lambdas.")
    return x, y


def _across(value: float, x: np.ndarray) -> float:
    place: float = round(_LEFT + (value - x[0]) / (x[-1] - x[0]) * (_RIGHT - _LEFT), 1)
    return place


def _down(prediction: float) -> float:
    return round(_BOTTOM - prediction * (_BOTTOM - _TOP), 1)


def _ticks(x: np.ndarray) -> list[float]:
    """Both ends, and 0 where it lies between them with room for its label."""
    margin = (x[-1] - x[0]) / 8
    return [x[0], *([0.0] if x[0] + margin < 0 < x[-1] - margin else []), x[-1]]


def _label(left: float, top: float, text: str, anchor: str) -> str:
    return f'<text x="{left:g}" y="{top:g}" text-anchor="{anchor}">{text}</text>'
