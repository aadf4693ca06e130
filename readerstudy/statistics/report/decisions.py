"""The report's tables of decisions, of stated confidence, and of readers' agreement with themselves."""

from __future__ import annotations

import math

from readerstudy.statistics.mrmc.decisions import DecisionEndpoint, ReaderShare, ShareRow
from readerstudy.statistics.mrmc.rows import DifferenceRow, UStatDifference
from readerstudy.statistics.mrmc.sentences import MODE_NAMES
from readerstudy.statistics.report.table import Cell, Table, TableRow
from readerstudy.statistics.report.text import trusting
from readerstudy.statistics.rows import Results
from readerstudy.statistics.wording import interval_text, number, p_text, percent

ENDPOINTS = {
    "sensitivity": "right predictions trusted",
    "specificity": "wrong predictions not trusted",
    "accuracy": "decided rightly",
    "auc": "AUC",
    "score TP": "mean score on true positives",
    "score FP": "mean score on false positives",
}


def decision_tables(results: Results) -> dict[str, Table]:
    """The tables by name."""
    return {
        "decisions": _shares(results),
        "decisions-readers": _reader_shares(results),
        "decision-tests": _share_tests(results),
        "over-trust": _over_trust(results),
        "calibration": _calibration(results),
        "repeated": _repeated(results),
    }


def by_mode(one: DecisionEndpoint) -> dict[str, tuple[DifferenceRow, ...] | tuple[UStatDifference, ...]]:
    shares = {"random_readers": one.random_readers, "fixed_readers": one.fixed_readers, "fixed_cases": one.fixed_cases}
    return {mode: found.differences for mode, found in shares.items() if found} | {"ustat": one.ustat}


def method_label(results: Results, method: str) -> str:
    return results.methods.get(method, method)


def _share(row: ShareRow | ReaderShare) -> str:
    return f"{number(row.share, 3)} ({interval_text([row.ci_low, row.ci_high], 3)})"


def _shares(results: Results) -> Table:
    """Each endpoint by method, averaged over readers, in the mode that counts; with notes where there is none."""
    rows = [TableRow([part.question, "–", "–", "–", "–"], part.note) for part in results.decisions if part.note]
    for part in results.decisions:
        for one in part.found.endpoints if part.found else ():
            note = " ".join(one.warnings) or None
            lines = [(row.method, _share(row)) for row in one.primary.methods] if one.primary else []
            lines = lines or [(method, number(value, 3)) for method, value in one.pooled.items()]
            what = f"{one.endpoint}: {ENDPOINTS[one.endpoint]}"
            made = [
                TableRow([part.question, what, method_label(results, m), text, one.scope or "–"]) for m, text in lines
            ]
            rows += (
                [*made[:-1], TableRow(made[-1].cells, note)]
                if made
                else [TableRow([part.question, what, *"–––"], note)]
            )
    thresholds = "; ".join(
        f"“{part.question}”: {trusting(results, part.question, part.threshold)}" for part in results.decisions
    )
    caption = (
        f"An answer trusts the prediction ({thresholds}), as the plan fixed. Shares are averaged over readers (of all "
        "decisions together where readers or reads are not crossed and only the U-statistic is possible); "
        f"{percent(results.plan.alpha)} intervals in the mode that counts."
    )
    headings = ["Question", "Share", "Method", "Value (interval)", "Speaks for"]
    return Table("Trust in right and in wrong predictions", headings, rows, labels=3, caption=caption)


def _reader_shares(results: Results) -> Table:
    rows = [
        TableRow(
            [
                part.question,
                row.reader,
                one.endpoint,
                method_label(results, row.method),
                f"{row.right} of {row.n}",
                _share(row),
            ]
        )
        for part in results.decisions
        if part.found
        for one in part.found.endpoints
        for row in one.readers
    ]
    headings = ["Question", "Reader", "Share", "Method", "Decided rightly", "Value (interval)"]
    caption = "Intervals of one reader take the examples as the sample."
    return Table("Trust by reader", headings, rows, labels=4, caption=caption)


