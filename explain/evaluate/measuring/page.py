"""Tables as CSV files, curves as SVG, and one HTML page with both; the same tables give the same bytes."""

from __future__ import annotations

import csv
import html
import io
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from explain.evaluate.measuring.tables import Row, Table

ON_PAGE = 400  # rows of a table; longer ones are files only
OPEN = 40  # rows; longer tables are folded
# In the order of the page: title, what the levels are, what is drawn, figures of Cohen et al. 2021.
_CURVES = {
    "randomisation": (
        "Randomised models", "share of layers drawn anew, from the output down", "Spearman of |map|",
        "figures 5 and H.1",
    ),
    "noise_spearman": ("Noise: Spearman", "standard deviation, share of the range", "Spearman of |map|", "figure G.1"),
    "noise_iou": ("Noise: IoU", "standard deviation, share of the range", "IoU of the strongest 5 %", "figure G.1"),
    "blur_spearman": ("Blur: Spearman", "standard deviation, pixels", "Spearman of |map|", "figure G.1"),
    "blur_iou": ("Blur: IoU", "standard deviation, pixels", "IoU of the strongest 5 %", "figure G.1"),
}  # fmt: skip
_STYLE = """
body { font: 15px/1.5 sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
td, th { padding: .1rem .6rem; text-align: left; }
.n { text-align: right; }
th { border-bottom: 1px solid; }
section > div { overflow-x: auto; }
summary { cursor: pointer; }
figure { margin: 1.5rem 0; max-width: 40rem; }
svg { max-width: 100%; height: auto; }
"""


@dataclass(frozen=True)
class Figure:
    """name: of its file. svg: a whole file. caption: what is drawn, in words."""

    name: str
    svg: str
    caption: str


def write(tables: Sequence[Table], summary: Sequence[str], folder: Path) -> None:
    """`folder` gets NAME.csv of each table, figure_MODEL_CURVE.svg, and index.html."""
    folder.mkdir(parents=True, exist_ok=True)
    for table in tables:
        with (folder / f"{table.name}.csv").open("w", newline="", encoding="utf-8") as file:
            lines = csv.writer(file, lineterminator="\n")
            lines.writerows([table.header, *table.rows])
    figures = draw_curves(next(table for table in tables if table.name == "curves"))
    for figure in figures:
        (folder / f"{figure.name}.svg").write_text(figure.svg, encoding="utf-8")
    (folder / "index.html").write_text(_page(tables, summary, figures), encoding="utf-8")


def draw_curves(table: Table) -> list[Figure]:
    """One for each model and curve: the mean of each kind by level, with its interval."""
    lines: dict[tuple[str, str], dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for model, curve, kind, *cells in table.rows:
        lines[model, curve][kind].append(tuple(cells))
    order = list(_CURVES)
    found = []
    for model, curve in sorted(lines, key=lambda key: (key[0], order.index(key[1]))):
        title, across, up, source = _CURVES[curve]
        caption = (
            f"{title}, {model}. {up} against {across}; mean of each kind, and shaded its 95 % interval over patients. "
            f"Compare {source} of Cohen et al. 2021."
        )
        svg = _drawn(curve, model, lines[model, curve])
        found.append(Figure(f"figure_{_plain(model)}_{curve}", svg, caption))
    return found


def _drawn(curve: str, model: str, kinds: dict[str, list[Row]]) -> str:
    import matplotlib
    from matplotlib.figure import Figure as Canvas

    title, across, up, _ = _CURVES[curve]
    with matplotlib.rc_context({"svg.hashsalt": curve, "svg.fonttype": "none"}):
        figure = Canvas(figsize=(6, 4), layout="constrained")
        axes = figure.add_subplot()
        for kind, rows in kinds.items():
            points = sorted(
                (float(level), float(mean), float(low), float(high)) for level, mean, _, low, high, *_ in rows
            )
            levels, means, lows, highs = zip(*points, strict=True)
            axes.plot(levels, means, marker="o", label=kind)
            axes.fill_between(levels, lows, highs, alpha=0.15, linewidth=0)
        axes.set(title=f"{title}: {model}", xlabel=across, ylabel=up)
        axes.legend(fontsize="small")
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return text.getvalue()


def _page(tables: Sequence[Table], summary: Sequence[str], figures: Sequence[Figure]) -> str:
    parts = ["<!DOCTYPE html>", '<html lang="en">', "<head>", '<meta charset="utf-8">',
             '<meta name="viewport" content="width=device-width, initial-scale=1">',
             "<title>Measures of explanations</title>", f"<style>{_STYLE}</style>", "</head>", "<body>", "<main>",
             "<h1>Measures of explanations</h1>"]  # fmt: skip
    parts += [f"<p>{html.escape(line)}</p>" for line in summary]
    parts += ['<nav aria-label="Contents">', "<ul>"]
    parts += [f'<li><a href="#{table.name}">{html.escape(table.title)}</a></li>' for table in tables]
    parts += ["</ul>", "</nav>"]
    for table in tables:
        parts += [f'<section id="{table.name}">', f"<h2>{html.escape(table.title)}</h2>"]
        parts += [f"<p>{html.escape(table.note)}</p>"] if table.note else []
        parts.append(f'<p><a href="{table.name}.csv">{table.name}.csv</a>, {len(table.rows):,} rows</p>')
        if table.name == "curves":
            parts += [_inline(figure) for figure in figures]
        if table.rows and len(table.rows) <= ON_PAGE:
            parts += _table(table)
        parts.append("</section>")
    return "\n".join([*parts, "</main>", "</body>", "</html>", ""])


def _inline(figure: Figure) -> str:
    alternative = f'<svg role="img" aria-label="{html.escape(figure.caption)}"'
    svg = figure.svg[figure.svg.index("<svg") :].replace("<svg", alternative, 1)
    caption = f'{html.escape(figure.caption)} <a href="{figure.name}.svg">{figure.name}.svg</a>'
    return f"<figure>\n{svg}<figcaption>{caption}</figcaption>\n</figure>"


def _table(table: Table) -> list[str]:
    """A long one folded; columns of numbers to the right."""
    numbers = [all(_is_number(row[column]) for row in table.rows) for column in range(len(table.header))]
    classes = [' class="n"' if number else "" for number in numbers]
    heads = (f'<th scope="col"{kind}>{html.escape(name)}</th>' for name, kind in zip(table.header, classes))
    parts = [f'<div role="region" tabindex="0" aria-label="{html.escape(table.title)}">', "<table>"]
    parts += ["<thead>", f"<tr>{''.join(heads)}</tr>", "</thead>", "<tbody>"]
    for row in table.rows:
        cells = (f"<td{kind}>{html.escape(cell)}</td>" for cell, kind in zip(row, classes))
        parts.append(f"<tr>{''.join(cells)}</tr>")
    parts += ["</tbody>", "</table>", "</div>"]
    if len(table.rows) > OPEN:
        parts = ["<details>", f"<summary>Show the {len(table.rows):,} rows</summary>", *parts, "</details>"]
    return parts


def _is_number(cell: str) -> bool:
    try:
        float(cell or "nan")
    except ValueError:
        return False
    return True


def _plain(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in name)
