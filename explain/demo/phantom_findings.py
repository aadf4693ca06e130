"""What can be put into a synthetic chest: the six pathologies of the study, and things that only go with them.

A finding changes the fields of a Chest and returns where (0..1, of compact support: exactly 0 elsewhere).
A confounder returns the attenuation it adds. Both draw their numbers from their own stream of the phantom's seed.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from explain.demo.phantom_anatomy import Canvas, Chest, Field, Points, clouds, ramp, smooth_path, stream


def _side(chest: Chest, name: str) -> int:
    return int(stream(chest.patient.seed, name + " side").choice([-1, 1]))


def _spot(
    chest: Chest, rng: np.random.Generator, u: tuple[float, float], v: tuple[float, float]
) -> tuple[float, float]:
    """A place (signed u, v) in aerated lung, within the limits given for |u| and v."""
    side = int(rng.choice([-1, 1]))
    centre = (0.0, 0.0)
    for _ in range(40):
        centre = (side * rng.uniform(*u), rng.uniform(*v))
        row, column = np.unravel_index(np.argmin(np.hypot(chest.u - centre[0], chest.v - centre[1])), chest.u.shape)
        if chest.air[row, column] > 0.7:
            break
    return centre


def _compact(cover: Field) -> Field:
    """Cut the faint tail of a blurred shape so that a finding changes nothing outside its neighbourhood."""
    return np.where(cover > 0.02, cover, 0.0).astype(np.float32)


def atelectasis(chest: Chest, rng: np.random.Generator) -> Field:
    """One or two plate-like bands in the lower half of a lung."""
    total = np.zeros_like(chest.air)
    centre = _spot(chest, rng, (0.15, 0.26), (0.50, 0.64))
    for index in range(1 + int(rng.random() < 0.5)):
        angle = rng.uniform(-0.5, 0.5)
        du, dv = chest.u - centre[0], chest.v - centre[1] + index * rng.uniform(0.05, 0.08)
        along, across = du * np.cos(angle) + dv * np.sin(angle), dv * np.cos(angle) - du * np.sin(angle)
        across = across + rng.uniform(-1.5, 1.5) * along**2
        half = rng.uniform(0.075, 0.13)
        thick = rng.uniform(0.012, 0.021) * np.sqrt(np.clip(1 - (along / half) ** 2, 0, 1)) + 1e-4
        total = np.maximum(total, ramp(np.abs(across) / thick, 1.45, 0.55) * ramp(np.abs(along), half, 0.75 * half))
    cover = _compact(rng.uniform(0.60, 0.95) * total * ramp(chest.air, 0.1, 0.4))
    chest.hide(cover)
    return cover


def cardiomegaly(chest: Chest, rng: np.random.Generator) -> Field:
    """A heart 1.2 to 1.5 times the patient's own; the mask is the whole heart, as a reader would outline it."""
    big = chest.heart(chest.patient.heart * rng.uniform(1.20, 1.48))
    chest.hide(0.95 * _compact(big))
    chest.tissue = chest.tissue + 0.10 * _compact(big)
    return _compact(big * ramp(chest.v, 0.80, 0.77))


def effusion(chest: Chest, rng: np.random.Generator) -> Field:
    """Fluid in one costophrenic angle, with a meniscus that climbs the chest wall."""
    side = _side(chest, "Effusion")
    depth, rise = rng.uniform(0.05, 0.20), rng.uniform(0.05, 0.11)
    level = 0.735 - depth + rise * (1 - np.clip((side * chest.u - 0.06) / 0.30, 0, 1) ** 2)
    cover = _compact(0.97 * ramp(chest.v - level, 0.0, 0.03) * ramp(chest.lungs[side], 0.0, 0.15))
    chest.hide(cover)
    return cover


