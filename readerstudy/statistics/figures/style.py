"""How figures look: sizes, the look of each method, saving to the same bytes every time."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, replace
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from readerstudy.statistics.rows import Question

WIDTH = 7.2  # inches: the text width of an A4 page
DPI = 150  # of the PNG files
INK, QUIET, RULE = "#1a1a1a", "#5a5a5a", "#b8b8b8"


@dataclass(frozen=True)
class Look:
    """How points and the line through them look; the fields are named as the properties of Line2D."""

    color: str
    marker: str
    markerfacecolor: str
    linestyle: str

    @property
    def points(self) -> Look:
        """The same without a line."""
        return replace(self, linestyle="")


# Okabe and Ito's colours, chosen so that their greys differ too; the marker alone is enough.
METHOD_LOOKS = (
    Look(color="#D55E00", marker="o", markerfacecolor="white", linestyle="-"),
    Look(color="#0B4F8A", marker="s", markerfacecolor="#0B4F8A", linestyle="--"),
    Look(color="#009E73", marker="^", markerfacecolor="white", linestyle="-."),
    Look(color="#1a1a1a", marker="D", markerfacecolor="#1a1a1a", linestyle=":"),
)
TRUTH_LOOKS = {
    "TP": Look(color=INK, marker="o", markerfacecolor=INK, linestyle="-"),
    "FP": Look(color=INK, marker="o", markerfacecolor="white", linestyle="-"),
}
TRUTH_TITLES = {"TP": "True positives", "FP": "False positives", "all": "All examples"}
SETTINGS: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 8.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": QUIET,
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.7,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "text.color": INK,
    "legend.frameon": False,
    "hatch.linewidth": 0.6,
    "hatch.color": "#404040",
    "svg.hashsalt": "readerstudy",
    "svg.fonttype": "path",
}


def new_figure(height: float, width: float = WIDTH) -> Figure:
    """An empty figure in inches, off any window system and any global state."""
    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def look(index: int) -> Look:
    """Of the method at this place in the study's order."""
    return METHOD_LOOKS[index % len(METHOD_LOOKS)]


def scale_axis(axis: Axis, question: Question) -> None:
    """Ticks at the whole scores of a short scale."""
    low, high = question.minimum, question.maximum
    if high - low <= 10:
        axis.set_ticks(range(int(low), int(high) + 1))


def grid(axes: Axes, axis: str = "y") -> None:
    axes.grid(True, axis=axis)  # type: ignore[arg-type]


def to_bytes(figure: Figure, kind: str) -> bytes:
    """The figure as "svg" or "png" without dates or program names, so that bytes repeat."""
    target = io.BytesIO()
    with rc_context(SETTINGS):
        if kind == "png":
            figure.set_dpi(DPI)
            FigureCanvasAgg(figure).print_png(target, metadata={"Software": None})
            return target.getvalue()
        FigureCanvasSVG(figure).print_svg(target, metadata={"Date": None, "Creator": None})
    return plain_svg(target.getvalue().decode()).encode()


def plain_svg(text: str) -> str:
    """SVG without style elements or attributes, which a strict content security policy forbids inside a page."""
    text = re.sub(r"<style.*?</style>", "", text, flags=re.DOTALL)
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'\sstyle="([^"]*)"', lambda found: _attributes(found[1]), text)
    return text.replace("<svg ", '<svg stroke-linejoin="round" ', 1)


def _attributes(style: str) -> str:
    pairs = (item.split(":", 1) for item in style.split(";") if ":" in item)
    return "".join(f' {name.strip()}="{value.strip()}"' for name, value in pairs)
