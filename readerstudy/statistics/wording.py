"""Numbers as people read them: the one place that rounds, so that one number reads alike wherever it stands."""

from __future__ import annotations

import math
from collections.abc import Sequence


def number(value: float | None, digits: int = 2, signed: bool = False) -> str:
    """A number for people: fixed digits, a true minus sign, a dash where there is none (None, NaN or infinite)."""
    if value is None or not math.isfinite(value):
        return "–"
    value += math.copysign(1e-9, value)  # 0.575 is printed 0.58 although its binary form lies a hair below
    text = f"{value:+.{digits}f}" if signed else f"{value:.{digits}f}"
    if float(text) == 0:
        text = text.lstrip("+-")
    return text.replace("-", "−")


def p_text(p: float | None) -> str:
    """0.579, 0.010, < 0.001; never 0."""
    return "< 0.001" if p is not None and p < 0.001 else number(p, 3)


def p_clause(p: float) -> str:
    return f"p {p_text(p)}" if p < 0.001 else f"p = {p_text(p)}"


def interval_text(
    ci: Sequence[float] | None, digits: int = 2, signed: bool = False, error: Sequence[float] | None = None
) -> str:
    """Both ends, "0.24 or more" where the upper one cannot be given (NaN), a dash where there is no interval.

    error: Monte Carlo errors of the ends of a bootstrap interval. An end nearer to zero than twice its error could lie
    on the other side with another seed, so it is told with it.
    """
    if ci is None or not math.isfinite(ci[0]):
        return "–"
    texts = [number(end, digits, signed) for end in ci]
    for place, (end, uncertain) in enumerate(zip(ci, error or ())):
        if abs(end) < 2 * uncertain:
            texts[place] += f" (Monte Carlo error {uncertain:.1g})"
    return f"{texts[0]} or more" if not math.isfinite(ci[1]) else " to ".join(texts)


def percent(alpha: float) -> str:
    return f"{100 * (1 - alpha):g} %"
