"""Measures of the explanations in the report: words that say what may be concluded, and tables. CSVs have all rows."""

from __future__ import annotations

from readerstudy.common.counting import counted, figure_text
from readerstudy.statistics.measures import ON_AT_MOST, ON_CONFOUNDER
from readerstudy.statistics.paired import TRUTH_NAMES
from readerstudy.statistics.ranks import REPLICATES
from readerstudy.statistics.report.table import Table, TableRow
from readerstudy.statistics.rows import Results
from readerstudy.statistics.rows.measures import Measure, MeasureCorrelation, MeasureMean, MeasureOrder
from readerstudy.statistics.wording import interval_text, number, percent

TITLE = "Do measures of the explanations go with the answers?"
MEASURES = (
    "A measure is computed from an explanation, with a mask or with the model; nobody is asked. That answers "
    "rise with a "
    "measure says that the two go together over these examples. It does not say that the measure made readers "
    "answer so, "
    "nor that it can stand in for readers. Without a correlation the measure may still be right: readers may "
    "not look at what it looks at, or it may hardly vary here. Measures that need a mask speak of true positives only. "
    "On false positives a higher answer is misplaced trust, so a measure that goes with it is no praise of the "
    "measure. "
    "Nothing in this section is planned or adjusted: of twenty intervals about one leaves 0 out by chance."
)


def measures_text(results: Results) -> str:
    """What stands above the tables."""
    found = results.measures
    left = [
        f"{counted(found.outdated, 'value')} left out: the map, mask or metric has changed since (evaluate again)."
        if found.outdated
        else "",
        f"{counted(found.failed, 'value')} could not be measured." if found.failed else "",
    ]
    return " ".join(filter(None, [MEASURES if found.means else found.note or "", *left]))


def measure_tables(results: Results) -> dict[str, Table]:
    return {
        "measures": _means(results),
        "measure-correlations": _correlations(results),
        "measure-orders": _orders(results),
        "wrong-reason": _wrong_reason(results),
    }


def _named(metric: Measure) -> str:
    return f"{metric.title} ({'↑' if metric.better == 'higher' else '↓'})"


def _kind(results: Results, name: str) -> str:
    return results.kind_titles.get(name, name)


def _means(results: Results) -> Table:
    rows: list[TableRow] = []
    kinds = list(dict.fromkeys(row.kind for row in results.measures.means))
    for metric in results.measures.metrics:
        own = [row for row in results.measures.means if row.metric == metric.name]
        for truth in dict.fromkeys(row.truth for row in own):
            by_kind = {row.kind: row for row in own if row.truth == truth}
            n = sorted({row.n for row in by_kind.values()})
            cells = [_mean(by_kind.get(kind)) for kind in kinds]
            rows.append(TableRow([_named(metric), TRUTH_NAMES[truth], " / ".join(map(str, n)), *cells]))
    caption = (
        f"Means over examples; below them {percent(results.plan.alpha)} intervals from resampling patients. "
        "↑: higher is better, ↓: lower is better. Standard deviations and numbers of patients are in "
        "tables/measures.csv."
    )
    headings = ["Measure", "Examples", "n", *(_kind(results, kind) for kind in kinds)]
    return Table("Measures by kind of explanation", headings, rows, caption=caption)


def _mean(row: MeasureMean | None) -> str:
    if row is None or row.mean is None:
        return "–"
    interval = " to ".join(map(figure_text, row.ci_patient)) if row.ci_patient else "–"
    return f"{figure_text(row.mean)}\n{interval}"


def _correlations(results: Results) -> Table:
    found = results.measures.correlations
    asked = list(dict.fromkeys((row.question, row.truth) for row in found))
    rows = []
    for metric in results.measures.metrics:
        own = [row for row in found if row.metric == metric.name]
        for method, kind in dict.fromkeys((row.method, row.kind) for row in own):
            cells = {(row.question, row.truth): row for row in own if (row.method, row.kind) == (method, kind)}
            label = results.methods.get(method, method)
            texts = [_rho(cells.get(key)) for key in asked]
            if any(text != "–" for text in texts):
                rows.append(TableRow([_named(metric), f"{_kind(results, kind)}, {label}", *texts]))
    caption = (
        "Spearman's correlation over examples of the measure with the readers' mean answer, its "
        f"{percent(results.plan.alpha)} interval from resampling patients ({REPLICATES:,} samples at most, ranked "
        f"anew in "
        "each), and the number of examples. Where lower is better (↓), a measure that goes with the answers has a "
        "negative one. Rows without any are in tables/measure-correlations.csv, with the reason."
    )
    headings = ["Measure", "Kind, method", *(f"{question}, {TRUTH_NAMES[truth]}" for question, truth in asked)]
    return Table("Measures and answers, example by example", headings, rows, caption=caption)


def _rho(row: MeasureCorrelation | None) -> str:
    if row is None or row.rho is None:
        return "–"
    return f"{number(row.rho, signed=True)}\n{interval_text(row.ci_patient, signed=True)}\nn {row.n}"


def _orders(results: Results) -> Table:
    found = [row for row in results.measures.orders if row.same is not None]
    asked = list(dict.fromkeys((row.question, row.truth) for row in found))
    rows = []
    for metric in results.measures.metrics:
        by_asked = {(row.question, row.truth): row for row in found if row.metric == metric.name}
        if by_asked:
            rows.append(TableRow([_named(metric), *(_order(by_asked.get(key)) for key in asked)]))
    caption = (
        "Order of the methods by the measure, best first, and whether it is that of the readers' mean answers, highest "
        "first, over examples that have both for every method; a method's value is the mean over its kinds. Methods "
        "without the measure are not in the order: tables/measure-orders.csv names them. In brackets: in how many of "
        "the samples of patients both orders are the same. Two methods have two orders, so every second measure would "
        "agree by chance; which order is right, this table does not say."
    )
    headings = ["Measure", *(f"{question}, {TRUTH_NAMES[truth]}" for question, truth in asked)]
    return Table("Which measures order the methods as the readers do", headings, rows, labels=1, caption=caption)


def _order(row: MeasureOrder | None) -> str:
    if row is None:
        return "–"
    alike = "–" if row.alike is None else f"{100 * row.alike:.0f} %"
    return f"{row.by_metric}\n{'as readers' if row.same else f'readers {row.by_answers}'} ({alike}), n {row.n}"


def _wrong_reason(results: Results) -> Table:
    rows = [
        TableRow(
            [
                row.question,
                f"{_kind(results, row.kind)}, {results.methods.get(row.method, row.method)}",
                f"{row.n_on} / {row.n_off}",
                f"{number(row.mean_on)} / {number(row.mean_off)}",
                "–"
                if row.difference is None
                else f"{number(row.difference, signed=True)} ({interval_text(row.ci_patient, signed=True)})",
            ],
            row.note,
        )
        for row in results.measures.wrong_reason
    ]
    caption = (
        "False positives of which it is known what led the model astray (a tube, a marker, another finding). A map "
        f"sits on it where at least {ON_CONFOUNDER:g} times as much of the map's sum lies there as an even map would "
        f"put there, or {100 * ON_AT_MOST:g} % of it: our choice. An explanation that shows the wrong reason does its "
        "work if answers are lower there: a difference below 0. These are different examples, which may also differ in "
        "other ways. Intervals resample patients."
    )
    headings = ["Question", "Kind, method", "Examples on / off", "Mean answer on / off", "On − off (interval)"]
    return Table("Right for the wrong reason", headings, rows, caption=caption)
