"""The cases of the demo study: which phantoms the demo classifier calls positive, rightly or not. No torch here.

For each pathology two true positives (it is in the picture) and two false positives (only its companion is, and takes
the classifier in), and one practice case each. Every case is another patient. seeds.py says which
seeds may serve; these are true and false positives of near probability, so that it does not tell them apart.
"""

from __future__ import annotations

from dataclasses import dataclass

from explain.demo.phantoms import COMPANION, PATHOLOGIES, Phantom, draw

CASE_SIZE = 512
# pathology -> seeds of two true positives, two false positives, one practice case
SEEDS: dict[str, tuple[int, ...]] = {
    "Atelectasis": (5000061, 5000056, 5010000, 5010001, 5000020),
    "Cardiomegaly": (5020311, 5020081, 5030002, 5030015, 5030014),
    "Effusion": (5040014, 5040111, 5050037, 5050052, 5040136),
    "Mass": (5060013, 5060012, 5070000, 5070001, 5070002),
    "Lung Opacity": (5080057, 5080056, 5090004, 5090006, 5080032),
    "Pneumothorax": (5100263, 5100117, 5110000, 5110004, 5110001),
}


@dataclass(frozen=True)
class DemoCase:
    """One case. pathology: what the classifier predicts; findings: what is there; depth: bits a pixel of its file."""

    number: int
    seed: int
    pathology: str
    findings: tuple[str, ...]
    confounders: tuple[str, ...]
    depth: int
    practice: bool

    @property
    def patient(self) -> str:
        """An id for a patient who does not exist; no two cases share one."""
        return f"phantom-{self.seed}"

    @property
    def positive(self) -> bool:
        """Whether the prediction is right."""
        return self.pathology in self.findings

    def draw(self) -> Phantom:
        """Its radiograph with sex, age, view and masks, 512 px."""
        return draw(self.seed, CASE_SIZE, self.findings, self.confounders, depth=self.depth)


def make_case(number: int, seed: int, pathology: str, true: bool, depth: int = 8, practice: bool = False) -> DemoCase:
    """A phantom with the pathology (true), or with nothing but its companion."""
    findings, confounders = ((pathology,), ()) if true else ((), (COMPANION[pathology],))
    return DemoCase(number, seed, pathology, findings, confounders, depth, practice)


def practice_is_true(pathology: str) -> bool:
    """Three of the six practice cases are true positives, three false."""
    return PATHOLOGIES.index(pathology) % 2 == 0


def demo_cases() -> list[DemoCase]:
    """The 24 scored cases, pathology by pathology, then 6 practice cases; six scored ones have 12 bits a pixel."""
    scored: list[DemoCase] = []
    practice: list[DemoCase] = []
    for order, name in enumerate(PATHOLOGIES):
        *seeds, extra = SEEDS[name]
        for place, seed in enumerate(seeds):
            depth = 12 if place == order % 4 else 8
            scored.append(make_case(len(scored) + 1, seed, name, place < 2, depth))
        practice.append(make_case(24 + len(practice) + 1, extra, name, practice_is_true(name), practice=True))
    return scored + practice
