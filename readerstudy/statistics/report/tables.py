"""The tables of the report and of the CSV files: rows of results in, rows of text out. No statistics here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from readerstudy.statistics.bootstrap import FEWEST_CLUSTERS
from readerstudy.statistics.mrmc import EXACT_BELOW
from readerstudy.statistics.paired import TRUTH_NAMES
from readerstudy.statistics.report.mrmc import mrmc_csv, mrmc_tables
from readerstudy.statistics.words.wording import interval_text, number, p_text, percent

Row = dict[str, Any]


@dataclass(frozen=True)
class Table:
    """A table of the report: headings, and rows of (cells, note); the first `labels` columns are words."""

    title: str
    headings: list[str]
    rows: list[dict[str, Any]]
    labels: int = 2
    caption: str = ""


def csv_tables(results: Mapping[str, Any]) -> dict[str, list[Row]]:
    """Name of the file (without ending) to flat rows; a table without rows is left out."""
    timing = results["timing"]
    tables: dict[str, list[Row]] = {
        "paired": results["paired"],
        "agreement": results["agreement"],
        "contrasts": results["contrasts"],
        "crossover": results["crossover"],
        "periods": results["periods"],
        "models": [
            {key: row[key] for key in ("question", "truth", "model", "n", "n_clusters", "note")} | term
            for row in results["models"]
            for term in row["terms"] or [dict.fromkeys(("factor", "level", "reference", "estimate"))]
        ],
        "scores": results["scores"],
        "means": results["means"],
        "readers": results["flow"]["readers"],
        "reading-time": timing["by_read"],
        "reading-time-by-position": timing["by_position"],
        "overlap": results["localisation"]["points"],
        "overlap-correlations": results["localisation"]["correlations"],
        **mrmc_csv(results["mrmc"]),
    }
    return {name: _same_columns(map(flat, rows)) for name, rows in tables.items() if rows}


def flat(row: Mapping[str, Any], prefix: str = "") -> Row:
    """One level of columns: an interval becomes _low and _high, a part's name leads its own columns."""
    found: Row = {}
    for key, value in row.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            found |= flat(value, f"{name}_")
        elif isinstance(value, list) and len(value) == 2:
            found[f"{name}_low"], found[f"{name}_high"] = value
        elif key == "ci" or key.startswith("ci_") or key.endswith("_ci"):
            found[f"{name}_low"] = found[f"{name}_high"] = None
        else:
            found[name] = value
    return found


def _same_columns(rows: Iterable[Row]) -> list[Row]:
    listed = list(rows)
    names = dict.fromkeys(name for row in listed for name in row)
    return [{name: row.get(name) for name in names} for row in listed]


def _mrmc(results: Mapping[str, Any]) -> dict[str, Table]:
    """The tables of the AUC analysis; warnings beside a number are left to the report's first page, which has them."""
    parts = mrmc_tables(results["mrmc"], results["methods"]) if results["mrmc"] else {}
    tables = {name: Table(**table) for name, table in parts.items()}
    for row in tables["mrmc-tests"].rows if tables else []:
        if row["cells"][-1] != "–":
            row["note"] = None
    return tables


def report_tables(results: Mapping[str, Any]) -> dict[str, Table]:
    """The tables the report shows, by name."""
    tables = {
        "readers": _readers(results),
        "overall": _paired(results, ("overall",)),
        "groups": _paired(results, ("pathology", "reader", "order")),
    }
    tables |= {"agreement": _agreement(results), "crossover": _crossover(results), "periods": _periods(results)}
    tables |= _mrmc(results)
    return tables | {"models": _models(results), "timing": _timing(results)}


def _readers(results: Mapping[str, Any]) -> Table:
    flow = results["flow"]
    asked = len(results["methods"]) * len(results["questions"]) - len(results.get("not_asked", []))
    possible = flow["n_examples"] * asked
    rows = [
        {
            "cells": [row["reader"], row["reads"], row["examples"], f"{row['answers']} of {possible}", row["excluded"]],
            "note": None,
            "strong": False,
        }
        for row in flow["readers"]
    ]
    headings = ["Reader", "Reads", "Examples", "Answers analysed", "Answers excluded"]
    return Table("Readers", headings, rows, labels=1)


