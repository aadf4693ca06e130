"""The tables of the report and of the CSV files: rows of results in, rows of text out. No statistics here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from readerstudy.statistics.bootstrap import FEWEST_CLUSTERS
from readerstudy.statistics.mrmc import EXACT_BELOW
from readerstudy.statistics.paired import TRUTH_NAMES
from readerstudy.statistics.plan import MEAN_TESTS
from readerstudy.statistics.report.alignment import alignment_table
from readerstudy.statistics.report.decided import decided_csv, decided_tables
from readerstudy.statistics.report.measures import measure_tables
from readerstudy.statistics.report.mrmc import mrmc_csv, mrmc_tables
from readerstudy.statistics.report.scores import score_csv, score_tables
from readerstudy.statistics.report.table import Table, TableRow
from readerstudy.statistics.rows import (
    ClusteredTest,
    Comparison,
    Interval,
    MethodTime,
    ModelRow,
    PairedRow,
    ReadTime,
    Results,
    Term,
)
from readerstudy.statistics.stored import Cell, CsvRow, Plain, PlainRow, plain_row
from readerstudy.statistics.wording import interval_text, number, p_text, percent
from readerstudy.statistics.words.sentences import aim_that_decides, primary_rows


def csv_tables(results: Results) -> dict[str, list[CsvRow]]:
    """Name of the file (without ending) to flat rows; a table without rows is left out."""
    timing = results.timing
    tables: dict[str, Sequence[object]] = {
        "paired": [replace(row, mean_test=None) for row in results.paired],
        "agreement": results.agreement,
        "contrasts": results.contrasts,
        "crossover": results.crossover,
        "periods": results.periods,
        "models": [],
        "scores": results.scores,
        "means": results.means,
        "readers": results.flow.readers,
        "reading-time": timing.by_read,
        "reading-time-by-position": timing.by_position,
        "overlap": results.localisation.points,
        "overlap-correlations": results.localisation.correlations,
        "alignment": results.alignment.points,
        "alignment-means": results.alignment.rows,
        "measures": results.measures.means,
        "measure-correlations": results.measures.correlations,
        "measure-orders": results.measures.orders,
        "wrong-reason": results.measures.wrong_reason,
    }
    lines = {name: [plain_row(row) for row in rows] for name, rows in tables.items()}
    lines["models"] = [line for row in results.models for line in _model_lines(row)]
    for line in lines["paired"]:
        del line["mean_test"]  # in mean-tests
    lines |= score_csv(results) | mrmc_csv(results.mrmc) | decided_csv(results)
    return {name: _same_columns(map(flat, rows)) for name, rows in lines.items() if rows}


def _model_lines(row: ModelRow) -> list[PlainRow]:
    """A line for each term, or one without a term."""
    about = plain_row(row)
    del about["correlation"], about["terms"]
    return [about | plain_row(term) for term in row.terms] or [
        about | dict.fromkeys(("factor", "level", "reference", "estimate"))
    ]


def flat(row: PlainRow, prefix: str = "") -> CsvRow:
    """One level of columns: an interval becomes _low and _high, a part's name leads its own columns.

    Raises TypeError for any other list: a cell holds one value.
    """
    found: CsvRow = {}
    for key, value in row.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            found |= flat(value, f"{name}_")
        elif isinstance(value, list) and len(value) == 2:
            for end, bound in zip(("low", "high"), value):
                found[f"{name}_{end}"] = _cell(bound, name)
        elif key == "ci" or key.startswith("ci_") or key.endswith("_ci"):
            found[f"{name}_low"] = found[f"{name}_high"] = None
        else:
            found[name] = _cell(value, name)
    return found


def _cell(value: Plain, column: str) -> Cell:
    if isinstance(value, list | dict):
        raise TypeError(f"A cell holds one value; {column} has {value!r}.")
    return value


def _same_columns(rows: Iterable[CsvRow]) -> list[CsvRow]:
    listed = list(rows)
    names = dict.fromkeys(name for row in listed for name in row)
    return [{name: row.get(name) for name in names} for row in listed]


def _mrmc(results: Results) -> dict[str, Table]:
    """The tables of the AUC analysis; warnings beside a number are left to the report's first page, which has them."""
    if not results.mrmc:
        return {}
    tables = mrmc_tables(results.mrmc, results.methods, aim_that_decides(results))
    tests = tables["mrmc-tests"]
    rows = [row if row.cells[-1] == "–" else replace(row, note=None) for row in tests.rows]
    return tables | {"mrmc-tests": replace(tests, rows=rows)}


def report_tables(results: Results) -> dict[str, Table]:
    """The tables the report shows, by name."""
    return {
        "readers": _readers(results),
        "overall": _paired(results, ("overall",)),
        "groups": _paired(results, ("pathology", "reader", "order")),
        "agreement": _agreement(results),
        "crossover": _crossover(results),
        "periods": _periods(results),
        **score_tables(results),
        **_mrmc(results),
        "models": _models(results),
        "timing": _timing(results),
        "alignment": alignment_table(results),
        **measure_tables(results),
        **decided_tables(results),
    }


