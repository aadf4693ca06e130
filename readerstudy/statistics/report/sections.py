"""The report's body in order: which figures and tables stand together, under which title and opening sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from readerstudy.statistics.figures.gallery import Drawing
from readerstudy.statistics.report.alignment import ALIGNMENT
from readerstudy.statistics.report.measures import TITLE, measures_text
from readerstudy.statistics.report.table import Table
from readerstudy.statistics.report.text import what_was_analysed
from readerstudy.statistics.rows import Results
from readerstudy.statistics.words.sentences import primary_rows

DIFFERENCES = (
    "Each reader's two answers for one example, one with each method, make a pair. In the paired table bold rows "
    "belong to the plan's confirmatory families. What is found outside the primary comparison would suggest "
    "something, and decides nothing. "
)
ONE_PRIMARY = "“Primary” is the one comparison that answers the study's question."
SEVERAL_PRIMARY = (
    "The plan names no primary comparison of methods, so those marked “primary” answer the study's question together, "
    "adjusted for each other."
)
AUC = (
    "An answer is useful when it is higher on true positives than on false positives. The area under the ROC curve "
    "(AUC) is how often that is so. "
)
AUC_PRIMARY = "This comparison is the plan's primary endpoint."
AUC_SECONDARY = "These comparisons are secondary: they are outside the families, and their p values are not adjusted."


@dataclass(frozen=True)
class NumberedFigure:
    """A drawing with its number in the report, and its SVG as an element of the page (None where not drawn)."""

    number: int
    drawing: Drawing
    svg: str | None


@dataclass(frozen=True)
class Section:
    """A part of the report: title, opening sentence, figures, tables."""

    title: str
    text: str = ""
    figures: list[NumberedFigure] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)


def sections(results: Results, figures: Mapping[str, NumberedFigure], tables: Mapping[str, Table]) -> list[Section]:
    """The sections of the report; a table without rows is left out."""

    def shown(*names: str) -> list[Table]:
        return [tables[name] for name in names if name in tables and tables[name].rows]

    forests = [figures[name] for name in figures if name.startswith("forest")]
    answers = [figures[name] for name in ("answers-by-pathology", "joint-means", "answer-counts")]
    planned_auc = results.plan.primary_endpoint.test == "obuchowski_rockette"
    which = ONE_PRIMARY if len(primary_rows(results, results.plan)) < 2 else SEVERAL_PRIMARY
    auc = AUC + (AUC_PRIMARY if planned_auc else AUC_SECONDARY)
    found = [
        Section("What was analysed", what_was_analysed(results), [figures["flow"]], shown("readers")),
        Section(
            "Did the answers differ between methods?",
            DIFFERENCES + which,
            forests,
            shown("mean-tests", "margin", "overall"),
        ),
        Section("The answers", figures=answers),
        Section(
            "Do answers tell right from wrong predictions?", auc, [figures["roc"]], shown("mrmc-auc", "mrmc-tests")
        ),
        Section(
            "Do readers trust what is right and doubt what is wrong?",
            tables=shown("decisions", "over-trust", "decision-tests", "decisions-readers", "calibration"),
        ),
        Section("Three or more methods", tables=shown("planned")),
        Section("How far does the result depend on missing answers?", tables=shown("missing")),
        Section("Subgroups named in the plan", tables=shown("subgroups")),
        Section("Do the readers agree?", tables=shown("agreement", "repeated")),
        Section(
            "Period, order and other effects",
            "Exploratory: whether the difference between methods could be one between reads.",
            tables=shown("odds-ratios", "crossover", "periods", "models"),
        ),
        Section("Overlap with expert masks", figures=[figures["overlap"]]),
        Section(
            TITLE,
            measures_text(results),
            tables=shown("measures", "measure-correlations", "measure-orders", "wrong-reason"),
        ),
        *_moving_along(results, shown("alignment")),
        Section("Reading time", figures=[figures["reading-time"]], tables=shown("reading-time-model", "timing")),
        Section("By pathology, reader and order", "Exploratory.", tables=shown("groups")),
        Section(
            "Planning the next study",
            "From the variances found here. They are themselves uncertain, the more so with few readers.",
            tables=shown("mean-components", "mrmc-components", "mrmc-power"),
        ),
    ]
    return [section for section in found if section.figures or section.tables or section.text]


def _moving_along(results: Results, tables: list[Table]) -> list[Section]:
    """None for a study without Latent Shift."""
    if not tables and not results.alignment.note:
        return []
    text = " ".join(filter(None, (ALIGNMENT, results.alignment.note)))
    return [Section("Which other findings move along", text, tables=tables)]
