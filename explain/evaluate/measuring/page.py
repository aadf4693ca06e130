"""Tables as CSV files, curves as SVG, and one HTML page with both; the same tables give the same bytes."""

from __future__ import annotations

import csv
import html
import io
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from explain.evaluate.measuring.tables import Row, Table

ON_PAGE = 400  # rows of a table; longer ones are files only
_CURVES = {
    "randomisation": ("Randomised models", "share of layers drawn anew, from the output down", "Spearman of |map|"),
    "noise_spearman": ("Noise", "standard deviation, share of the range", "Spearman of |map|"),
    "noise_iou": ("Noise", "standard deviation, share of the range", "IoU of the strongest 5 %"),
    "blur_spearman": ("Blur", "standard deviation, pixels", "Spearman of |map|"),
    "blur_iou": ("Blur", "standard deviation, pixels", "IoU of the strongest 5 %"),
}


def write(tables: Sequence[Table], summary: Sequence[str], folder: Path) -> None:
    """`folder` gets NAME.csv of each table, figure_MODEL_CURVE.svg, and index.html."""
    folder.mkdir(parents=True, exist_ok=True)
    for table in tables:
        with (folder / f"{table.name}.csv").open("w", newline="", encoding="utf-8") as file:
            lines = csv.writer(file, lineterminator="\n")
            lines.writerows([table.header, *table.rows])
    figures = draw_curves(next(table for table in tables if table.name == "curves"))
    for name, svg in figures.items():
        (folder / f"{name}.svg").write_text(svg, encoding="utf-8")
    (folder / "index.html").write_text(_page(tables, summary, figures), encoding="utf-8")


def draw_curves(table: Table) -> dict[str, str]:
    """File name -> SVG, one for each model and curve: the mean of each kind by level, with its interval."""
    lines: dict[tuple[str, str], dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for model, curve, kind, *cells in table.rows:
        lines[model, curve][kind].append(tuple(cells))
    return {f"figure_{_plain(model)}_{curve}": _figure(curve, model, kinds) for (model, curve), kinds in lines.items()}


def _figure(curve: str, model: str, kinds: dict[str, list[Row]]) -> str:
    import matplotlib
    from matplotlib.figure import Figure

    title, across, up = _CURVES[curve]
    with matplotlib.rc_context({"svg.hashsalt": curve, "svg.fonttype": "none"}):
        figure = Figure(figsize=(6, 4), layout="constrained")
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


def _page(tables: Sequence[Table], summary: Sequence[str], figures: dict[str, str]) -> str:
    parts = ["<!DOCTYPE html>", '<html lang="en">', "<head>", '<meta charset="utf-8">',
             "<title>Measures of explanations</title>", "<style>",
             "body { font: 15px/1.5 sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; }",
             "table { border-collapse: collapse; } td, th { padding: .1rem .6rem; text-align: left; }",
             "th { border-bottom: 1px solid; } section { overflow-x: auto; } svg { max-width: 100%; height: auto; }",
             "</style>", "</head>", "<body>", "<h1>Measures of explanations</h1>"]  # fmt: skip
    parts += [f"<p>{html.escape(line)}</p>" for line in summary]
    for table in tables:
        parts += ["<section>", f"<h2>{html.escape(table.title)}</h2>"]
        parts += [f"<p>{html.escape(table.note)}</p>"] if table.note else []
        parts.append(f'<p><a href="{table.name}.csv">{table.name}.csv</a>, {len(table.rows):,} rows</p>')
        if table.rows and len(table.rows) <= ON_PAGE:
            parts += ["<table>", _line("th", table.header), *(_line("td", row) for row in table.rows), "</table>"]
        if table.name == "curves":
            parts += [svg[svg.index("<svg") :] for svg in figures.values()]
        parts.append("</section>")
    return "\n".join([*parts, "</body>", "</html>", ""])


def _line(cell: str, values: Row) -> str:
    return "<tr>" + "".join(f"<{cell}>{html.escape(value)}</{cell}>" for value in values) + "</tr>"


def _plain(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in name)