def _readers(results: Results) -> Table:
    asked = len(results.methods) * len(results.questions) - len(results.not_asked)
    possible = results.flow.n_examples * asked
    rows = [
        TableRow([row.reader, row.reads, row.examples, f"{row.answers} of {possible}", row.excluded])
        for row in results.flow.readers
    ]
    headings = ["Reader", "Reads", "Examples", "Answers analysed", "Answers excluded"]
    return Table("Readers", headings, rows, labels=1)


def _paired(results: Results, levels: tuple[str, ...]) -> Table:
    many = len(results.methods) > 2
    means, difference = ("Two means", "Difference (SD)") if many else ("Means A / B", "B − A (SD)")
    level = percent(results.plan.alpha)
    headings = ["Question", "Examples", "Pairs (zeros)\nreaders, patients", means, f"{difference}\n{level} interval"]
    headings += ["W\nr", "p\n(exact)", "p clustered\n(exact)", "p Holm\np BH"]
    rows = [
        TableRow(_paired_cells(row, results), row.note, strong=not row.exploratory)
        for row in results.paired
        if row.level in levels and (row.level == "overall" or row.truth != "all")
    ]
    title = (
        "Paired comparison, overall" if levels == ("overall",) else "Paired comparison by pathology, reader and order"
    )
    test = results.plan.primary_endpoint.test
    adjusted = "clustered" if test == "clustered_signed_rank" else "pooled"
    adjusted = "p of the plan's test of mean scores" if test in MEAN_TESTS else f"{adjusted} p"
    caption = (
        "Second lines are named below the headings. W: the smaller rank sum; r: rank-biserial correlation (−1 to 1). "
        f"p: pooled Wilcoxon signed-rank test (zero rule “{results.plan.zero_rule}”, normal approximation), which "
        "describes these answers and speaks neither for other readers nor for other patients; p clustered: Rosner, "
        "Glynn and Lee's signed-rank test, patients as clusters, normal approximation too, for these readers. In "
        f"brackets, where fewer than {EXACT_BELOW} differences (or patients with one) are not zero and the "
        "approximation is rough: the exact p of the same ranks, from all assignments of signs to differences (or to "
        f"patients). With fewer than {FEWEST_CLUSTERS} such patients the clustered approximation is not given. p Holm, "
        f"p BH: the {adjusted} adjusted by Holm, and by Benjamini and Hochberg, within the plan's families. "
        f"Intervals resample patients, with these readers; there is none from fewer than {FEWEST_CLUSTERS}. SD with "
        "divisor n. A difference is the second method minus the first."
    )
    return Table(title, headings, rows, caption=caption)


def _paired_cells(row: PairedRow, results: Results) -> list[str]:
    primary = results.plan.primary_endpoint
    where = TRUTH_NAMES[row.truth] if row.level == "overall" else f"{row.group}, {row.truth}"
    if len(results.methods) > 2:
        where += f", {row.method_a} / {row.method_b}"
    asked = any(row is one for one in primary_rows(results, results.plan))
    return [
        row.question,
        where + "\nprimary" * (asked and primary.test in ("wilcoxon", "clustered_signed_rank")),
        f"{row.n_pairs} ({row.n_zero})\n{row.n_readers}, {row.n_patients}",
        *_means(row),
        "–" if row.w is None else f"{row.w:g}\n{number(row.rank_biserial)}",
        _p_and_exact(row),
        _p_and_exact(row.clustered.patient if row.clustered else None),
        "–" if row.p_holm is None else f"{p_text(row.p_holm)}\n{p_text(row.p_bh)}",
    ]


def _p_and_exact(test: Comparison | ClusteredTest | None) -> str:
    if test is None or (test.p_value is None and test.p_exact is None):
        return "–"
    exact = "" if test.p_exact is None else f"\n({p_text(test.p_exact)})"
    return f"{p_text(test.p_value)}{exact}"


def _means(row: PairedRow) -> list[str]:
    if row.mean_difference is None:
        return ["–", "–"]
    difference = f"{number(row.mean_difference, signed=True)} ({number(row.sd_difference)})"
    interval = interval_text(row.ci_patient, error=row.ci_patient_error)
    return [f"{number(row.mean_a)} / {number(row.mean_b)}", f"{difference}\n{interval}"]


def _with_interval(
    value: float | None, ci: Interval | None, signed: bool = False, error: Interval | None = None
) -> str:
    return "–" if value is None else f"{number(value, signed=signed)} ({interval_text(ci, error=error)})"


