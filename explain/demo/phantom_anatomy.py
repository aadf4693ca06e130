"""The normal chest of a synthetic X-ray: outlines, air, bone and vessels as fields of attenuation.

Positions are fractions of the image side: x to the right, y downwards; u is the distance from the midline. The
patient's right is on the image's left. Attenuation is in units of the trunk's soft tissue (1 = trunk, 0 = air).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

Field = NDArray[np.floating[Any]]  # (size, size) float32
Points = NDArray[np.float64]
Ends = tuple[tuple[float, float], tuple[float, float]]

LUNG = np.array(  # (u, y) of the outline of one lung, from the apex round by the chest wall to the midline
    [
        (0.115, 0.125), (0.175, 0.130), (0.235, 0.185), (0.285, 0.280), (0.325, 0.390), (0.352, 0.520), (0.366, 0.650),
        (0.368, 0.745), (0.362, 0.775), (0.345, 0.760), (0.290, 0.705), (0.225, 0.675), (0.160, 0.675), (0.100, 0.692),
        (0.062, 0.708), (0.050, 0.620), (0.054, 0.460), (0.050, 0.310), (0.066, 0.190),
    ]
)  # fmt: skip
BODY = np.array(
    [(0.105, -0.05), (0.115, 0.03), (0.19, 0.075), (0.36, 0.115), (0.47, 0.175), (0.52, 0.27), (0.47, 0.36),
     (0.435, 0.45), (0.425, 0.65), (0.435, 0.85), (0.46, 1.50)]
)  # fmt: skip


def stream(seed: int, name: str) -> np.random.Generator:
    """Random numbers for one part of one phantom: adding a part leaves the numbers of every other part alone."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def ramp(values: Field, low: float, high: float) -> Field:
    """0 below `low`, 1 above `high`, smooth between (swap the two for a falling ramp)."""
    t: Field = np.clip((values - low) / (high - low), 0.0, 1.0)
    return (t * t * (3.0 - 2.0 * t)).astype(np.float32)


def blur(values: Field, width: float) -> Field:
    """Gaussian blur; `width` is the standard deviation as a fraction of the side."""
    blurred: Field = ndimage.gaussian_filter(values, width * values.shape[0], truncate=3.0)
    return blurred


def smooth_outline(points: Points, steps: int = 8) -> Points:
    """Closed Catmull-Rom curve through (N, 2) points, `steps` points a span."""
    before, after, beyond = np.roll(points, 1, 0), np.roll(points, -1, 0), np.roll(points, -2, 0)
    t = (np.arange(steps) / steps)[None, :, None]
    p0, p1, p2, p3 = (p[:, None, :] for p in (before, points, after, beyond))
    curve = 2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 + (3 * p1 - p0 - 3 * p2 + p3) * t**3
    return (0.5 * curve).reshape(-1, 2)


def smooth_path(points: Points, steps: int = 40) -> Points:
    """Open quadratic or cubic Bezier curve with (3 or 4, 2) control points."""
    t = np.linspace(0.0, 1.0, steps)[:, None]
    while len(points) > 1:
        points = np.stack([points[i] * (1 - t) + points[i + 1] * t for i in range(len(points) - 1)])
    curve: Points = points[0]
    return curve


