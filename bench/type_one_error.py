"""Type I error of every test of scores: how often each finds a difference where there is none.

    python -m bench.type_one_error [--runs 5000] [--model-runs 100] [--cells standard] [--only TEXT] [--seed 0]

Simulated crossover studies (readerstudy/statistics/scores/simulate.py): 120 examples, scores 1 to 5, no mean
difference. The method's effect varies by nothing, by reader (sd .15 points), by case (sd .8) or by both; patients have
1 or 4 cases. Prints the share of p < .05, in %, of each test; 5,000 runs leave a chance error of 0.6 (95 %). The test
that a plan proposes from 5 readers on must lie within 3.5 and 6.5 in every row from there on: a line says whether it
does. --cells more: other sizes of the readers' effect, many ties, a ceiling, missing pairs, 24 patients, 3 methods.
The models of single scores are slow: they see fewer studies, of 5 readers, after the standard rows. --only: rows whose
line has this text. Two processes, of low priority.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from multiprocessing import get_context

import numpy as np
import pandas as pd

from readerstudy.statistics.mrmc import clustered_signed_rank
from readerstudy.statistics.paired import signed_rank
from readerstudy.statistics.plan import AnalysisError
from readerstudy.statistics.scores import (
    FEWEST_READERS,
    Differences,
    crossed_reml,
    fixed_cases,
    fixed_readers,
    gee_model,
    linear_model,
    of_differences,
    omnibus,
    ordinal_model,
    primary_test,
    readers_and_patients,
    scores_of,
)
from readerstudy.statistics.scores.data import Floats
from readerstudy.statistics.scores.simulate import Population, draw

ALPHA = 0.05
LOWEST, HIGHEST = 0.035, 0.065
PROPOSED = "readers + patients"
EFFECTS = {"neither": (0.0, 0.0), "reader": (0.15, 0.0), "case": (0.0, 0.8), "both": (0.15, 0.8)}


@dataclass(frozen=True)
class Cell:
    """One row: a population, the share of pairs that are missing at random, and the tests to run, where not all."""

    name: str
    population: Population
    missing: float = 0.0
    methods: int = 2
    only: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        return f"{self.population.readers:>2} readers, {self.population.cases_per_patient} a patient, {self.name}"


@dataclass
class Counts:
    """Rejections and studies by test; errors are studies in which a model could not be fitted."""

    rejected: dict[str, int] = field(default_factory=dict)
    studies: dict[str, int] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)

    def add(self, test: str, p_value: float | None) -> None:
        self.studies[test] = self.studies.get(test, 0) + 1
        self.rejected[test] = self.rejected.get(test, 0) + (p_value is not None and p_value < ALPHA)

    def fail(self, test: str) -> None:
        self.errors[test] = self.errors.get(test, 0) + 1

    def rate(self, test: str) -> float:
        return self.rejected[test] / self.studies[test] if self.studies.get(test) else np.nan


def _pooled(d: Differences) -> float | None:
    values = d.values[np.isfinite(d.values)]
    return signed_rank(values).p_value if values.any() else None


def _clustered(d: Differences) -> float | None:
    present = np.isfinite(d.values)
    return clustered_signed_rank(d.values[present], d.patients[np.nonzero(present)[1]]).p_value


TESTS: dict[str, Callable[[Differences], float | None]] = {
    "pooled Wilcoxon": _pooled,
    "signed rank by patient": _clustered,
    "t over readers": lambda d: fixed_cases(d).p_value,
    "fixed readers": lambda d: fixed_readers(d).p_value,
    "crossed REML": lambda d: crossed_reml(d).p_value,
    "OR, as published": lambda d: readers_and_patients(d, patients_in_df=False).p_value,
    PROPOSED: lambda d: readers_and_patients(d).p_value,
}
MODELS: dict[str, Callable[[pd.DataFrame], float]] = {
    "ordinal": lambda rows: ordinal_model(rows, ["A", "B"]).of_method("B").p_value,
    "ordinal, readers fixed": lambda rows: ordinal_model(rows, ["A", "B"], readers="fixed").of_method("B").p_value,
    "ordinal, effects vary": lambda rows: ordinal_model(rows, ["A", "B"], vary=True).of_method("B").p_value,
    "linear mixed": lambda rows: linear_model(rows, ["A", "B"]).of_method("B").p_value,
    "GEE by patient": lambda rows: gee_model(rows, ["A", "B"]).of_method("B").p_value,
}


def standard_cells() -> Iterator[Cell]:
    for readers in (2, 3, 5, 10):
        for cases in (1, 4):
            for name, (by_reader, by_case) in EFFECTS.items():
                yield Cell(name, Population(readers, 120, cases, by_reader, by_case))


def further_cells() -> Iterator[Cell]:
    """Without the rank tests, which are slow; with gaps REML is slow, too."""
    quick = tuple(name for name in TESTS if name not in ("pooled Wilcoxon", "signed rank by patient"))
    gaps = tuple(name for name in quick if name != "crossed REML")
    for readers in (5, 10):
        for cases in (1, 4):
            base = Population(readers, 120, cases)
            for sd in (0.05, 0.08, 0.17, 0.30):
                yield Cell(f"reader sd {sd}", replace(base, by_reader=sd), only=quick)
            for name, change in {"ties": {"noise": 0.25}, "ceiling": {"level": 4.4}}.items():
                for effect, (by_reader, by_case) in EFFECTS.items():
                    sd = 0.17 if by_reader else 0.0
                    changed = replace(base, by_reader=sd, by_case=by_case, **change)
                    yield Cell(f"{name}, {effect}", changed, only=quick)
            yield Cell("15 % missing, both", replace(base, by_reader=0.15, by_case=0.8), missing=0.15, only=gaps)
        for effect, (by_reader, by_case) in EFFECTS.items():
            yield Cell(f"24 patients, {effect}", Population(readers, 24, 1, by_reader, by_case), only=quick)
            yield Cell(f"3 methods, {effect}", Population(readers, 120, 1, by_reader, by_case), methods=3)


def rejections(cell: Cell, runs: int, seed: int) -> Counts:
    """Analyse `runs` studies of this population by every test of differences (with three methods, of all at once)."""
    p, counts = cell.population, Counts()
    for scores in _studies(cell, runs, seed):
        if cell.methods > 2:
            counts.add(PROPOSED, omnibus(scores_of(scores, p.patients)).p_value)
        else:
            d = of_differences(scores[1] - scores[0], p.patients)
            for name in cell.only or TESTS:
                counts.add(name, TESTS[name](d))
    return counts


def model_rejections(cell: Cell, runs: int, seed: int) -> Counts:
    """The same studies, analysed by the models of single scores."""
    p, counts = cell.population, Counts()
    for scores in _studies(cell, runs, seed):
        method, reader, case = np.nonzero(np.isfinite(scores))
        rows = pd.DataFrame(
            {"reader": reader, "example": case, "patient": p.patients[case], "method": np.array(["A", "B"])[method]}
        )
        rows["period"], rows["score"] = 1, scores[method, reader, case]
        for name, model in MODELS.items():
            try:
                counts.add(name, model(rows))
            except AnalysisError:
                counts.fail(name)
    return counts


def _studies(cell: Cell, runs: int, seed: int) -> Iterator[Floats]:
    p = cell.population
    rng = np.random.default_rng([seed, p.readers, p.cases_per_patient, *cell.name.encode()])
    for start in range(0, runs, 500):
        for scores in draw(rng, p, min(500, runs - start), cell.methods):
            if cell.missing:
                scores[1][rng.random(scores[1].shape) < cell.missing] = np.nan
            yield scores


def _table(
    analyse: Callable[[Cell, int, int], Counts], cells: Sequence[Cell], names: Sequence[str], runs: int, seed: int
) -> list[tuple[Cell, Counts]]:
    print(f"\nType I error in %, {runs} studies a row")
    for number, name in enumerate(names, start=1):
        print(f"({number}) {name}")
    print(" " * 46 + "".join(f"{f'({i})':>7}" for i in range(1, len(names) + 1)))
    found = []
    with ProcessPoolExecutor(2, get_context("spawn"), os.nice, (10,)) as pool:
        count = len(cells)
        for cell, counts in zip(cells, pool.map(analyse, cells, [runs] * count, [seed] * count), strict=True):
            rates = "".join(f"{'-' if np.isnan(r) else f'{100 * r:.1f}':>7}" for r in map(counts.rate, names))
            failed = f"   not fitted: {counts.errors}" if counts.errors else ""
            print(f"{cell.label:<46}{rates}{failed}", flush=True)
            found.append((cell, counts))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5000, help="simulated studies in each row")
    parser.add_argument("--model-runs", type=int, default=100, help="the same of the models; 0 leaves them out")
    parser.add_argument("--cells", choices=("standard", "more"), default="standard")
    parser.add_argument("--only", default="", help="rows whose line has this text")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    cells = [
        cell for cell in (standard_cells() if args.cells == "standard" else further_cells()) if args.only in cell.label
    ]
    found = _table(rejections, cells, list(TESTS), args.runs, args.seed)
    rates = [counts.rate(PROPOSED) for cell, counts in found if cell.population.readers >= FEWEST_READERS]
    if rates:
        _judge(rates)
    if args.model_runs and args.cells == "standard":
        few = [cell for cell in cells if (cell.population.readers, cell.population.cases_per_patient) == (5, 1)]
        _table(model_rejections, few, list(MODELS), args.model_runs, args.seed)


def _judge(rates: list[float]) -> None:
    within = min(rates) >= LOWEST and max(rates) <= HIGHEST
    print(
        f"From {FEWEST_READERS} readers on, the proposed test ({primary_test(FEWEST_READERS)}) rejects in "
        f"{100 * min(rates):.1f} to {100 * max(rates):.1f} %: {'within' if within else 'NOT within'} 3.5 to 6.5 %"
    )


if __name__ == "__main__":
    main()
