"""On the demo's phantoms, path importance v2k points at the finding better than the plain difference does.

As in Charachon et al., 2021 (docs/explanations.md has the figures of all cases with 50 steps of the path).
"""

import numpy as np
import torch

from explain.demo.cases import demo_cases
from explain.evaluate.localisation import iou_at_mask_area, mask_to_model_frame
from explain.images.radiograph import Radiograph
from explain.methods.contract import explained
from explain.methods.kind import Need
from explain.methods.kinds import KINDS
from explain.models.registry import load_autoencoder, load_classifier


def test_v2k_beats_the_plain_difference_case_by_case() -> None:
    first = {case.pathology: case for case in reversed(demo_cases()) if case.positive and not case.practice}
    classifier, autoencoder = load_classifier("demo"), load_autoencoder("demo")
    models: dict[Need, torch.nn.Module] = {"classifier": classifier.module, "autoencoder": autoencoder.module}
    phantoms = [case.draw() for case in first.values()]
    x = torch.from_numpy(np.stack([Radiograph(phantom.pixels, phantom.depth).model_input() for phantom in phantoms]))
    targets = torch.tensor([classifier.target(pathology) for pathology in first])
    masks = [mask_to_model_frame(phantom.masks[pathology]) for phantom, pathology in zip(phantoms, first)]
    kinds = [KINDS["adversary_difference"], KINDS["path_v2k"]]
    made = explained(kinds, x, targets, models, lambda _: {"path_steps": 4})  # enough for maps that are smoothed

    def overlaps(kind: str) -> np.ndarray:
        maps = [result.map.numpy() for result in made[kind].results if result.map is not None]
        return np.array([iou_at_mask_area(values, mask) for values, mask in zip(maps, masks, strict=True)])

    difference, v2k = overlaps("adversary_difference"), overlaps("path_v2k")
    gain = v2k - difference
    assert len(gain) == 6 and (gain > 0).sum() >= 4 and gain.mean() > 0.03, (difference, v2k)
