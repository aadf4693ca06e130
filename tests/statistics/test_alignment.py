"""Counterfactual alignment over examples: means and intervals by hand, and in the report."""

from __future__ import annotations

import pandas as pd
import pytest

from readerstudy.statistics.alignment import alignment_part
from readerstudy.statistics.bootstrap import mean_interval
from readerstudy.statistics.plan import AnalysisPlan
from readerstudy.statistics.report.alignment import SHOWN

PLAN = AnalysisPlan(bootstrap_replicates=200)


def table(correlations: list[float | None], patients: list[str] | None = None, finding: str = "Mass") -> pd.DataFrame:
    """One example for each correlation, all of Effusion."""
    return pd.DataFrame(
        {
            "example": str(number), "case": f"c{number}", "patient_key": patients[number] if patients else "",
            "pathology": "Effusion", "finding": finding, "correlation": value, "change": 0.1,
        }
        for number, value in enumerate(correlations)
    )  # fmt: skip


def test_the_mean_and_its_interval_resample_whole_patients() -> None:
    values = [(-1) ** n * (0.5 + n * n / 2000) for n in range(24)]
    patients = [f"p{n // 2}" for n in range(24)]
    (row,) = alignment_part(table(values, patients), PLAN).rows
    codes = pd.factorize(pd.Series(patients))[0]
    ci = mean_interval(
        pd.Series(values).to_numpy(), codes, alpha=PLAN.alpha, replicates=200, seed=PLAN.bootstrap_seed
    ).ci
    assert (row.n, row.n_patients, row.n_constant, row.note) == (24, 12, 0, None)
    assert row.mean_correlation == pytest.approx(sum(values) / 24) and row.ci_patient == ci
    (apart,) = alignment_part(table(values), PLAN).rows
    assert apart.n_patients == 24, "a case whose patient is not known counts as one"
    assert apart.ci_patient is not None and ci is not None
    assert apart.ci_patient[1] - apart.ci_patient[0] > ci[1] - ci[0], "the two of a patient cancel here"


def test_an_output_that_does_not_change_is_counted_and_left_out() -> None:
    part = alignment_part(table([1.0, None, 0.5]), PLAN)
    (row,) = part.rows
    assert (row.n, row.n_constant, row.mean_correlation, row.ci_patient) == (2, 1, 0.75, None)
    assert "too few for an interval" in (row.note or "")
    assert [point.correlation for point in part.points] == [1.0, None, 0.5]
    (none,) = alignment_part(table([None, None]), PLAN).rows
    assert (none.n, none.mean_correlation) == (0, None) and "in any example" in (none.note or "")


def test_without_records_there_is_nothing_and_of_earlier_ones_it_says_so() -> None:
    nothing = alignment_part(table([]), PLAN)
    assert (nothing.points, nothing.rows, nothing.note) == ([], [], None)
    assert (alignment_part(table([]), PLAN, earlier=3).note or "").startswith("3 examples are left out here")


def test_the_report_shows_the_largest_of_either_sign(made_results) -> None:
    from dataclasses import replace

    from readerstudy.statistics.report.sections import sections
    from readerstudy.statistics.report.tables import csv_tables, report_tables

    means = {"a": 0.1, "b": -0.9, "c": 0.5, "d": 0.3, "e": 0.2, "f": None, "g": -0.4}
    part = alignment_part(pd.concat([table([value], finding=name) for name, value in means.items()]), PLAN, earlier=1)
    results = replace(made_results, alignment=part)
    shown = report_tables(results)["alignment"]
    assert [row.cells[1] for row in shown.rows] == ["b", "c", "g", "d", "e"] and len(shown.rows) == SHOWN
    assert not any(row.note for row in shown.rows) and shown.caption.count("too few for an interval") == 1
    assert shown.rows[0].cells[3] == "−0.90" and shown.rows[0].cells[5] == "0.100"
    tables = csv_tables(results)
    assert len(tables["alignment"]) == 7 and len(tables["alignment-means"]) == 7
    assert not {"alignment", "alignment-means"} & set(csv_tables(made_results))
    titles = {section.title: section.text for section in sections(results, Figures(), report_tables(results))}
    text = titles["Which other findings move along"]
    assert "association" in text and "1 example is left out here" in text
    without = sections(made_results, Figures(), report_tables(made_results))
    assert "Which other findings move along" not in {section.title for section in without}


class Figures(dict):
    def __missing__(self, name: str) -> None:
        return None


@pytest.fixture(scope="module")
def made_results():
    from readerstudy.statistics.results import analyse
    from tests.statistics.frames import crossover

    return analyse(crossover(), PLAN)