class Canvas:
    """Draws polygons and strokes anti-aliased (at twice the size) into one field of 0..1."""

    def __init__(self, size: int) -> None:
        self.scale = 2 * size
        self.image = Image.new("L", (self.scale, self.scale))
        self.pen = ImageDraw.Draw(self.image)

    def _pixels(self, points: Points) -> list[tuple[float, float]]:
        return [(x, y) for x, y in (points * self.scale).tolist()]

    def polygon(self, points: Points) -> Canvas:
        self.pen.polygon(self._pixels(points), fill=255)
        return self

    def stroke(self, points: Points, width: float, value: float = 1.0) -> Canvas:
        thick = width * self.scale
        # Pillow's lines are whole pixels wide: a thinner one is drawn one pixel wide and fainter
        self.pen.line(
            self._pixels(points), fill=int(255 * value * min(1.0, thick)), width=max(1, round(thick)), joint="curve"
        )
        return self

    def field(self, softness: float = 0.0) -> Field:
        half = self.image.resize((self.scale // 2, self.scale // 2), Image.Resampling.BOX)
        values = np.asarray(half, dtype=np.float32) / 255.0
        return blur(values, softness) if softness else values


def clouds(rng: np.random.Generator, size: int, cells: int) -> Field:
    """Smooth noise of mean 0 and standard deviation about 1; features are about 1 / cells of the side."""
    grid = ndimage.gaussian_filter(rng.standard_normal((cells + 8, cells + 8)).astype(np.float32), 1.0)
    rows = np.linspace(3.0, cells + 3.0, size, dtype=np.float32)
    smooth: Field = ndimage.map_coordinates(grid, np.meshgrid(rows, rows, indexing="ij"), order=1)
    return (smooth / 0.28).astype(np.float32)


@dataclass
class Patient:
    """What varies from one patient and exposure to the next, drawn from the seed; sex, age and view may be given."""

    seed: int
    sex: str = ""
    age: int = 0
    view: str = ""

    def __post_init__(self) -> None:
        rng = stream(self.seed, "patient")
        sex, age, view = rng.choice(["F", "M"]), rng.integers(21, 90), rng.choice(["PA", "AP"], p=[0.7, 0.3])
        self.sex, self.age, self.view = self.sex or str(sex), self.age or int(age), self.view or str(view)
        if self.sex not in ("F", "M") or not 0 < self.age < 120 or self.view not in ("PA", "AP"):
            raise ValueError(f"sex {self.sex!r}, age {self.age!r}, view {self.view!r}: need F or M, 1 to 119, PA or AP")
        female, portable = self.sex == "F", self.view == "AP"
        self.middle = 0.5 + rng.uniform(-0.02, 0.02)
        self.width = rng.uniform(0.94, 1.10) * (0.96 if female else 1.0)
        self.top = rng.uniform(-0.025, 0.035)
        self.height = rng.uniform(0.93, 1.10) * (0.93 if portable else 1.0)
        self.lung_jitter = rng.normal(0.0, 0.006, (2, len(LUNG), 2))
        self.dome_drop = rng.uniform(0.0, 0.03)  # the left dome sits lower
        self.heart = rng.uniform(0.90, 1.06) * (1.05 if portable else 1.0)
        self.heart_tilt = rng.uniform(0.35, 0.75)
        self.fat = rng.uniform(-0.06, 0.12)
        self.breast = rng.uniform(0.05, 0.16) if female else 0.0
        self.breast_y = rng.uniform(0.60, 0.68)
        self.rib_phase, self.rib_pitch = rng.uniform(0, 1, 2), rng.uniform(0.056, 0.066)
        self.clavicle = rng.uniform(-0.02, 0.02) - (0.02 if portable else 0.0)
        self.markings = rng.uniform(0.75, 1.15) + 0.002 * (self.age - 50)
        self.tortuous = max(0.0, (self.age - 45) / 45) * rng.uniform(0.3, 1.0)  # the aorta unfolds with age
        self.bubble = rng.random() < 0.6
        self.level, self.contrast = rng.uniform(0.66, 0.82), rng.uniform(3.5, 4.5)
        self.noise = rng.uniform(0.010, 0.018) * (1.25 if portable else 1.0)

    def place(self, side: int, points: Points) -> Points:
        """(u, y) of the standard chest -> image fractions. side -1: the patient's right (image left), +1: left."""
        u, y = points[..., 0], points[..., 1]
        x = self.middle + side * u * self.width
        return np.stack([x, self.top + 0.13 + (y - 0.13) * self.height], axis=-1)


@dataclass
class Chest:
    """The fields of one chest at one size, (size, size) float32, before and while findings are put into it."""

    patient: Patient
    size: int
    lungs: dict[int, Field] = field(init=False)  # 0..1, by side
    outlines: dict[int, Points] = field(init=False)
    tissue: Field = field(init=False)  # attenuation without the air of the lungs
    air: Field = field(init=False)  # attenuation missing because of the lungs' air, 0..1
    vessels: Field = field(init=False)

    def __post_init__(self) -> None:
        axis = (np.arange(self.size, dtype=np.float32) + 0.5) / self.size
        self.x, self.y = np.broadcast_to(axis, (self.size, self.size)), axis[:, None]
        self.u = (self.x - self.patient.middle) / self.patient.width
        self.v = 0.13 + (self.y - self.patient.top - 0.13) / self.patient.height + 0 * self.x
        self.outlines, self.lungs = {}, {}
        for index, side in enumerate((-1, 1)):
            points = LUNG + self.patient.lung_jitter[index]
            points[7:15, 1] += self.patient.dome_drop * (side == 1)
            self.outlines[side] = smooth_outline(self.patient.place(side, points))
            self.lungs[side] = Canvas(self.size).polygon(self.outlines[side]).field(0.0025)
        self.body = self._body()
        depth = sum(ndimage.distance_transform_edt(lung > 0.5) for lung in self.lungs.values()) / self.size
        fullness = (0.55 + 0.45 * np.sqrt(np.clip(depth / 0.11, 0, 1))).astype(np.float32)
        self.air = (self.lungs[-1] + self.lungs[1]) * blur(fullness, 0.006)
        self.hide(0.95 * self.heart(self.patient.heart))
        self.hide(0.9 * self.great_vessels())
        self.tissue = self.body + self._bones() + self._soft_parts()
        self.vessels = self._vessels()
        lung_texture = clouds(stream(self.patient.seed, "lung"), self.size, 60)
        self.vessels = self.vessels + 0.012 * lung_texture * (self.air > 0.2)

    def hide(self, cover: Field) -> None:
        """Replace air by tissue: `cover` is the part of the air that goes, 0..1; the vessels there fade with it."""
        self.air = self.air * (1.0 - cover)
        if hasattr(self, "vessels"):
            self.vessels = self.vessels * (1.0 - 0.7 * cover)

    def _both(self, points: Points) -> list[Points]:
        return [self.patient.place(side, points) for side in (-1, 1)]

    def _body(self) -> Field:
        right, left = self._both(BODY)
        outline = Canvas(self.size).polygon(np.concatenate([left, right[::-1]])).field(0.006)
        round_trunk = np.sqrt(np.clip(1.0 - (self.u / 0.56) ** 2, 0.0, 1.0))
        return outline * ((0.30 + 0.70 * round_trunk) * (1.0 + self.patient.fat)).astype(np.float32)

    def heart(self, scale: float) -> Field:
        """Coverage 0..1 of a heart `scale` times the normal size (cardiothoracic ratio about 0.46 at 1)."""
        p = self.patient
        centre_u, centre_v = 0.040 + 0.045 * (scale - 1.0), 0.610 - 0.03 * (scale - 1.0)
        du, dv = self.u - centre_u, (self.v - centre_v)
        along = du * np.cos(p.heart_tilt) + dv * np.sin(p.heart_tilt)
        across = -du * np.sin(p.heart_tilt) + dv * np.cos(p.heart_tilt)
        radius = np.sqrt((along / (0.165 * scale)) ** 2 + (across / (0.120 * scale)) ** 2)
        atrium = np.hypot(self.u + 0.018 * scale, self.v - centre_v) / (0.085 * scale)
        return ramp(np.minimum(radius, atrium).astype(np.float32), 1.06, 0.95)

    def great_vessels(self) -> Field:
        wide = 0.012 * self.patient.tortuous
        knob = ramp(np.hypot(self.u - 0.042 - wide, (self.v - 0.315) * 0.9), 0.044 + wide, 0.034 + wide)
        trunk = ramp(np.hypot(self.u - 0.050, (self.v - 0.45) * 0.45), 0.046, 0.034)
        cava = ramp(np.hypot(self.u + 0.040, (self.v - 0.40) * 0.2), 0.034, 0.022)
        return np.maximum(np.maximum(knob, trunk), cava)

    def _soft_parts(self) -> Field:
        abdomen = ramp(self.v, 0.70, 0.86) * (1 - self.lungs[-1] - self.lungs[1]) * ramp(np.abs(self.u), 0.43, 0.30)
        parts = 0.16 * blur(abdomen, 0.008)
        parts += 0.06 * self.heart(self.patient.heart)
        windpipe = ramp(np.abs(self.u), 0.024, 0.014) * ramp(self.v, 0.42, 0.36)
        parts -= 0.16 * blur(windpipe, 0.004)
        if self.patient.breast:
            for side in (-1, 1):
                distance = np.hypot((self.u - side * 0.20) / 1.15, self.v - self.patient.breast_y)
                parts += self.patient.breast * ramp(distance, 0.145, 0.12) * ramp(self.v, 0.46, 0.68)
        if self.patient.bubble:
            parts -= 0.22 * ramp(np.hypot((self.u - 0.17) / 1.4, self.v - 0.80), 0.045, 0.025)
        return parts * (self.body > 0.05)

    def _bones(self) -> Field:
        p, u = self.patient, np.abs(self.u)
        disc = 0.75 + 0.25 * ramp(np.abs(((self.v / 0.052) % 1.0) - 0.5), 0.42, 0.34)
        bones = 0.18 * ramp(u, 0.050, 0.034) * disc
        cage = ramp(u, 0.385, 0.365) * ramp(self.v, 0.10, 0.15) * ramp(self.v, 0.95, 0.72)
        cage = cage * ramp(np.hypot(np.maximum(u - 0.12, 0) / 0.25, np.minimum(self.v - 0.42, 0) / 0.31), 1.06, 0.99)
        bones += 0.115 * cage * ramp(u, 0.03, 0.06) * self._ribs(-0.22 * u + 1.25 * u**2, p.rib_pitch, p.rib_phase[0])
        slope = 0.42 * (0.37 - u) + 0.8 * (0.25 - u) ** 2
        bones += 0.070 * cage * ramp(u, 0.13, 0.24) * self._ribs(slope, 1.12 * p.rib_pitch, p.rib_phase[1])
        canvas, blades = Canvas(self.size), Canvas(self.size)
        for side in (-1, 1):
            curve = np.array([(0.035, 0.195), (0.14, 0.175), (0.22, 0.085), (0.40, 0.105)])
            canvas.stroke(p.place(side, smooth_path(curve)) + np.array([0.0, p.clavicle]), 0.024)
            inner = 0.30 if p.view == "AP" else 0.36
            blade = np.array([(inner, 0.20), (inner + 0.02, 0.32), (inner + 0.06, 0.43)])
            blades.stroke(p.place(side, smooth_path(blade)), 0.016)
            humerus = p.place(side, np.array([(0.445, 0.16), (0.50, 0.42)]))
            canvas.stroke(humerus, 0.045)
        bones += 0.20 * canvas.field(0.004) + 0.07 * blades.field(0.006)
        return (bones * (self.body > 0.05)).astype(np.float32)

    def _ribs(self, course: Field, pitch: float, phase: float) -> Field:
        """Stripes of 0..1 that follow `course`, brighter at their edges (the cortex)."""
        distance = np.abs((((self.v - course) / pitch + phase) % 1.0) - 0.5)
        return ramp(distance, 0.27, 0.19) * (0.65 + 0.9 * np.clip(distance / 0.25, 0, 1) ** 2)

    def _vessels(self) -> Field:
        rng, canvas = stream(self.patient.seed, "vessels"), Canvas(self.size)
        for side in (-1, 1):
            drawn: list[tuple[Ends, float]] = []
            for angle in np.linspace(-1.35, 1.25, 11) + rng.normal(0, 0.06, 11):
                drawn += _branch(rng, (0.075, 0.46 + 0.05 * angle), angle, rng.uniform(0.008, 0.012), 0)
            lines = self.patient.place(side, np.array([ends for ends, _ in drawn]))
            for line, (_, width) in zip(lines, drawn, strict=True):
                canvas.stroke(line, width, min(1.0, 0.25 + width / 0.012))
            hilum = self.patient.place(side, np.array([(0.07, 0.41), (0.10, 0.46), (0.085, 0.53)]))
            canvas.stroke(hilum, 0.022, 0.55)
        return 0.28 * self.patient.markings * canvas.field(0.0022) * (self.air > 0.12)


def _branch(
    rng: np.random.Generator, point: tuple[float, float], angle: float, width: float, level: int
) -> Iterator[tuple[Ends, float]]:
    """The pieces of a vessel and of what branches off: both ends in the standard chest, and the width."""
    for _ in range(6 - level):
        angle += rng.normal(0, 0.13)
        step = rng.uniform(0.030, 0.048)
        end = (point[0] + step * np.cos(angle), point[1] + step * (1.15 * np.sin(angle)))
        yield (point, end), width
        if level < 2 and rng.random() < 0.45:
            turn = (-1, 1)[rng.integers(2)] * rng.uniform(0.35, 0.7)
            yield from _branch(rng, end, angle + turn, 0.65 * width, level + 1)
        point, width = end, 0.80 * width
