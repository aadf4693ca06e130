"""Every kind of explanation on the demo's true positives: seconds a case, memory, agreement with the truth.

    python -m bench.kinds [--threads 2] [--batch 8] [--kinds grad_cam path_v2k]

Each kind runs in a process of its own (a fork of one that has loaded models and images), in batches, after one case to
warm up. Processor seconds are of all threads together and say more on a busy machine. Kinds that a study shows together
share their search and their path: the last lines tell what some sets take. Memory is the most a process had over what
it began with. Agreement is the mean IoU with the mask at its own area; of a flow, that of how far each pixel moves.
A constant map counts 0.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bench._measure import peak_rss_mb
from explain.demo.cases import demo_cases
from explain.demo.phantoms import PATHOLOGIES
from explain.evaluate.localisation import iou_at_mask_area, mask_to_model_frame
from explain.images.radiograph import Radiograph
from explain.methods.contract import Result, explained
from explain.methods.kind import Kind, Need, Value
from explain.methods.kinds import KINDS
from explain.models.allocator import restart_keeping_memory
from explain.models.registry import load_autoencoder, load_classifier
from explain.render.usable import map_problem

VARIANTS: tuple[tuple[str, dict[str, Value]], ...] = (
    ("input_gradient", {"samples": 50}),
    ("grad_cam", {"variant": "hirescam"}),
    ("grad_cam", {"variant": "grad-cam++"}),
    ("grad_cam", {"features": "before"}),
    ("iterative_delete", {"variant": "released-code"}),
    ("path_v2k", {"start": "input"}),
)
GRADIENTS = ("input_gradient", "guided_backprop", "integrated_gradients")
FIVE = (*GRADIENTS, "latentshift_map", "latentshift_animation")
TEN = (*FIVE, "path_v1", "path_v2", "path_v2k", "grad_cam", "iterative_delete")
AND_FIVE = "those, v1, v2, v2k, Grad-CAM and iterative delete"
TOGETHER: dict[str, tuple[tuple[str, ...], dict[str, Value]]] = {
    "the first five kinds": (FIVE, {}),
    AND_FIVE: (TEN, {}),
    f"{AND_FIVE}, with as many nodes as each image needs": (TEN, {"steps": 0}),
}


@dataclass(frozen=True)
class Task:
    """What one process computes. x: (N, 1, 224, 224); targets: (N,); masks: (N, 224, 224) bool."""

    x: Tensor
    targets: Tensor
    masks: NDArray[np.bool_]
    models: dict[Need, nn.Module]
    threads: int
    batch: int
    kinds: tuple[str, ...] = ()
    values: dict[str, Value] | None = None


@dataclass(frozen=True)
class Found:
    """seconds, processor: a case, by both clocks. memory: MiB. iou: of each case, of the last kind named."""

    seconds: float
    processor: float
    memory: float
    iou: tuple[float, ...]


def the_cases(threads: int, batch: int) -> Task:
    """The demo's true positives as the classifier sees them, with their masks."""
    x, targets, masks = [], [], []
    for case in demo_cases():
        if case.positive:
            phantom = case.draw()
            x.append(Radiograph(phantom.pixels, phantom.depth).model_input())
            targets.append(PATHOLOGIES.index(case.pathology))
            masks.append(mask_to_model_frame(phantom.masks[case.pathology]))
    models: dict[Need, nn.Module] = {
        "classifier": load_classifier("demo").module,
        "autoencoder": load_autoencoder("demo").module,
    }
    return Task(torch.from_numpy(np.stack(x)), torch.tensor(targets), np.stack(masks), models, threads, batch)


def measure(task: Task) -> Found:
    torch.set_num_threads(task.threads)
    before = peak_rss_mb()
    run(task, task.x[:1], task.targets[:1])
    start, busy = time.perf_counter(), time.process_time()
    results = [
        result
        for x, targets in zip(task.x.split(task.batch), task.targets.split(task.batch))
        for result in run(task, x, targets)
    ]
    seconds = (time.perf_counter() - start) / len(task.x)
    processor = (time.process_time() - busy) / len(task.x)
    iou = [agrees(result, mask) for result, mask in zip(results, task.masks, strict=True)]
    return Found(seconds, processor, peak_rss_mb() - before, tuple(iou))


def run(task: Task, x: Tensor, targets: Tensor) -> Sequence[Result]:
    kinds = [KINDS[name] for name in task.kinds]

    def values(kind: Kind) -> dict[str, Value]:
        return {name: value for name, value in (task.values or {}).items() if name in kind.values({})}

    return explained(kinds, x, targets, task.models, values, task.batch)[task.kinds[-1]].results


def agrees(result: Result, mask: np.ndarray) -> float:
    if result.map is not None:
        values = result.map.numpy()
    else:
        assert result.frames is not None
        values = np.hypot(*result.frames.numpy())
    return 0.0 if map_problem(values) else iou_at_mask_area(values, mask)


def in_a_process(task: Task) -> Found:
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return pool.apply(measure, [task])


def main() -> None:
    restart_keeping_memory()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument(
        "--kinds", nargs="*", default=[name for name, kind in KINDS.items() if "generator" not in kind.needs]
    )
    options = parser.parse_args()
    torch.set_num_threads(1)  # a process that has had several threads cannot be forked
    cases = the_cases(options.threads, options.batch)
    rows = [(name, {}) for name in options.kinds] + [row for row in VARIANTS if row[0] in options.kinds]
    print(f"{options.threads} threads, batches of {options.batch}, load before {os.getloadavg()[0]:.1f}\n")
    print("| kind | seconds a case | processor seconds | memory, MiB | IoU |\n|---|---|---|---|---|")
    agreement: dict[str, tuple[float, ...]] = {}
    for name, values in rows:
        found = in_a_process(replace(cases, kinds=(name,), values=values))
        said = ", ".join(f"{key} {value}" for key, value in values.items())
        title = KINDS[name].title + (f" ({said})" if said else "")
        figures = f"{found.seconds:.2f} | {found.processor:.2f} | {found.memory:.0f} | {np.mean(found.iou):.3f}"
        print(f"| {title} | {figures} |", flush=True)
        agreement.setdefault(name, found.iou)
    print(f"\nload after {os.getloadavg()[0]:.1f}")
    if {"path_v2k", "adversary_difference"} <= set(agreement):
        pairs = list(zip(agreement["path_v2k"], agreement["adversary_difference"]))
        print(f"v2k is higher than the plain difference in {sum(a > b for a, b in pairs)} of {len(pairs)} cases")
    for title, (names, values) in TOGETHER.items():
        if set(names) <= set(options.kinds):
            found = in_a_process(replace(cases, kinds=names, values=values))
            print(f"{title}, together: {found.seconds:.2f} s a case, of the processor {found.processor:.2f}")


if __name__ == "__main__":
    main()
