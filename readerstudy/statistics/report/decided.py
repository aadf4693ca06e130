"""The report's tables of planned comparisons, reading times, subgroups and missing answers."""

from __future__ import annotations

import math

from readerstudy.statistics.paired import TRUTH_NAMES
from readerstudy.statistics.reading_time import TimeRatio
from readerstudy.statistics.report.decisions import ENDPOINTS, by_mode, decision_tables, finite, method_label
from readerstudy.statistics.report.table import Table, TableRow
from readerstudy.statistics.rows import PlannedComparisons, ReadingTime, Results, SubgroupResult
from readerstudy.statistics.stored import PlainRow, plain_row
from readerstudy.statistics.wording import interval_text, number, p_text

IMPLAUSIBLE = {
    "negative": "below zero",
    "too_short": "under a second",
    "too_long": "over an hour",
    "past_server": "longer than the server saw the page open",
    "before_images": "answered before all images were shown",
}


def decided_tables(results: Results) -> dict[str, Table]:
    """The tables by name."""
    return {
        **decision_tables(results),
        "planned": _planned(results),
        "reading-time-model": _times(results),
        "subgroups": _subgroups(results),
        "missing": _missing(results),
    }


def decided_csv(results: Results) -> dict[str, list[PlainRow]]:
    """Name of the CSV file (without ending) to flat rows."""
    decided = [(part.question, part.found) for part in results.decisions if part.found]
    calibrated = [(part.question, part.found) for part in results.calibration if part.found]
    model = results.reading_time.model if results.reading_time else None
    ratios = [*model.methods, *model.learning_between, model.learning_within] if model else []
    return {
        "decisions": [
            {"question": question, "endpoint": one.endpoint, **plain_row(row)}
            for question, found in decided
            for one in found.endpoints
            for row in one.readers
        ],
        "decision-differences": [
            {
                "question": question,
                "endpoint": one.endpoint,
                "mode": mode,
                "primary": mode == one.mode,
                **plain_row(row),
            }
            for question, found in decided
            for one in found.endpoints
            for mode, rows in by_mode(one).items()
            for row in rows
        ],
        "calibration": [
            {"question": question, **about, **plain_row(level)}
            for question, found in calibrated
            for row in found.rows
            for about in [{name: value for name, value in plain_row(row).items() if name != "levels"}]
            for level in row.levels
        ],
        "repeated": [{"question": part.question, **plain_row(row)} for part in results.repeated for row in part.rows],
        "planned": [
            {"question": part.question, "endpoint": part.endpoint, "scope": part.scope, **plain_row(row)}
            for part in results.planned
            for row in part.rows
        ],
        "reading-time-ratios": [plain_row(row) for row in ratios if row],
        "subgroups": [
            {"by": part.by, "question": part.question, "truth": part.truth, **plain_row(row)}
            for part in results.subgroups
            for row in part.rows
        ],
        "missing": [plain_row(row) for row in results.missing],
    }


def _planned(results: Results) -> Table:
    rows = []
    for part in results.planned:
        what = ENDPOINTS.get(part.endpoint, part.endpoint)
        if part.omnibus:
            over = part.omnibus
            df = "" if not math.isfinite(over.df2) else f", {over.df2:.1f}"
            test = f"{number(over.statistic)} on {over.df1}{df}"
            cells = [part.question, what, "all methods equal", test, "–", p_text(finite(over.p_value)), "–"]
            rows.append(TableRow([*cells, part.scope or "–"]))
        for row in part.rows:
            decides = row.primary and _is_primary_endpoint(results, part)
            pair = f"{method_label(results, row.new)} − {method_label(results, row.reference)}" + "\nprimary" * decides
            cells = [part.question, what, pair, number(row.gain, 3, signed=True)]
            cells += [interval_text([row.ci_low, row.ci_high], 3), p_text(finite(row.p_value))]
            cells += ["as it is" if row.primary else f"{p_text(finite(row.p_adjusted))} (of {row.family_size})"]
            rows.append(TableRow([*cells, part.scope or "–"], strong=decides))
        if part.note:
            rows.append(TableRow([part.question, what, *"––––––"], part.note))
    named = bool(results.plan.pairs(list(results.methods)))
    which = (
        "The comparisons are those that the plan names" if named else "The plan names none, so every pair is compared"
    )
    caption = (
        f"{which}. The plan's primary comparison is tested as it is; the others of one question and endpoint are "
        "adjusted for each other by Holm. Intervals are of each comparison alone."
    )
    headings = ["Question", "Of", "Comparison", "Difference (or F)", "Interval", "p", "p Holm", "Speaks for"]
    return Table("Three or more methods", headings, rows, labels=3, caption=caption)


