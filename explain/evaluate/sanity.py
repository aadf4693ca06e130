"""Does a map depend on what the model has learned? Its layers are drawn anew, from the output down.

Where a randomised model gives a constant map, nothing of the original is kept: the correlation counts as 0.
"""

from __future__ import annotations

import copy
from math import ceil

import numpy as np
import torch
from torch import nn

from explain.evaluate.likeness import spearman
from explain.evaluate.metric import Subject
from explain.evaluate.subjects import maps_of
from explain.methods.kind import Need
from explain.render.usable import require_usable

BINS = 100


def layers_of(classifier: nn.Module) -> list[str]:
    """The names of modules with parameters of their own, from the output to the input.

    That is the order in which the classifier registers them, turned round; for the models that come with this library
    it is the order of computation.
    """
    names = [name for name, module in classifier.named_modules() if any(True for _ in module.parameters(recurse=False))]
    return names[::-1]


def randomised(classifier: nn.Module, count: int, seed: int = 0) -> nn.Module:
    """A copy of a classifier whose `count` last layers are drawn anew; the classifier itself is left alone.

    Each parameter becomes normal noise with the mean and standard deviation of its values, so that what flows through
    the model keeps its size; batch normalisation keeps the statistics it has seen. The last layers of two copies of one
    seed are the same: cascading randomisation. Source: Adebayo et al., "Sanity Checks for Saliency Maps", NeurIPS 2018.
    """
    made = copy.deepcopy(classifier)
    modules, generator = dict(made.named_modules()), torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name in layers_of(made)[:count]:
            for parameter in modules[name].parameters(recurse=False):
                noise = torch.randn(parameter.shape, generator=generator).to(parameter)
                parameter.copy_(parameter.mean() + parameter.std(correction=0) * noise)
    return made


def cascade(subject: Subject, depths: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """(share of layers randomised, Spearman of |map| with the original), float64 (depths,) each; the last share is 1.

    Source: Adebayo et al. 2018, section 3; Cohen et al., MIDL 2021, section 4.5, figure H.1.
    """
    if depths < 1:
        raise ValueError(f"depths is {depths}; it must be at least 1")
    original = subject.array("map")
    require_usable(original)
    total = len(layers_of(subject.models["classifier"]))
    counts = [ceil(total * step / depths) for step in range(1, depths + 1)]
    return np.array(counts) / total, np.array([spearman(original, _map_at(subject, n, seed)) for n in counts])


def entropy(values: np.ndarray) -> float:
    """Shannon entropy in nats of the histogram of |map| in 100 equal bins from its least to its largest value.

    Source: Hedstroem et al., "Sanity Checks Revisited", 2023, section 4.2.
    """
    counts, _ = np.histogram(np.abs(values), BINS)
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum())


def measure_cascade(subject: Subject, depths: int, seed: int) -> float:
    """The mean of `cascade` over its depths: low if the map depends on the model."""
    return float(cascade(subject, depths, seed)[1].mean())


def measure_entropy_rise(subject: Subject, seed: int) -> float:
    """(H_random - H) / H, entropies of the map by the model with all layers randomised and by the model itself.

    High if the map depends on the model: a random model's map should be less ordered. -1 if its map is constant.
    Raises UnusableMap for a map that is constant or not finite.
    """
    original = subject.array("map")
    require_usable(original)
    before = entropy(original)
    after = _map_at(subject, len(layers_of(subject.models["classifier"])), seed)
    return (entropy(after) - before) / before if np.isfinite(after).all() else -1.0


def _map_at(subject: Subject, count: int, seed: int) -> np.ndarray:
    """The map when the last `count` layers are randomised, made once for all metrics that ask."""

    def make() -> np.ndarray:
        models: dict[Need, nn.Module] = dict(subject.models)
        models["classifier"] = randomised(models["classifier"], count, seed)
        made: np.ndarray = maps_of(subject, subject.array("pixels")[None], models)[0]
        return made

    return subject.once(("randomised", count, seed), make)