def mass(chest: Chest, rng: np.random.Generator) -> Field:
    """A round, slightly lobulated, dense mass of 3 to 6 cm."""
    u, v = _spot(chest, rng, (0.13, 0.27), (0.24, 0.58))
    angle = np.arctan2(chest.v - v, chest.u - u)
    waves = sum(rng.uniform(0, 0.045) * np.cos(k * angle + rng.uniform(0, 6.3)) for k in (2, 3, 4))
    radius = rng.uniform(0.042, 0.075)
    distance = np.hypot(chest.u - u, chest.v - v) / (radius * (1 + waves))
    inside = ramp(distance, 1.15, 0.80) * ramp(chest.lungs[-1] + chest.lungs[1], 0.0, 0.15)
    cover = _compact(rng.uniform(0.60, 0.90) * inside)
    chest.hide(cover)
    chest.tissue = chest.tissue + 0.08 * cover
    return cover


def lung_opacity(chest: Chest, rng: np.random.Generator) -> Field:
    """A patch of consolidation with soft, uneven edges."""
    u, v = _spot(chest, rng, (0.14, 0.27), (0.30, 0.60))
    wide, high = rng.uniform(0.075, 0.13), rng.uniform(0.085, 0.15)
    distance = np.hypot((chest.u - u) / wide, (chest.v - v) / high)
    uneven = distance + 0.13 * clouds(rng, chest.size, 14) + 0.07 * clouds(rng, chest.size, 40)
    patch = ramp(uneven, 1.05, 0.35) * ramp(distance, 1.5, 1.2) * ramp(chest.air, 0.05, 0.4)
    cover = _compact(rng.uniform(0.60, 0.90) * patch)
    chest.hide(cover)
    return cover


def pneumothorax(chest: Chest, rng: np.random.Generator) -> Field:
    """A lung shrunk away from the chest wall: a pleural line, and beyond it air without vessels."""
    side = _side(chest, "Pneumothorax")
    anchor = chest.patient.place(side, np.array([0.055, 0.70]))
    shrunk = anchor + (chest.outlines[side] - anchor) * rng.uniform((0.62, 0.70), (0.84, 0.88))
    inner = Canvas(chest.size).polygon(shrunk).field(0.0035)
    beyond = _compact(
        chest.lungs[side] * (1.0 - inner) * ramp(side * chest.u, 0.062, 0.085) * ramp(chest.air, 0.05, 0.3)
    )
    line = _compact(4.0 * inner * (1.0 - inner) * chest.lungs[side] * ramp(side * chest.u, 0.075, 0.10)) * (beyond > 0)
    chest.vessels = chest.vessels * (1.0 - beyond)
    chest.air = chest.air + 0.22 * beyond
    chest.tissue = chest.tissue + 0.16 * line
    return beyond


def _lines(chest: Chest, paths: list[Points], width: float) -> Field:
    canvas = Canvas(chest.size)
    for path in paths:
        canvas.stroke(path, width)
    return canvas.field(0.0012)


def chest_tube(chest: Chest, rng: np.random.Generator) -> Field:
    """A drain from the flank to the apex, on the side of the pneumothorax it would treat."""
    side = _side(chest, "Pneumothorax")
    ends = [(0.47, 0.60), (0.33, 0.60), (0.33, 0.35), (0.16, 0.21)]
    path = chest.patient.place(side, smooth_path(np.array(ends) + rng.normal(0, 0.012, (4, 2))))
    return 0.34 * _lines(chest, [path], 0.018) + 0.45 * _lines(chest, [path], 0.006)


def pacemaker(chest: Chest, rng: np.random.Generator) -> Field:
    """A pulse generator below the left clavicle and two leads to the heart."""
    u, v = 0.26 + rng.normal(0, 0.012), 0.25 + rng.normal(0, 0.012)
    angle = rng.uniform(-0.4, 0.4)
    du, dv = chest.u - u, chest.v - v
    along, across = du * np.cos(angle) + dv * np.sin(angle), dv * np.cos(angle) - du * np.sin(angle)
    case = ramp(np.sqrt(np.sqrt((along / 0.052) ** 4 + (across / 0.042) ** 4)), 1.06, 0.94)
    tips = [(0.00, 0.66), (0.09, 0.70)]
    leads = [
        smooth_path(np.array([(u, v), (0.10, 0.10), (0.0, 0.25), tip]) + rng.normal(0, 0.008, (4, 2))) for tip in tips
    ]
    return 0.85 * case + 0.40 * _lines(chest, [chest.patient.place(1, lead) for lead in leads], 0.006)