def _agreement(results: Results) -> Table:
    rows = []
    for row in results.agreement:
        method = "all methods" if row.method == "all" else results.methods.get(row.method, row.method)
        units = str(row.n_units) if row.n_complete is None else f"{row.n_units} ({row.n_complete})"
        cells = [row.question, method, TRUTH_NAMES[row.truth], units, _with_interval(row.kappa, row.kappa_ci)]
        cells += [_with_interval(row.icc, row.icc_ci), _with_interval(row.alpha, row.alpha_ci)]
        equal, near = row.exact_agreement, row.within_one
        cells.append("–" if equal is None or near is None else f"{100 * equal:.0f} % / {100 * near:.0f} %")
        rows.append(TableRow(cells, row.note))
    headings = ["Question", "Method", "Examples", "n", "Weighted kappa", "ICC(2,1)", "Ordinal alpha"]
    caption = (
        "Quadratic-weighted kappa (mean over pairs of readers), intraclass correlation of single ratings, "
        "Krippendorff's alpha with the ordinal "
        f"metric; {percent(results.plan.alpha)} intervals resample patients, readers fixed. 1 is perfect "
        "agreement, 0 none beyond chance. n: examples, each with each method, that two readers or more answered; in "
        "brackets those that all did, which the intraclass correlation needs. Equal / within 1: shares of pairs of "
        "answers."
    )
    return Table("Agreement between readers", [*headings, "Equal / within 1"], rows, labels=3, caption=caption)


def _crossover(results: Results) -> Table:
    asked = list(results.questions)
    rows = [
        TableRow(
            [
                row.question,
                TRUTH_NAMES[row.truth],
                f"{row.n_a_first} / {row.n_b_first}",
                _with_interval(row.method_effect, row.method_effect_ci, True, row.method_effect_ci_error),
                _with_interval(row.period_effect, row.period_effect_ci, True, row.period_effect_ci_error),
            ],
            row.note,
        )
        for row in sorted(results.crossover, key=lambda row: asked.index(row.question))
    ]
    headings = [
        "Question",
        "Examples",
        "Pairs A first / B first",
        "Method effect (B − A)",
        "Period effect (later − earlier)",
    ]
    caption = (
        "Method effect with the period's taken out, and the reverse. "
        "A carry-over that differs between the methods cannot be told apart from these. Intervals resample patients, "
        "with these readers."
    )
    return Table("Method and period effects of the crossover", headings, rows, caption=caption)


def _periods(results: Results) -> Table:
    rows = [
        TableRow(
            [
                row.question,
                TRUTH_NAMES[row.truth],
                row.period,
                row.n_a,
                row.n_b,
                number(row.mean_a),
                number(row.mean_b),
                _with_interval(row.difference, row.ci_patient, True, row.ci_patient_error),
            ],
            row.note,
        )
        for row in results.periods
    ]
    headings = ["Question", "Examples", "Period", "Answers A", "Answers B", "Mean A", "Mean B", "B − A (interval)"]
    caption = (
        "Within a period a reader sees an example with one method, so this compares different examples (unpaired). "
        "Intervals resample patients, with these readers."
    )
    return Table("Per-period results", headings, rows, caption=caption)


def _models(results: Results) -> Table:
    rows: list[TableRow] = []
    for row in results.models:
        about = [row.question, TRUTH_NAMES[row.truth], f"{row.n} / {row.n_clusters}"]
        lines = [
            TableRow([*about, *_term_cells(term)])
            for term in row.terms
            if term.factor in ("method", "period", "reader", "truth")
        ] or [TableRow([*about, "–", "–", "–", "–"])]
        rows += [*lines[:-1], replace(lines[-1], note=row.note)]
    headings = ["Question", "Examples", "Answers / patients", "Term", "Points", "Interval", "p"]
    caption = (
        "Generalised estimating equations: score on method, period, reader, pathology (and truth), patients as "
        "clusters, exchangeable working "
        "correlation, robust standard errors, normal intervals and p, for these readers. Pathology terms are in "
        "tables/models.csv."
    )
    return Table("Model of the scores", headings, rows, labels=4, caption=caption)


def _term_cells(term: Term) -> list[str]:
    name = f"{term.factor} {term.level} against {term.reference}"
    return [name, number(term.estimate, signed=True), interval_text(term.ci), p_text(term.p_value)]


def _timing(results: Results) -> Table:
    rows = [
        TableRow([read.reader, f"period {read.period}", read.n, *_quartiles(read)]) for read in results.timing.by_read
    ]
    for row in results.timing.by_method:
        label = results.methods.get(row.method, row.method)
        rows.append(TableRow(["all readers", label, row.n, *_quartiles(row)]))
    return Table("Seconds per example", ["Reader", "Read", "n", "Lower quartile", "Median", "Upper quartile"], rows)


def _quartiles(row: ReadTime | MethodTime) -> list[str]:
    return [number(value, 1) for value in (row.q1, row.median, row.q3)]
