"""Simulated crossover studies whose truth is known, to measure how often each test errs.

    latent = level + reader + case + reader x case -+ (method effect of reader + of case) / 2 + noise,

rounded to whole points 1..5. Half of each method effect is taken from A and half given to B, so that without a mean
effect A and B have the same distribution, at the ceiling of the scale too: the null hypothesis holds exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from readerstudy.statistics.scores.data import Floats


@dataclass(frozen=True)
class Population:
    """Standard deviations in points of the scale, and how studies are laid out.

    by_reader, by_case: of the method's effect; same_patient: the share of the cases' variances that cases of one
    patient have in common; levels: points of the scale, None = not rounded.
    """

    readers: int = 5
    cases: int = 120
    cases_per_patient: int = 1
    by_reader: float = 0.0
    by_case: float = 0.0
    effect: float = 0.0
    level: float = 3.0
    reader: float = 0.4
    case: float = 0.8
    reader_case: float = 0.5
    noise: float = 0.55
    same_patient: float = 0.5
    levels: int | None = 5

    @property
    def patients(self) -> np.ndarray:
        return np.repeat(np.arange(self.cases // self.cases_per_patient), self.cases_per_patient)


def draw(rng: np.random.Generator, p: Population, studies: int = 1, methods: int = 2) -> Floats:
    """(studies, methods, readers, cases) scores; with more than two methods each has effects of its own."""

    def of_cases(sd: float, *shape: int) -> Floats:
        own = rng.standard_normal((*shape, 1, p.cases))
        if p.cases_per_patient == 1:
            return sd * own
        shared = rng.standard_normal((*shape, 1, p.cases // p.cases_per_patient))
        shared = np.repeat(shared, p.cases_per_patient, axis=-1)
        drawn: Floats = sd * (np.sqrt(p.same_patient) * shared + np.sqrt(1 - p.same_patient) * own)
        return drawn

    base = p.level + p.reader * rng.standard_normal((studies, 1, p.readers, 1)) + of_cases(p.case, studies, 1)
    base = base + p.reader_case * rng.standard_normal((studies, 1, p.readers, p.cases))
    if methods == 2:
        by = p.by_reader * rng.standard_normal((studies, 1, p.readers, 1)) + of_cases(p.by_case, studies, 1)
        effects = by * np.array([-0.5, 0.5])[None, :, None, None]
    else:
        by = p.by_reader * rng.standard_normal((studies, methods, p.readers, 1)) + of_cases(p.by_case, studies, methods)
        effects = by / np.sqrt(2)  # so that a difference of two methods varies as with two
    shift = p.effect * (np.arange(methods) - (methods - 1) / 2)[None, :, None, None]
    latent: Floats = base + effects + shift + p.noise * rng.standard_normal((studies, methods, p.readers, p.cases))
    return latent if p.levels is None else np.clip(np.rint(latent), 1, p.levels)
