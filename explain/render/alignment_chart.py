"""Draw the counterfactual alignment of one explanation: how each output of the classifier moves with the explained one.

Plain SVG, no drawing library.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import isfinite

_WIDTH, _ROW, _TOP = 360, 16, 24
_LEFT, _RIGHT = 150, 310
_MIDDLE = (_LEFT + _RIGHT) / 2
_LITTLE = 0.01  # a smaller change of the probability tells next to nothing, however well it goes along


def alignment_chart(
    names: Sequence[str], correlations: Sequence[float], changes: Sequence[float], target: str
) -> bytes:
    """A bar for each output, from -1 on the left to 1 on the right, and its change in numbers; SVG, 360 wide.

    names: the classifier's outputs, in the order drawn. correlations: -1..1, or NaN (no bar). changes: of the
    probability, from the unshifted picture to the most faded one; the bar of one below 0.01 is pale. target: the name
    that is drawn in full colour.
    Raises ValueError for unequal lengths, and if there is nothing to draw.
    """
    if not names or not len(names) == len(correlations) == len(changes):
        raise ValueError("An alignment chart needs as many names as correlations and changes, at least one.")
    height = _TOP + _ROW * len(names) + 8
    bottom = height - 8
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" viewBox="0 0 {_WIDTH} {height}"'
        ' font-family="sans-serif" font-size="11" role="img">',
        f"<title>Outputs that move with {escape(target)}</title>",
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>',
        _text(_LEFT, 14, "−1", "middle"),
        _text(_MIDDLE, 14, "correlation", "middle"),
        _text(_RIGHT, 14, "1", "middle"),
        _text(_WIDTH - 4, 14, "change", "end"),
        f'<path d="M{_LEFT} {_TOP - 4}V{bottom}M{_RIGHT} {_TOP - 4}V{bottom}" stroke="#ddd"/>',
    ]
    for row, (name, correlation, change) in enumerate(zip(names, correlations, changes)):
        parts += _bar(_TOP + _ROW * row, name, correlation, change, name == target)
    parts += [f'<path d="M{_MIDDLE:g} {_TOP - 4}V{bottom}" stroke="#444"/>', "</svg>\n"]
    return "\n".join(parts).encode()


def _bar(top: float, name: str, correlation: float, change: float, is_target: bool) -> list[str]:
    parts = [_text(_LEFT - 8, top + 9, name, "end"), _text(_WIDTH - 4, top + 9, _signed(change), "end")]
    if isfinite(correlation):
        ends = sorted((_MIDDLE, _MIDDLE + correlation * (_RIGHT - _LEFT) / 2))
        colour = "#a50f15" if is_target else "#d5dae0" if round(abs(change), 3) < _LITTLE else "#7f8c9b"
        width = round(ends[1] - ends[0], 1)
        parts.append(f'<rect x="{round(ends[0], 1):g}" y="{top:g}" width="{width:g}" height="10" fill="{colour}"/>')
    return parts


def _signed(change: float) -> str:
    """A change of a probability, for people: three decimals, a true minus sign, and none of zero."""
    return "0.000" if not round(change, 3) else f"{change:+.3f}".replace("-", "−")


def _text(left: float, top: float, text: str, anchor: str) -> str:
    return f'<text x="{left:g}" y="{top:g}" text-anchor="{anchor}">{escape(text)}</text>'
