"""Results to files: results.json, tables as CSV, figures, and one self-contained report.html. All of them or none."""

from __future__ import annotations

import base64
import csv
import hashlib
import html
import json
import re
import tempfile
from pathlib import Path

from django.conf import settings
from django.template import Context, Engine

from readerstudy.common.csv_cells import safe_cell
from readerstudy.statistics.figures import Drawing, draw_all
from readerstudy.statistics.plan import AnalysisError
from readerstudy.statistics.report.sections import NumberedFigure, sections
from readerstudy.statistics.report.tables import csv_tables, report_tables
from readerstudy.statistics.report.text import limitations, plan_entries
from readerstudy.statistics.rows import Results
from readerstudy.statistics.stored import to_json

TEMPLATES = settings.SHIPPED / "templates" / "analysis"
OUR_FILES = re.compile(r"(results\.json|report\.html|tables/[\w-]+\.csv|figures/[\w-]+\.(svg|png))\Z")


def write_report(results: Results, directory: Path | str, *, drawings: list[Drawing] | None = None) -> list[Path]:
    """Write results.json, tables/*.csv, figures/*.svg and .png and report.html into `directory`; return their paths.

    The files are made beside the directory and moved into place at the end, so that a failure leaves what was there. An
    earlier analysis in the directory is replaced; AnalysisError when it holds any other file, which must not be lost.
    `drawings` are those of `draw_all`, where they are made already.
    """
    target = Path(directory).absolute()
    _refuse_strangers(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    drawings = draw_all(results) if drawings is None else drawings
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as scratch:
        made = Path(scratch) / "made"
        _write_all(made, results, drawings)
        made.chmod(0o755)
        old = Path(scratch) / "old"
        if target.exists():
            target.rename(old)
        try:
            made.rename(target)
        except OSError:
            if old.exists():
                old.rename(target)
            raise
    return sorted(path for path in target.rglob("*") if path.is_file())


def render_report(results: Results, drawings: list[Drawing] | None = None) -> str:
    """The report as one HTML page: no script, nothing from outside, figures inline as SVG."""
    drawings = draw_all(results) if drawings is None else drawings
    engine = Engine(dirs=[str(TEMPLATES)], libraries={}, builtins=["readerstudy.common.wording"])
    style = (TEMPLATES / "report.css").read_text(encoding="utf-8")
    figures = {
        drawing.name: NumberedFigure(number, drawing, inline_svg(drawing))
        for number, drawing in enumerate(drawings, start=1)
    }
    context = {
        "results": results,
        "style": style,
        "style_hash": base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        "plan": plan_entries(results),
        "limitations": limitations(results),
        "sections": sections(results, figures, report_tables(results)),
    }
    return engine.get_template("report.html").render(Context(context, use_l10n=False, use_tz=False))


def inline_svg(drawing: Drawing) -> str | None:
    """A drawing's SVG as an element of an HTML page: labelled for screen readers, ids its own, width the page's."""
    if drawing.svg is None:
        return None
    text = drawing.svg.decode()
    text = text[text.index("<svg") :]
    text = re.sub(r'\s(width|height)="[\d.]+pt"', "", text, count=2)
    text = re.sub(r'\bid="', f'id="{drawing.name}-', text)
    text = re.sub(r'(href="#|url\(#)', rf"\g<1>{drawing.name}-", text)
    return text.replace("<svg ", f'<svg role="img" aria-label="{html.escape(drawing.title)}" ', 1)


def _write_all(folder: Path, results: Results, drawings: list[Drawing]) -> None:
    (folder / "tables").mkdir(parents=True)
    (folder / "figures").mkdir()
    text = json.dumps(to_json(results), indent=1, ensure_ascii=False, allow_nan=False)
    (folder / "results.json").write_text(text + "\n", encoding="utf-8")
    for name, rows in csv_tables(results).items():
        with (folder / "tables" / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\r\n")
            writer.writeheader()
            writer.writerows({key: safe_cell(value) for key, value in row.items()} for row in rows)
    for drawing in drawings:
        for kind, data in (("svg", drawing.svg), ("png", drawing.png)):
            if data is not None:
                (folder / "figures" / f"{drawing.name}.{kind}").write_bytes(data)
    (folder / "report.html").write_text(render_report(results, drawings), encoding="utf-8")


def _refuse_strangers(target: Path) -> None:
    if target.exists() and not target.is_dir():
        raise AnalysisError(f"{target} is a file. Name a folder for the report.")
    if not target.exists():
        return
    for path in sorted(target.rglob("*")):
        name = path.relative_to(target).as_posix()
        if not path.is_dir() and not OUR_FILES.match(name):
            raise AnalysisError(
                f"{target} holds {name}, which is not part of a report and would be lost. Name an empty or a "
                "new folder."
            )