def _paired(results: Mapping[str, Any], levels: tuple[str, ...]) -> Table:
    level = percent(results["plan"]["alpha"])
    many = len(results["methods"]) > 2
    means, difference = ("Two means", "Difference (SD)") if many else ("Means A / B", "B − A (SD)")
    headings = ["Question", "Examples", "Pairs (zeros)\nreaders, patients", means, f"{difference}\n{level} interval"]
    headings += ["W\nr", "p\n(exact)", "p clustered\n(exact)", "p Holm\np BH"]
    primary = results["plan"]["primary_endpoint"]
    rows = []
    for row in results["paired"]:
        if row["level"] not in levels or (row["level"] != "overall" and row["truth"] == "all"):
            continue
        where = TRUTH_NAMES[row["truth"]] if row["level"] == "overall" else f"{row['group']}, {row['truth']}"
        if many:
            where += f", {row['method_a']} / {row['method_b']}"
        asked = all(row[key] == primary[key] for key in ("question", "truth")) and row["level"] == "overall"
        cells = [
            row["question"],
            where + "\nprimary" * (asked and primary["test"] != "obuchowski_rockette"),
            f"{row['n_pairs']} ({row['n_zero']})\n{row['n_readers']}, {row['n_patients']}",
            *_means(row),
            "–" if row["w"] is None else f"{row['w']:g}\n{number(row['rank_biserial'])}",
            _p_and_exact(row),
            _p_and_exact((row["clustered"] or {}).get("patient")),
            "–" if row["p_holm"] is None else f"{p_text(row['p_holm'])}\n{p_text(row['p_bh'])}",
        ]
        rows.append({"cells": cells, "note": row["note"], "strong": not row["exploratory"]})
    title = (
        "Paired comparison, overall" if levels == ("overall",) else "Paired comparison by pathology, reader and order"
    )
    adjusted = "clustered" if primary["test"] == "clustered_signed_rank" else "pooled"
    caption = (
        "Second lines are named below the headings. W: the smaller rank sum; r: rank-biserial correlation (−1 to 1). "
        f"p: pooled Wilcoxon signed-rank test (zero rule “{results['plan']['zero_rule']}”, normal approximation); p "
        "clustered: Rosner, Glynn and Lee's signed-rank test, patients as clusters, normal approximation too. In "
        f"brackets, where fewer than {EXACT_BELOW} differences (or patients with one) are not zero and the "
        "approximation is rough: the exact p of the same ranks, from all assignments of signs to differences (or to "
        f"patients). With fewer than {FEWEST_CLUSTERS} such patients the clustered approximation is not given. p Holm, "
        f"p BH: the {adjusted} p adjusted by Holm, and by Benjamini and Hochberg, within the plan's families. "
        f"Intervals resample patients; there is none from fewer than {FEWEST_CLUSTERS}. SD with divisor n. A "
        "difference is the second method minus the first."
    )
    return Table(title, headings, rows, caption=caption)


def _p_and_exact(test: Mapping[str, Any] | None) -> str:
    if test is None or (test["p_value"] is None and test["p_exact"] is None):
        return "–"
    exact = "" if test["p_exact"] is None else f"\n({p_text(test['p_exact'])})"
    return f"{p_text(test['p_value'])}{exact}"


def _means(row: Mapping[str, Any]) -> list[str]:
    if row["mean_difference"] is None:
        return ["–", "–"]
    difference = f"{number(row['mean_difference'], signed=True)} ({number(row['sd_difference'])})"
    return [f"{number(row['mean_a'])} / {number(row['mean_b'])}", f"{difference}\n{interval_text(row['ci_patient'])}"]


def _agreement(results: Mapping[str, Any]) -> Table:
    rows = []
    for row in results["agreement"]:
        method = "all methods" if row["method"] == "all" else results["methods"].get(row["method"], row["method"])
        units = str(row["n_units"]) if row["n_complete"] is None else f"{row['n_units']} ({row['n_complete']})"
        cells = [row["question"], method, TRUTH_NAMES[row["truth"]], units]
        for name in ("kappa", "icc", "alpha"):
            cells.append("–" if row[name] is None else f"{number(row[name])} ({interval_text(row[f'{name}_ci'])})")
        share = (
            "–"
            if row["exact_agreement"] is None
            else f"{100 * row['exact_agreement']:.0f} % / {100 * row['within_one']:.0f} %"
        )
        rows.append({"cells": [*cells, share], "note": row["note"], "strong": False})
    headings = [
        "Question",
        "Method",
        "Examples",
        "n",
        "Weighted kappa",
        "ICC(2,1)",
        "Ordinal alpha",
        "Equal / within 1",
    ]
    caption = (
        "Quadratic-weighted kappa (mean over pairs of readers), intraclass correlation of single ratings, "
        "Krippendorff's alpha with the ordinal "
        f"metric; {percent(results['plan']['alpha'])} intervals resample patients, readers fixed. 1 is perfect "
        "agreement, 0 none beyond chance. n: examples, each with each method, that two readers or more answered; in "
        "brackets those that all did, which the intraclass correlation needs. Equal / within 1: shares of pairs of "
        "answers."
    )
    return Table("Agreement between readers", headings, rows, labels=3, caption=caption)


