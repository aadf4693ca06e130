"""Does a map stay the same when the image hardly changes?

Levels are words of numbers, "0.01 0.02": noise by its standard deviation as a share of the input's range of 2048, blur
by the standard deviation of its Gaussian in pixels of the model's input. A map that becomes constant has kept nothing:
its correlation counts as 0.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch

from explain.evaluate.likeness import spearman, top_iou
from explain.evaluate.metric import Subject
from explain.evaluate.subjects import INPUT_RANGE, maps_of
from explain.methods.blur import gaussian_blur
from explain.render.usable import require_usable

Change = Literal["noise", "blur"]
PERCENTILE = 95.0  # the share of a map that readers are shown


def changed(pixels: np.ndarray, change: Change, levels: str, seed: int = 0) -> np.ndarray:
    """The image (H, W) with noise or blur of each level: float32 (levels, H, W). Values may leave the input's range.

    The noise of all levels is one pattern, drawn from `seed` and scaled.
    """
    strengths = [float(word) for word in levels.split()]
    if not strengths or min(strengths) <= 0:
        raise ValueError(f"levels are {levels!r}; give numbers over 0")
    if change == "noise":
        pattern = np.random.default_rng(seed).standard_normal(pixels.shape, np.float32)
        return np.stack([pixels + np.float32(level * INPUT_RANGE) * pattern for level in strengths])
    image = torch.from_numpy(np.ascontiguousarray(pixels))[None, None]
    return np.stack([gaussian_blur(image, level)[0, 0].numpy() for level in strengths])


def likeness(subject: Subject, change: Change, levels: str, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """(Spearman of |map|, IoU of the strongest 5 %) with the clean map at each level, float64 (levels,) each.

    Source: Cohen et al., MIDL 2021, appendix G.1.
    """
    original = subject.array("map")
    require_usable(original)
    images = changed(subject.array("pixels"), change, levels, seed)
    maps = subject.once((change, levels, seed), lambda: maps_of(subject, images, subject.models))
    return (
        np.array([spearman(original, other) for other in maps]),
        np.array([top_iou(original, other, PERCENTILE) for other in maps]),
    )


def measure_spearman(subject: Subject, change: Change, levels: str, seed: int = 0) -> float:
    """The mean over the levels of the rank correlation with the clean map."""
    return float(likeness(subject, change, levels, seed)[0].mean())


def measure_iou(subject: Subject, change: Change, levels: str, seed: int = 0) -> float:
    """The mean over the levels of the IoU of the strongest 5 % with the clean map's."""
    return float(likeness(subject, change, levels, seed)[1].mean())


def measure_max_sensitivity(subject: Subject, samples: int, bound: float, seed: int) -> float:
    """max over noisy images x' of |phi(x) - phi(x')| / |phi(x)|, Euclidean norms of whole maps.

    bound: noise is uniform in +- this share of the input's range. Low if the map is stable. A map that is not finite
    is refused. Source: Yeh et al., "On the (In)fidelity and Sensitivity of Explanations", NeurIPS 2019, definition 3.1.
    """
    original = subject.array("map").astype(float)
    require_usable(original)
    pixels, rng, worst = subject.array("pixels"), np.random.default_rng(seed), 0.0
    for first in range(0, samples, subject.batch_size):
        count = min(subject.batch_size, samples - first)
        noise = rng.uniform(-bound * INPUT_RANGE, bound * INPUT_RANGE, (count, *pixels.shape)).astype(np.float32)
        maps = maps_of(subject, pixels + noise, subject.models).astype(float)
        if not np.isfinite(maps).all():
            raise ValueError("the map of a noisy image is not finite")
        worst = max(worst, float(np.linalg.norm((maps - original).reshape(count, -1), axis=1).max()))
    return worst / float(np.linalg.norm(original))
