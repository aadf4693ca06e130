"""Tests and models of mean scores as CSV rows and tables of the report. No statistics here."""

from __future__ import annotations

import math

from readerstudy.statistics.paired import TRUTH_NAMES
from readerstudy.statistics.plan import MEAN_TESTS
from readerstudy.statistics.report.table import Table, TableRow
from readerstudy.statistics.rows import Results, ScoreRow
from readerstudy.statistics.scores.choice import TESTS
from readerstudy.statistics.scores.results import MeanDifference
from readerstudy.statistics.stored import PlainRow, plain_row
from readerstudy.statistics.wording import interval_text, number, p_text, percent
from readerstudy.statistics.words.sentences import primary_rows
from readerstudy.statistics.words.verdict import aim_sentence


def score_csv(results: Results) -> dict[str, list[PlainRow]]:
    """Name of the CSV file (without ending) -> rows: the test that counts in every group, all tests, odds ratios."""
    return {
        "mean-tests": [
            {name: getattr(row, name) for name in ("question", "truth", "level", "group")} | _test_line(row.mean_test)
            for row in results.paired
            if row.mean_test
        ],
        "mean-tests-compared": [
            {"question": row.question, "truth": row.truth, "counts": test.test == row.counts} | _test_line(test)
            for row in results.score_tests
            for test in row.tests
        ],
        "odds-ratios": [
            {"question": row.question, "truth": row.truth, "model": row.fit.model, "speaks_for": row.fit.speaks_for}
            | plain_row(effect)
            | {"odds_ratio": ratio[0], "odds_ratio_ci": [ratio[1], ratio[2]]}
            for row in results.ordinal
            if row.fit
            for effect in row.fit.effects
            if (ratio := effect.odds_ratio)
        ],
    }


def _test_line(test: MeanDifference) -> PlainRow:
    return plain_row(test) | {"warnings": " ".join(test.warnings)}


def score_tables(results: Results) -> dict[str, Table]:
    """The report's tables by name."""
    return {
        "mean-tests": _tests(results),
        "margin": _margins(results),
        "mean-components": _components(results),
        "odds-ratios": _odds_ratios(results),
    }


def _pair(results: Results, row: ScoreRow) -> str:
    return f", {row.method_a} / {row.method_b}" * (len(results.methods) > 2)


def _is_primary(results: Results, row: ScoreRow) -> bool:
    asked = (row.question, row.truth, row.method_a, row.method_b)
    return results.plan.primary_endpoint.test in MEAN_TESTS and any(
        (one.question, one.truth, one.method_a, one.method_b) == asked for one in primary_rows(results, results.plan)
    )


def _tests(results: Results) -> Table:
    rows = []
    for row in results.score_tests:
        primary = _is_primary(results, row)
        for place, test in enumerate(sorted(row.tests, key=lambda test: test.test != row.counts)):
            where = TRUTH_NAMES[row.truth] + _pair(results, row) + "\nprimary" * (primary and place == 0)
            cells = [
                row.question,
                where,
                f"{TESTS[test.test].title}\n{test.speaks_for}",
                number(test.estimate, 2, signed=True),
                interval_text(test.ci, 2),
                "normal" if math.isinf(test.df) or math.isnan(test.df) else number(test.df, 1),
                p_text(test.p_value),
            ]
            rows.append(TableRow(cells, " ".join(test.warnings) or None, strong=primary and place == 0))
        if not row.tests:
            rows.append(TableRow([row.question, TRUTH_NAMES[row.truth] + _pair(results, row), *["–"] * 5], row.note))
    level = percent(results.plan.alpha)
    headings = ["Question", "Examples", "Test\nspeaks for", "B − A", f"{level} interval", "df", "p"]
    caption = (
        "Mean difference of scores, second method minus first, each reader counting alike. The first line of each "
        "group is the test that the plan names, or would propose for so many readers; the others stand beside it "
        "and decide nothing. Readers and patients random: Obuchowski and Rockette's analysis of mean scores, "
        "covariances from a jackknife of whole patients. These readers: the same jackknife, t on patients − 1. "
        "REML: random effects of readers, patients and cases on the differences, Satterthwaite's degrees of freedom."
    )
    return Table("Tests of mean scores", headings, rows, 3, caption)


def _margins(results: Results) -> Table:
    rows = []
    for row in results.score_tests:
        if row.margin is None:
            continue
        shown = f"shown, for {row.margin.speaks_for}" if row.margin.shown else "not shown"
        cells = [
            row.question,
            TRUTH_NAMES[row.truth],
            aim_sentence(results, row),
            number(row.margin.estimate, 2, signed=True),
            interval_text(row.margin.ci, 2),
            p_text(row.margin.p_value),
            shown,
        ]
        rows.append(TableRow(cells, strong=True))
    headings = ["Question", "Examples", "Aim", "Gain", "Interval", "p (one-sided)", "Finding"]
    caption = (
        f"One-sided at {50 * results.plan.alpha:g} %, from the interval of the planned test (ICH E9; equivalence: "
        "two such tests, Schuirmann 1987). Gain: by how much the new method is better, which on false positives "
        "is lower."
    )
    return Table("The plan's margin", headings, rows, 3, caption)


def _components(results: Results) -> Table:
    rows = []
    for row in results.score_tests:
        found = next((test.components for test in row.tests if test.test == "crossed_reml"), None)
        if found:
            parts = [found.reader, found.patient, found.case, found.error]
            sds = [number(None if part is None else math.sqrt(max(part, 0.0)), 3) for part in parts]
            rows.append(TableRow([row.question, TRUTH_NAMES[row.truth] + _pair(results, row), *sds]))
    headings = ["Question", "Examples", "Readers", "Patients", "Cases of a patient", "Single answers"]
    caption = (
        "Standard deviations, in points, of the difference between the methods (REML): by how much it varies "
        "between readers, patients, and cases of one patient, and what is left. With few readers the first is "
        "little more than a guess. The power page takes these."
    )
    return Table("How the methods' difference varies", headings, rows, 2, caption)


def _odds_ratios(results: Results) -> Table:
    rows: list[TableRow] = []
    for row in results.ordinal:
        about = [row.question, TRUTH_NAMES[row.truth]]
        effects = [effect for effect in (row.fit.effects if row.fit else ()) if effect.factor in ("method", "period")]
        for effect in effects:
            ratio = effect.odds_ratio or (math.nan,) * 3
            name = f"{effect.factor} {effect.level} against {effect.reference}"
            cells = [*about, name, number(ratio[0]), interval_text(ratio[1:]), p_text(effect.p_value)]
            rows.append(TableRow(cells, " ".join(row.fit.notes) or None if row.fit else None))
        if not effects:
            rows.append(TableRow([*about, *["–"] * 4], row.note))
    headings = ["Question", "Examples", "Term", "Odds ratio", "Interval", "p"]
    caption = (
        "Cumulative logit model with random intercepts of readers and cases (Laplace approximation, Wald "
        "intervals): how the odds of a higher answer change, for one reader and one case. A method effect that "
        "differs between readers is not in it, so it holds for these readers, whatever its p; examples of one patient "
        "count as independent in it."
    )
    return Table("Odds of a higher answer, for these readers", headings, rows, 3, caption)
