"""What must be true of any figure of overlap: maps that cannot know the finding score worse than the best that can."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import wilcoxon
from torch import nn

from explain.demo.cases import demo_cases
from explain.demo.phantoms import PATHOLOGIES, draw
from explain.evaluate.localisation import mask_to_model_frame
from explain.evaluate.metrics import METRICS, Subject
from explain.evaluate.subjects import Renderer, map_of
from explain.images.radiograph import Radiograph
from explain.methods.kind import Need
from explain.methods.kinds import KINDS
from explain.models.demo_pair import load_demo

REAL = ("input_gradient", "guided_backprop", "grad_cam")


@pytest.fixture(scope="module")
def scores() -> dict[str, dict[str, np.ndarray]]:
    """Metric -> maps -> the figures of the demo's true positives, drawn small."""
    classifier, _ = load_demo()
    models: dict[Need, nn.Module] = {"classifier": classifier}
    maps: dict[str, list[np.ndarray]] = {name: [] for name in REAL}
    masks = []
    for case in demo_cases():
        if not case.positive:
            continue
        phantom = draw(case.seed, 224, case.findings, case.confounders)
        pixels = Radiograph(phantom.pixels).model_input()
        masks.append(mask_to_model_frame(phantom.masks[case.pathology]))
        for name in REAL:
            found = map_of(Renderer(KINDS[name], PATHOLOGIES.index(case.pathology))(pixels, models)[0])
            assert found is not None
            maps[name].append(found)
    rng = np.random.default_rng(0)
    maps["random"] = [rng.random(mask.shape) for mask in masks]
    for name in REAL:
        maps[f"another image's {name}"] = maps[name][1:] + maps[name][:1]
    return {
        metric: {
            name: np.array([METRICS[metric].measure(Subject(m, mask)) for m, mask in zip(each, masks, strict=True)])
            for name, each in maps.items()
        }
        for metric in ("iou_at_mask_area", "relevance_mass", "iou_at_95")
    }


@pytest.mark.parametrize("metric", ["iou_at_mask_area", "relevance_mass", "iou_at_95"])
def test_maps_that_cannot_know_the_finding_are_worse_than_the_best_kind(
    scores: dict[str, dict[str, np.ndarray]], metric: str
) -> None:
    found = scores[metric]
    best = max(REAL, key=lambda name: float(found[name].mean()))
    for name in ("random", f"another image's {best}"):
        test = wilcoxon(found[best], found[name], alternative="greater")
        assert test.pvalue < 0.01, f"{metric}: {best} {found[best].mean():.3f}, {name} {found[name].mean():.3f}"
