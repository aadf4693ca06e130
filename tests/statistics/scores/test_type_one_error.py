"""The simulation of bench/type_one_error.py at a small setting: what the tests are chosen for."""

import numpy as np
import pytest

from bench.type_one_error import PROPOSED, Cell, further_cells, model_rejections, rejections, standard_cells
from readerstudy.statistics.scores.simulate import Population, draw

RUNS = 400  # two-sided chance error of 5 %: 2.1


def test_readers_who_react_differently_break_every_test_but_those_with_readers_random():
    counts = rejections(Cell("reader", Population(5, 120, 1, by_reader=0.3)), RUNS, seed=1)
    for test in ("pooled Wilcoxon", "signed rank by patient", "fixed readers"):
        assert counts.rate(test) > 0.4
    for test in (PROPOSED, "crossed REML", "OR, as published", "t over readers"):
        assert 0.02 < counts.rate(test) < 0.09


def test_cases_that_react_differently_break_the_t_test_over_readers():
    counts = rejections(Cell("case", Population(10, 120, 4, by_case=0.8)), RUNS, seed=1)
    assert counts.rate("t over readers") > 0.4
    assert 0.02 < counts.rate(PROPOSED) < 0.09
    assert 0.02 < counts.rate("fixed readers") < 0.09


def test_gaps_leave_the_proposed_test_as_it_is():
    counts = rejections(Cell("gaps", Population(6, 80, 1, 0.15, 0.8), missing=0.2, only=(PROPOSED,)), RUNS, seed=1)
    assert 0.015 < counts.rate(PROPOSED) < 0.095


def test_three_methods_at_once_keep_their_error():
    counts = rejections(Cell("three", Population(6, 60, 1, 0.15, 0.8), methods=3), RUNS, seed=1)
    assert 0.015 < counts.rate(PROPOSED) < 0.095
    assert sum(counts.studies.values()) == RUNS


def test_the_models_run_on_simulated_studies():
    counts = model_rejections(Cell("both", Population(3, 24, 2, 0.15, 0.8)), 2, seed=1)
    assert set(counts.studies) == {
        "ordinal", "ordinal, readers fixed", "ordinal, effects vary", "linear mixed", "GEE by patient"
    }  # fmt: skip
    assert not counts.errors


def test_the_cells_are_those_that_were_promised():
    cells = list(standard_cells())
    assert len(cells) == 32
    assert {cell.population.readers for cell in cells} == {2, 3, 5, 10}
    assert {cell.population.cases_per_patient for cell in cells} == {1, 4}
    assert len({(cell.name, cell.population) for cell in further_cells()}) == len(list(further_cells()))


@pytest.mark.parametrize("level", [3.0, 4.4])
def test_the_null_hypothesis_holds_exactly_where_it_should(level):
    scores = draw(np.random.default_rng(0), Population(5, 120, 1, 0.15, 0.8, level=level), 400)
    mean = (scores[:, 1] - scores[:, 0]).mean(axis=(1, 2))
    assert abs(mean.mean()) < 3 * mean.std() / 20
