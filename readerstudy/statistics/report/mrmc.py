"""MRMC in `analyze`: the part of results.json, its CSV rows and the tables of the report. No statistics here."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Unpack

import pandas as pd

from readerstudy.statistics.mrmc import mrmc_results
from readerstudy.statistics.mrmc.rows import (
    DifferenceRow,
    MarginRow,
    MethodRow,
    ModeResult,
    PowerTable,
    QuestionResult,
    ReaderRow,
    UStatDifference,
    UStatMethod,
    UStatResult,
)
from readerstudy.statistics.mrmc.sentences import FEW_READERS, MODE_TITLES
from readerstudy.statistics.mrmc.summary import Options
from readerstudy.statistics.report.table import Table, TableRow
from readerstudy.statistics.stored import PlainRow, plain_row
from readerstudy.statistics.wording import interval_text, number, p_text

Difference = DifferenceRow | UStatDifference
COMPONENT_TITLES = {
    "var_r": "Var(R)",
    "var_tr": "Var(TR)",
    "error": "Error",
    "cov1": "Cov1",
    "cov2": "Cov2",
    "cov3": "Cov3",
    "ms_t": "MS(T)",
    "ms_tr": "MS(TR)",
}


def mrmc_part(
    responses: pd.DataFrame,
    methods: Sequence[str],
    readers: Sequence[str],
    questions: Sequence[str],
    **options: Unpack[Options],
) -> list[QuestionResult]:
    """The results' `mrmc`: one mrmc_summary per question, in the order of questions; [] with fewer than two methods.

    responses: current, scored answers (reader, example, method, question, truth "TP"/"FP", score, patient);
    options: covariance, alpha, inference_mode and margin of the analysis plan.
    """
    if len(methods) < 2:
        return []
    frame = responses.drop(columns="patient_key", errors="ignore").rename(columns={"patient": "patient_key"})
    found = {part.question: part for part in mrmc_results(frame, methods=methods, readers=readers, **options)}
    return [found[question] for question in questions if question in found]


def mrmc_csv(parts: Sequence[QuestionResult]) -> dict[str, list[PlainRow]]:
    """Name of the CSV file (without ending) -> flat rows."""
    return {
        "mrmc-auc": [
            {"question": part.question, **plain_row(row)} for part in parts for row in part.auc_intervals or ()
        ],
        "mrmc-differences": [
            {"question": part.question, "mode": mode, "primary": _is_primary(part, mode), **plain_row(row)}
            for part in parts
            for mode in MODE_TITLES
            for row in _differences(part, mode)
        ],
        "mrmc-components": [
            {"question": part.question, "covariance": part.covariance, **plain_row(part.components)}
            for part in parts
            if part.components
        ],
        "mrmc-power": [
            {
                "question": part.question,
                "effect": table.effect,
                "readers": row.readers,
                **{f"power_{cases}_cases": power for cases, power in row.power.items()},
                "cases_needed": row.cases_needed,
            }
            for part in parts
            for table in _power_tables(part)
            for row in table.rows
        ],
    }


def mrmc_tables(
    parts: Sequence[QuestionResult], labels: Mapping[str, str], planned: tuple[str, str, str] | None = None
) -> dict[str, Table]:
    """The report's tables by name; `labels`: what to call each method.

    planned: question, new method and reference whose AUCs decide by the plan; of others an aim is not shown, the data
    only suggest it.
    """
    return {
        "mrmc-auc": _auc_table(parts, labels),
        "mrmc-tests": _tests_table(parts, planned),
        "mrmc-components": _components_table(parts),
        "mrmc-power": _power_table(parts),
    }


def _mode(part: QuestionResult, mode: str) -> ModeResult | UStatResult | None:
    found: ModeResult | UStatResult | None = getattr(part, mode)  # the fields are named as the modes are
    return found


def _differences(part: QuestionResult, mode: str) -> Sequence[Difference]:
    found = _mode(part, mode)
    return found.differences if found else ()


def _power_tables(part: QuestionResult) -> Sequence[PowerTable]:
    return part.power.tables if part.power else ()


def _is_primary(part: QuestionResult, mode: str) -> bool:
    return part.primary is not None and part.primary.mode == mode


def _degrees(df: float) -> str:
    return f"{df:.1f}" if math.isfinite(df) else "normal"


def _auc_table(parts: Sequence[QuestionResult], labels: Mapping[str, str]) -> Table:
    """Readers down, methods across."""
    methods = list(dict.fromkeys(method for part in parts for method in part.auc or {}))
    rows = [row for part in parts if part.auc for row in _auc_rows(part, part.auc, methods)]
    caption = (
        "Empirical areas under the ROC curve (AUC), ties half: the chance that a true positive is scored above a false "
        "positive; 0.5 is chance. Intervals of single readers treat cases as a sample; those of averages are of the "
        "primary analysis. Intervals are symmetric (normal or t) and not cut at 0 and 1: one that passes an end shows "
        "that there are few cases for so extreme an AUC."
    )
    headings = ["Question", "Reader", "TP / FP", *(labels.get(method, method) for method in methods)]
    return Table("AUC by reader and method", headings, rows, 2, caption)


def _auc_rows(part: QuestionResult, auc: Mapping[str, Mapping[str, float]], methods: Sequence[str]) -> list[TableRow]:
    """A row for each reader, and the average of the primary mode."""
    intervals = {(row.method, row.reader): row for row in part.auc_intervals or ()}
    cases = f"{part.n_positive} / {part.n_negative}"
    rows = []
    for reader in part.readers:
        cells = [
            _auc_text(row) if (row := intervals.get((method, reader))) else number(auc[method].get(reader), 3)
            for method in methods
        ]
        rows.append(TableRow([part.question, reader, cases, *cells]))
    mode = _mode(part, part.primary.mode) if part.primary else None
    if mode:
        means: dict[str, MethodRow | UStatMethod] = {row.method: row for row in mode.methods}
        cells = [_auc_text(means[method]) if method in means else "–" for method in methods]
        rows.append(TableRow([part.question, "average", cases, *cells], strong=True))
    return rows


def _auc_text(row: ReaderRow | MethodRow | UStatMethod) -> str:
    return f"{number(row.auc, 3)} ({interval_text((row.ci_low, row.ci_high), 3)})"


def _tests_table(parts: Sequence[QuestionResult], planned: tuple[str, str, str] | None) -> Table:
    rows: list[TableRow] = []
    for part in parts:
        found = [*_difference_rows(part), *_margin_rows(part, planned)] or [TableRow([part.question, *["–"] * 6])]
        rows += [*found[:-1], replace(found[-1], note=" ".join(part.warnings) or None)]
    caption = (
        "Obuchowski-Rockette analysis by what counts as a sample, and the one-shot U-statistic. Bold: the primary "
        "mode. Non-inferiority and superiority are one-sided at half the plan's level, in the primary mode. Var(TR) is "
        "how much the methods' difference varies between readers: where it is estimated below zero, random readers "
        "are tested for these aims with it set to zero, which gives the standard error and normal test of fixed "
        f"readers. With fewer than {FEW_READERS} readers fixed readers are primary, and a claim is of these readers "
        "only."
    )
    headings = ["Question", "Analysis", "Contrast", "Difference in AUC", "Interval", "df", "p"]
    return Table("Methods compared by AUC", headings, rows, 3, caption)


def _difference_rows(part: QuestionResult) -> Iterable[TableRow]:
    """Differences turned to second method minus first, as everywhere else in the report."""
    var_tr = part.components.var_tr if part.components else None
    optimistic = " (Var(TR) < 0: too optimistic)" if var_tr is not None and var_tr < 0 else ""
    for mode, title in MODE_TITLES.items():
        for row in _differences(part, mode):
            cells = [
                part.question,
                title + optimistic * (mode == "random_readers"),
                f"{row.method_b} − {row.method_a}",
                number(-row.difference, 3, signed=True),
                interval_text((-row.ci_high, -row.ci_low), 3, signed=True),
                _degrees(row.df_bdg if isinstance(row, UStatDifference) else row.df),
                p_text(row.p_value),
            ]
            yield TableRow(cells, strong=_is_primary(part, mode))


def _margin_rows(part: QuestionResult, planned: tuple[str, str, str] | None) -> Iterable[TableRow]:
    for test in part.margin or ():
        decides = (part.question, test.new, test.reference) == planned
        cells = [
            part.question,
            _aim(test, part.alpha, decides),
            f"{test.new} − {test.reference}",
            number(test.gain, 3, signed=True),
            f"above {number(test.ci_low, 3, signed=True)}",
            _degrees(test.df),
            p_text(test.p_value),
        ]
        yield TableRow(cells)


def _aim(test: MarginRow, alpha: float, decides: bool) -> str:
    """The aim, whether and for whom it is shown (or suggested, where the plan names another test), at which level."""
    found = "shown for" if decides else "the data would suggest it, for"
    shown = f"{found} {test.scope}" if test.shown else "not shown"
    shown = shown if math.isfinite(test.p_value) else "no test possible"
    shown += ", with Var(TR) set to zero" * test.var_tr_set_to_zero
    level = f"one-sided at {alpha / 2:g}, bound {number(test.bound, 3, signed=True)}"
    return f"{test.new} {test.aim.replace('_', '-')} to {test.reference}: {shown}\n({level})"


def _three_digits(value: float | None) -> str:
    return "–" if value is None or math.isnan(value) else f"{value:.3g}".replace("-", "−")


def _components_table(parts: Sequence[QuestionResult]) -> Table:
    rows = []
    for part in parts:
        if part.components:
            cells = [_three_digits(getattr(part.components, name)) for name in COMPONENT_TITLES]
            rows.append(TableRow([part.question, part.covariance, *cells]))
    caption = (
        "On the scale of AUC, unconstrained: a variance estimated below zero is too small to see with so few readers. "
        "Cov1: same reader, other method; Cov2: other reader, same method; Cov3: both differ. Needed to plan the next "
        "study."
    )
    return Table("Variance components", ["Question", "Covariance", *COMPONENT_TITLES.values()], rows, 2, caption)


def _power_table(parts: Sequence[QuestionResult]) -> Table:
    sizes = list(dict.fromkeys(size for part in parts if part.power for size in part.power.cases))
    rows = [
        TableRow(
            [
                part.question,
                f"{table.effect:g}",
                row.readers,
                *(number(row.power.get(size)) for size in sizes),
                "none suffice" if row.cases_needed is None else row.cases_needed,
            ]
        )
        for part in parts
        for table in _power_tables(part)
        for row in table.rows
    ]
    headings = ["Question", "Difference in AUC", "Readers", *(f"{size} cases" for size in sizes), "Cases for 0.80"]
    caption = (
        "Chance that a study of so many readers and cases, all crossed, finds a true difference in AUC (two-sided, "
        "random readers and cases; Hillis, Obuchowski and Berbaum 2011), with the components above. A Var(TR) below "
        "zero counts as zero, which makes these powers optimistic."
    )
    return Table("Power of the next study", headings, rows, 1, caption)
