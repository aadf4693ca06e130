"""Figures of an analysis, drawn from `Results` alone: same results, same bytes.

Each must read in greyscale: methods differ by marker and line, answers by hatching, never by colour alone. A function
returns a Figure, or None where there is nothing to draw. Nothing here computes statistics.
"""

from __future__ import annotations

from readerstudy.statistics.figures.gallery import Drawing, draw_all

__all__ = ["Drawing", "draw_all"]