def _is_primary_endpoint(results: Results, part: PlannedComparisons) -> bool:
    primary = results.plan.primary_endpoint
    wanted = "auc" if primary.test == "obuchowski_rockette" else f"score {primary.truth}"
    return (part.question, part.endpoint) == (primary.question, wanted)


def _times(results: Results) -> Table:
    part = results.reading_time
    if part is None or not part.n + sum(getattr(part, name) for name in IMPLAUSIBLE):  # the figure says: none recorded
        return Table("Ratios of reading times", [], [])
    model, rows = part.model, []
    if model:
        for row in model.methods:
            pair = f"{method_label(results, row.level)} / {method_label(results, row.reference)}"
            rows.append(_ratio(pair, row))
        rows += [_ratio(f"read {row.level} / read {row.reference}", row) for row in model.learning_between]
        if model.learning_within:
            rows.append(_ratio("10 examples further on in a read", model.learning_within))
    if part.note:
        rows.append(TableRow(["–", "–", "–", "–"], part.note))
    caption = f"{_left_out(part)} "
    if model:
        means = ", ".join(
            f"{method_label(results, name)} {number(s, 1)} s" for name, s in model.geometric_means.items()
        )
        caption += (
            f"Geometric means: {means}. Log seconds modelled on method, period and position, readers and examples "
            f"random, each with an effect of its own with each method; below 1 is faster; speaks for "
            f"{model.speaks_for}. " + " ".join(model.notes)
        )
    return Table(
        "Ratios of reading times", ["Times", "Ratio", "Interval", "p"], rows, labels=1, caption=caption.strip()
    )


def _ratio(what: str, row: TimeRatio) -> TableRow:
    ci = interval_text([row.ci_low, row.ci_high], 3)
    return TableRow([what, number(row.ratio, 3), ci, p_text(finite(row.p_value))])


def _left_out(part: ReadingTime) -> str:
    counts = {why: getattr(part, name) for name, why in IMPLAUSIBLE.items() if getattr(part, name)}
    total = part.n + sum(counts.values())
    if not counts:
        return f"None of the {total} recorded times is impossible (under 1 s, over an hour, or against the server's)."
    reasons = "; ".join(f"{count} {why}" for why, count in counts.items())
    return f"Of {total} recorded times {sum(counts.values())} cannot be and are left out of the model: {reasons}."


def _subgroups(results: Results) -> Table:
    rows = []
    for part in results.subgroups:
        pair = f"{method_label(results, part.new)} − {method_label(results, part.reference)}"
        for row in part.rows:
            size = f"{row.n_pairs}\n{row.n_readers}, {row.n_patients}"
            cells = [part.by, row.group, TRUTH_NAMES[part.truth], size, f"{number(row.difference, signed=True)}"]
            rows.append(TableRow([*cells, interval_text(row.ci), p_text(row.p_value)], row.note))
        rows.append(_interaction(part, pair))
    headings = ["By", "Group", "Examples", "Pairs\nreaders, patients", "Difference", "Interval", "p"]
    caption = (
        "The primary comparison as a difference of mean scores in each group that the plan names. Exploratory: whether "
        "a method helps one group more is said by the interaction, not by one group's p being small and another's not."
    )
    return Table("Subgroups", headings, rows, labels=3, caption=caption)


def _interaction(part: SubgroupResult, pair: str) -> TableRow:
    test = "–" if part.statistic is None or part.df1 is None else f"F = {number(part.statistic)}"
    what = "interaction" if part.interaction is None else "interaction: second − first group"
    value = number(part.interaction, signed=True) if part.interaction is not None else test
    speaks = f"{pair}. Speaks for {part.speaks_for}." if part.speaks_for else f"{pair}."
    note = " ".join(filter(None, [speaks, part.note]))
    ci = interval_text(part.interaction_ci)
    cells = [part.by, what, TRUTH_NAMES[part.truth], "–", value, ci, p_text(part.p_value)]
    return TableRow(cells, note, strong=True)


def _missing(results: Results) -> Table:
    rows = []
    for row in results.missing:
        found = [number(row.difference, 3, signed=True), interval_text(row.ci, 3), p_text(row.p_value)]
        rows.append(TableRow([row.scenario, row.filled, row.n_pairs, *found], row.note))
    caption = (
        "The planned test of the primary comparison, repeated. Worst case: every missing or excluded answer of a "
        "reader and an example in the study gets the end of the scale that works most against the difference found; no "
        "other values could turn it further."
    )
    headings = ["Missing and excluded answers", "Answers added", "Pairs", "Difference", "Interval", "p"]
    return Table("How far the result depends on missing answers", headings, rows, labels=1, caption=caption)