def _crossover(results: Mapping[str, Any]) -> Table:
    rows = []
    asked = list(results["questions"])
    for row in sorted(results["crossover"], key=lambda row: asked.index(row["question"])):
        cells = [row["question"], TRUTH_NAMES[row["truth"]], f"{row['n_a_first']} / {row['n_b_first']}"]
        for name in ("method_effect", "period_effect"):
            value = row[name]
            cells.append("–" if value is None else f"{number(value, signed=True)} ({interval_text(row[f'{name}_ci'])})")
        rows.append({"cells": cells, "note": row["note"], "strong": False})
    headings = [
        "Question",
        "Examples",
        "Pairs A first / B first",
        "Method effect (B − A)",
        "Period effect (later − earlier)",
    ]
    caption = (
        "Method effect with the period's taken out, and the reverse. "
        "A carry-over that differs between the methods cannot be told apart from these. Intervals resample patients."
    )
    return Table("Method and period effects of the crossover", headings, rows, caption=caption)


def _periods(results: Mapping[str, Any]) -> Table:
    rows = []
    for row in results["periods"]:
        difference = (
            "–"
            if row["difference"] is None
            else f"{number(row['difference'], signed=True)} ({interval_text(row['ci_patient'])})"
        )
        cells = [
            row["question"],
            TRUTH_NAMES[row["truth"]],
            row["period"],
            row["n_a"],
            row["n_b"],
            number(row["mean_a"]),
            number(row["mean_b"]),
        ]
        rows.append({"cells": [*cells, difference], "note": row["note"], "strong": False})
    headings = ["Question", "Examples", "Period", "Answers A", "Answers B", "Mean A", "Mean B", "B − A (interval)"]
    caption = (
        "Within a period a reader sees an example with one method, so this compares different examples (unpaired). "
        "Intervals resample patients."
    )
    return Table("Per-period results", headings, rows, caption=caption)


def _models(results: Mapping[str, Any]) -> Table:
    rows = []
    for row in results["models"]:
        about = [row["question"], TRUTH_NAMES[row["truth"]], f"{row['n']} / {row['n_clusters']}"]
        shown = [term for term in row["terms"] if term["factor"] in ("method", "period", "reader", "truth")]
        for i, term in enumerate(shown):
            name = f"{term['factor']} {term['level']} against {term['reference']}"
            cells = [
                *about,
                name,
                number(term["estimate"], signed=True),
                interval_text(term["ci"]),
                p_text(term["p_value"]),
            ]
            rows.append({"cells": cells, "note": row["note"] if i == len(shown) - 1 else None, "strong": False})
        if not shown:
            rows.append({"cells": [*about, "–", "–", "–", "–"], "note": row["note"], "strong": False})
    headings = ["Question", "Examples", "Answers / patients", "Term", "Points", "Interval", "p"]
    caption = (
        "Generalised estimating equations: score on method, period, reader, pathology (and truth), patients as "
        "clusters, exchangeable working "
        "correlation, robust standard errors, normal intervals and p. Pathology terms are in tables/models.csv."
    )
    return Table("Model of the scores", headings, rows, labels=4, caption=caption)


def _timing(results: Mapping[str, Any]) -> Table:
    rows = []
    for row in results["timing"]["by_read"]:
        cells = [
            row["reader"],
            f"period {row['period']}",
            row["n"],
            *(number(row[key], 1) for key in ("q1", "median", "q3")),
        ]
        rows.append({"cells": cells, "note": None, "strong": False})
    for row in results["timing"]["by_method"]:
        label = results["methods"].get(row["method"], row["method"])
        cells = ["all readers", label, row["n"], *(number(row[key], 1) for key in ("q1", "median", "q3"))]
        rows.append({"cells": cells, "note": None, "strong": False})
    return Table("Seconds per example", ["Reader", "Read", "n", "Lower quartile", "Median", "Upper quartile"], rows)
