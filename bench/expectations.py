"""Do kinds of explanation do what they should, on the demo's models and cases? The table of docs/evaluate.md.

    python -m bench.expectations [--kinds grad_cam path_v2k] [--deletion 30] [--sanity 8]

Of each kind: IoU at the mask's area on the true positives, of its own map, of its map of another case and of a random
map, with p of Wilcoxon's signed-rank test of own over each; on some cases the area under deletion (fill: blur) against
that of a random map; on fewer the rank correlation with the map of a randomised model and of a noisy image. Edges of
the image and a random map stand below: they look at no model.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from scipy.ndimage import gaussian_gradient_magnitude
from scipy.stats import wilcoxon

from bench.kinds import FIVE
from explain.demo.cases import demo_cases
from explain.demo.phantoms import PATHOLOGIES
from explain.evaluate.localisation import iou_at_mask_area, mask_to_model_frame
from explain.evaluate.metrics import METRICS, Subject
from explain.evaluate.subjects import Renderer, subject_of
from explain.images.radiograph import Radiograph
from explain.methods.contract import Result
from explain.methods.kind import Need
from explain.methods.kinds import KINDS
from explain.models.allocator import restart_keeping_memory
from explain.models.fast import prepared
from explain.models.registry import load_autoencoder, load_classifier
from explain.render.usable import map_problem

MORE = ("latentshift_mean", "latentshift_minmax", "adversary_difference", "path_v2k", "iterative_delete", "grad_cam")
DELETION = METRICS["deletion_auc_blur"]
AGAIN = (METRICS["randomisation_spearman"], METRICS["noise_spearman"])


def edges(pixels: np.ndarray) -> np.ndarray:
    return gaussian_gradient_magnitude(pixels.astype(float), 1).astype(np.float32)


def drawn(pixels: np.ndarray) -> np.ndarray:
    return np.random.default_rng(0).random(pixels.shape, np.float32)


def blind(of: object, subject: Subject) -> Subject:
    """The subject with a map that looks at no model."""
    function = {"edges": edges, "random": drawn}[str(of)]

    def render(pixels: np.ndarray, models: Mapping[Need, torch.nn.Module]) -> Sequence[Result]:
        return [Result(torch.from_numpy(function(image))) for image in pixels]

    pixels = subject.array("pixels")
    return Subject(
        map=function(pixels),
        mask=subject.mask,
        pixels=pixels,
        target=subject.target,
        models=subject.models,
        render=render,
    )


def subjects_of(kind: str, cases: list[tuple[np.ndarray, np.ndarray | None, int]], models: dict) -> list[Subject]:
    made = []
    for pixels, mask, target in cases:
        render = Renderer(KINDS[kind], target)
        made.append(subject_of(render(pixels[None], models)[0], render, pixels, models, mask))
    return made


def overlap(values: np.ndarray | None, mask: np.ndarray) -> float:
    return 0.0 if values is None or map_problem(values) else iou_at_mask_area(values, mask)


def over(own: Sequence[float], other: Sequence[float], less: bool = False) -> str:
    """Mean of the other, and p that own is better."""
    p = wilcoxon(own, other, alternative="less" if less else "greater").pvalue if list(own) != list(other) else 1.0
    return f"{np.mean(other):.3f} ({p:.2g})"


def row(name: str, subjects: list[Subject], at_random: list[float], sanity: int) -> str:
    """subjects: the true positives first. at_random: areas under deletion of random maps, of the first cases."""
    positive = [subject for subject in subjects if subject.mask is not None]
    masks = [subject.array("mask") for subject in positive]
    own = [overlap(subject.map, mask) for subject, mask in zip(positive, masks)]
    other = [overlap(subject.map, mask) for subject, mask in zip(positive[1:] + positive[:1], masks)]
    random = [overlap(drawn(subject.array("pixels")), mask) for subject, mask in zip(positive, masks)]
    usable = [subject.map is not None and not map_problem(subject.map) for subject in subjects]
    pairs = [(DELETION.measure(s), r) for s, r, fit in zip(subjects, at_random, usable) if fit]
    some = [subject for subject, fit in zip(subjects, usable) if fit][:sanity]
    left = np.mean([own for own, _ in pairs])
    again = [np.mean([metric.measure(subject) for subject in some]) for metric in AGAIN]
    return (
        f"| {name} | {np.mean(own):.3f} | {over(own, other)} | {over(own, random)} | "
        f"{left:.3f} | {over(*zip(*pairs), less=True)} | {again[0]:.2f} | {again[1]:.2f} |"
    )


def main() -> None:
    restart_keeping_memory()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kinds", nargs="*", default=[*FIVE[:-1], *MORE])
    parser.add_argument("--deletion", type=int, default=30)
    parser.add_argument("--sanity", type=int, default=8)
    options = parser.parse_args()
    models: dict[Need, torch.nn.Module] = {
        "classifier": prepared(load_classifier("demo").module),
        "autoencoder": prepared(load_autoencoder("demo").module),
    }
    cases = []
    for case in sorted(demo_cases(), key=lambda case: not case.positive):
        if not case.positive and len(cases) >= options.deletion:
            break
        phantom = case.draw()
        mask = mask_to_model_frame(phantom.masks[case.pathology]) if case.positive else None
        pixels = Radiograph(phantom.pixels, phantom.depth).model_input()[0]
        cases.append((pixels, mask, PATHOLOGIES.index(case.pathology)))
    print("| kind | IoU | of another case (p) | random (p) | deletion | random (p) | randomised | noise |")
    print("|---|---|---|---|---|---|---|---|")
    plain = [Subject(mask=mask, pixels=x, target=target, models=models) for x, mask, target in cases]
    at_random = [DELETION.measure(blind("random", subject)) for subject in plain[: options.deletion]]
    for name in options.kinds:
        print(row(name, subjects_of(name, cases, models), at_random, options.sanity), flush=True)
    for name in ("edges", "random"):
        print(row(name, [blind(name, subject) for subject in plain], at_random, options.sanity), flush=True)


if __name__ == "__main__":
    main()