def _share_tests(results: Results) -> Table:
    rows = []
    for part in results.decisions:
        for one in part.found.endpoints if part.found else ():
            for mode, found in by_mode(one).items():
                for row in found:
                    pair = f"{method_label(results, row.method_b)} − {method_label(results, row.method_a)}"
                    ci = interval_text([-row.ci_high, -row.ci_low], 3)
                    title = MODE_NAMES.get(mode, "U-statistic, random readers and cases")
                    cells = [part.question, one.endpoint, title, pair, number(-row.difference, 3, signed=True), ci]
                    rows.append(TableRow([*cells, p_text(finite(row.p_value))], strong=mode == one.mode))
    headings = ["Question", "Share", "What is a sample", "Methods", "Difference", "Interval", "p"]
    caption = "Obuchowski-Rockette analysis of shares, and the one-shot U-statistic. Bold: the mode that counts."
    return Table("Differences in trust", headings, rows, labels=4, caption=caption)


def finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _over_trust(results: Results) -> Table:
    rows = []
    for part in results.decisions:
        found = part.found.over_trust if part.found else None
        against = {row.new: row for row in found.against_control} if found else {}
        for row in found.methods if found else ():
            one = against.get(row.method)
            ci = (
                f"{number(one.difference, 3, signed=True)} ({interval_text([one.ci_low, one.ci_high], 3)})"
                if one
                else "–"
            )
            cells = [part.question, method_label(results, row.method), _share(row), ci]
            rows.append(TableRow([*cells, p_text(finite(one.p_value)) if one else "–"]))
    headings = ["Question", "Method", "Wrong predictions trusted", "Against the control", "p"]
    caption = "Over-trust: the share of wrong predictions that readers agree with, averaged over readers."
    return Table("Over-trust", headings, rows, caption=caption)


def _calibration(results: Results) -> Table:
    rows = [
        TableRow([part.question, "–", "–", "–", "–", "–", "–"], part.note) for part in results.calibration if part.note
    ]
    for part in results.calibration:
        for row in part.found.rows if part.found else ():
            who = "all readers" if row.reader == "all" else row.reader
            cells: list[Cell] = [part.question, method_label(results, row.method), who, row.n]
            for value, ci in (
                (row.expected_error, row.expected_error_ci),
                (row.brier, row.brier_ci),
                (row.overconfidence, row.overconfidence_ci),
            ):
                cells.append(f"{number(value, 3)} ({interval_text(ci, 3)})")
            rows.append(TableRow(cells, strong=row.reader == "all"))
    headings = ["Question", "Method", "Reader", "Answers", "Calibration error", "Brier score", "Overconfidence"]
    caption = (
        "If an answer is read as a stated chance that the prediction is right, evenly from 0 at the lowest score to 1 "
        "at the highest. Calibration error: mean gap between chance stated and share right; Brier score: mean squared "
        "difference; overconfidence: mean chance stated less the share right. The share right is that of the examples "
        f"chosen, not of practice. {percent(results.plan.alpha)} intervals resample patients, for these readers. A "
        "calibration error is never below zero: from few answers it comes out too large, its interval leaning upwards."
    )
    return Table("Calibration of confidence", headings, rows, labels=3, caption=caption)


def _repeated(results: Results) -> Table:
    rows = []
    for part in results.repeated:
        for row in part.rows:
            who = "all readers" if row.reader == "all" else row.reader
            kappa = f"{number(row.kappa)} ({interval_text(row.kappa_ci)})"
            alike = f"{100 * row.exact:.0f} % / {100 * row.within_one:.0f} %"
            rows.append(TableRow([part.question, who, row.n_pairs, kappa, alike, number(row.shift, signed=True)]))
    headings = ["Question", "Reader", "Answered twice", "Weighted kappa", "Equal / within 1", "Second − first"]
    caption = "Examples that a reader answered with the same method in two reads. All other parts use the first answer."
    return Table("Agreement of readers with themselves", headings, rows, caption=caption)
