"""Synthetic frontal chest X-rays with known truth: `draw` gives pixels and exact masks; no real patient is in them.

NumPy, SciPy and Pillow only. The normal chest is in phantom_anatomy.py; what is put into it in phantom_findings.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explain.demo.phantom_anatomy import Chest, Field, Patient, stream
from explain.demo.phantom_findings import COMPANION, CONFOUNDERS, FINDINGS

__all__ = ["COMPANION", "CONFOUNDER_NAMES", "PATHOLOGIES", "Phantom", "draw"]

PATHOLOGIES: tuple[str, ...] = tuple(FINDINGS)
CONFOUNDER_NAMES: tuple[str, ...] = tuple(CONFOUNDERS)
# lesions that hide air come before the pneumothorax, which adds it; a large heart before all, as it hides lung
_ORDER = ("Cardiomegaly", "Effusion", "Lung Opacity", "Mass", "Atelectasis", "Pneumothorax")


@dataclass(frozen=True)
class Phantom:
    """One synthetic radiograph.

    pixels: (size, size), uint8 for depth 8, uint16 with values up to 2**depth - 1 otherwise; white is dense.
    masks: pathology or confounder name -> (size, size) bool, for what is in the picture.
    """

    pixels: NDArray[np.uint8] | NDArray[np.uint16]
    depth: int
    masks: dict[str, NDArray[np.bool_]]
    findings: tuple[str, ...]
    confounders: tuple[str, ...]
    sex: str
    age: int
    view: str
    seed: int


def draw(
    seed: int,
    size: int = 512,
    findings: Sequence[str] = (),
    confounders: Sequence[str] = (),
    *,
    sex: str = "",
    age: int = 0,
    view: str = "",
    depth: int = 8,
) -> Phantom:
    """Draw the chest X-ray of patient `seed`.

    The same seed with another choice of findings or confounders is the same patient and exposure, with the same noise:
    the pictures differ only near what was added or taken away. `sex` ("F", "M"), `age` (years) and `view` ("PA",
    "AP") are drawn from the seed unless given. `depth`: bits a pixel, 8 to 16.

    Raises ValueError for an unknown finding, confounder, sex or view, or a depth out of range.
    """
    for given, known, what in ((findings, PATHOLOGIES, "finding"), (confounders, CONFOUNDER_NAMES, "confounder")):
        if unknown := sorted(set(given) - set(known)):
            raise ValueError(f"unknown {what} {unknown}: choose from {', '.join(known)}")
    if not 8 <= depth <= 16:
        raise ValueError(f"depth {depth}: choose 8 to 16 bits a pixel")
    patient = Patient(seed, sex=sex, age=age, view=view)
    chest = Chest(patient, size)
    masks: dict[str, NDArray[np.bool_]] = {}
    for name in _ORDER:
        if name in findings:
            cover = FINDINGS[name](chest, stream(seed, name))
            masks[name] = cover > 0.3 * cover.max()
    attenuation = chest.tissue - 0.68 * chest.air + chest.vessels
    for name in CONFOUNDER_NAMES:
        if name in confounders:
            added = CONFOUNDERS[name](chest, stream(seed, name))
            masks[name] = added > 0.1
            attenuation = attenuation + added
    grey = _expose(attenuation, patient, size)
    levels = 2**depth - 1
    pixels = np.round(np.clip(grey, 0.0, 1.0) * levels).astype(np.uint8 if depth == 8 else np.uint16)
    return Phantom(
        pixels, depth, masks, tuple(findings), tuple(confounders), patient.sex, patient.age, patient.view, seed
    )


def _expose(attenuation: Field, patient: Patient, size: int) -> Field:
    """Attenuation -> grey 0..1: an S-shaped film curve, then noise that is finer-grained but as strong at any size."""
    grey = 1.0 / (1.0 + np.exp(-patient.contrast * (attenuation - patient.level)))
    floor = 1.0 / (1.0 + np.exp(patient.contrast * patient.level))
    grey = 0.01 + 0.98 * (grey - floor) / (1.0 - floor)
    grain = stream(patient.seed, "noise").standard_normal((size, size), dtype=np.float32)
    exposed: Field = grey + patient.noise * (size / 512) * (0.4 + 0.6 * grey) * grain
    return exposed