def laterality_marker(chest: Chest, rng: np.random.Generator) -> Field:
    """A lead letter L in a ring, above the left shoulder."""
    x, y = 0.895 + rng.uniform(-0.03, 0.03), 0.085 + rng.uniform(-0.02, 0.03)
    around = np.linspace(0, 2 * np.pi, 40)
    ring = np.stack([x + 0.052 * np.cos(around), y + 0.052 * np.sin(around)], axis=-1)
    letter = np.array([(x - 0.016, y - 0.030), (x - 0.016, y + 0.026), (x + 0.022, y + 0.026)])
    return 1.3 * np.maximum(_lines(chest, [ring], 0.008), _lines(chest, [letter], 0.013))


def monitor_leads(chest: Chest, rng: np.random.Generator) -> Field:
    """Three electrodes on the chest, each with a wire that leaves at the bottom."""
    spots = np.array([(-0.25, 0.22), (0.25, 0.40), (-0.22, 0.62)]) + rng.normal(0, 0.018, (3, 2))
    total = np.zeros_like(chest.air)
    wires = []
    for (u, v), drift in zip(spots, rng.uniform(-0.06, 0.06, 3)):
        distance = np.hypot(chest.u - u, chest.v - v)
        total = np.maximum(total, np.maximum(0.28 * ramp(distance, 0.034, 0.028), 0.9 * ramp(distance, 0.016, 0.011)))
        path = np.array([(u, v), (u * 1.3, v + 0.12), (u + drift, v + 0.25), (u * 0.5 + drift, 1.02)])
        wires.append(chest.patient.place(1, smooth_path(path)))
    leads: Field = np.maximum(total, 0.38 * _lines(chest, wires, 0.007))
    return leads


def skin_staples(chest: Chest, rng: np.random.Generator) -> Field:
    """A row of metal staples over the lower chest, as left by an operation."""
    side = int(rng.choice([-1, 1]))
    course = smooth_path(np.array([(0.34, 0.42), (0.27, 0.56), (0.11, 0.58)]) + rng.normal(0, 0.015, (3, 2)), 14)
    along = np.gradient(course, axis=0)
    across = 0.013 * np.stack([-along[:, 1], along[:, 0]], axis=-1) / np.linalg.norm(along, axis=1, keepdims=True)
    staples = [chest.patient.place(side, np.stack([at - half, at + half])) for at, half in zip(course, across)]
    return _lines(chest, staples, 0.0075)


def port(chest: Chest, rng: np.random.Generator) -> Field:
    """An implanted port below the right clavicle, its catheter to the superior vena cava."""
    u, v = 0.25 + rng.normal(0, 0.012), 0.27 + rng.normal(0, 0.012)
    distance = np.hypot(chest.u + u, chest.v - v)
    body = 0.80 * ramp(distance, 0.040, 0.035) * (1 - 0.55 * ramp(distance, 0.020, 0.016))
    path = np.array([(u, v), (0.17, 0.10), (0.05, 0.10), (0.03, 0.45)]) + rng.normal(0, 0.006, (4, 2))
    catheter = _lines(chest, [chest.patient.place(-1, smooth_path(path))], 0.008)
    whole: Field = np.maximum(body, 0.42 * catheter)
    return whole


FINDINGS: dict[str, Callable[[Chest, np.random.Generator], Field]] = {
    "Atelectasis": atelectasis,
    "Cardiomegaly": cardiomegaly,
    "Effusion": effusion,
    "Mass": mass,
    "Lung Opacity": lung_opacity,
    "Pneumothorax": pneumothorax,
}
CONFOUNDERS: dict[str, Callable[[Chest, np.random.Generator], Field]] = {
    "skin staples": skin_staples,
    "pacemaker": pacemaker,
    "laterality marker": laterality_marker,
    "port": port,
    "monitor leads": monitor_leads,
    "chest tube": chest_tube,
}
# each pathology's companion in the training set: the association is real, the inference from one to the other is not
COMPANION: dict[str, str] = dict(zip(FINDINGS, CONFOUNDERS))
