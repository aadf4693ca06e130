"""Integrated gradients: how much faster than a careful notebook, at which agreement with 256 steps. One run, one model.

    python -m bench.integrated_speed [--cases 3] [--threads 2] [--folder FOLDER]

The demo's classifier, or with --folder the DenseNet that `bench.fitted_models` wrote there, explains the demo's true
positives in turn, in each of these ways, so that a machine which slows down slows all:
    reference   Captum on the model as it is loaded, 100 Gauss-Legendre steps, 20 a pass, as in `bench.explain_speed`
    one by one  our function with the same 100 steps, on `explain.models.fast` models, one image a pass
    50, 100     our function with so many steps, 8 images a pass
    settled     `integrate_until_settled`, as many nodes as the image needs
Prints for each way the model, wall and processor seconds a case, how many times fewer than the reference and than
one by one, and the lowest Spearman of its maps with those of 50, 100 and 256 steps.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from captum.attr import IntegratedGradients
from scipy.stats import spearmanr
from torch import Tensor, nn

from bench._measure import report
from explain.demo.cases import demo_cases
from explain.images.radiograph import Radiograph
from explain.methods.gradients import integrate_gradients
from explain.methods.settling import integrate_until_settled
from explain.models.allocator import restart_keeping_memory
from explain.models.fast import prepared
from explain.models.registry import LoadedClassifier, load_classifier

Way = Callable[[Tensor, Tensor], Tensor]
FINER = (50, 100, 256)  # steps of the maps that others are compared with


def model(folder: Path | None) -> LoadedClassifier:
    if folder is None:
        return load_classifier("demo")
    return load_classifier("xrv-densenet121-all", weights=folder / "classifier.safetensors")


def the_ways(loaded: nn.Module, nodes: list[int]) -> dict[str, Way]:
    """Ways to make the map of one image, (1, 1, H, W) and (1,) -> (H, W). nodes: gets what each settled map took."""
    fast, captum = prepared(loaded), IntegratedGradients(loaded.requires_grad_(True))

    def reference(x: Tensor, target: Tensor) -> Tensor:
        options = {"n_steps": 100, "method": "gausslegendre", "internal_batch_size": 20}
        found: Tensor = captum.attribute(x, target=int(target), **options)
        return found.detach()[0, 0].abs()

    def fixed(steps: int, batch: int) -> Way:
        return lambda x, target: integrate_gradients(fast, x, target, steps, batch).maps()[0]

    def settled(x: Tensor, target: Tensor) -> Tensor:
        found = integrate_until_settled(fast, x, target)
        nodes.extend(found.nodes.tolist())
        return found.integral.maps()[0]

    return {
        "reference": reference,
        "one by one": fixed(100, 1),
        "100": fixed(100, 8),
        "50": fixed(50, 8),
        "settled": settled,
    }


def main() -> None:
    restart_keeping_memory()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    loaded = model(options.folder)
    nodes: list[int] = []
    ways = the_ways(loaded.module, nodes)
    exact = prepared(loaded.module)
    wall, processor = dict.fromkeys(ways, 0.0), dict.fromkeys(ways, 0.0)
    agreement: dict[str, list[list[float]]] = {name: [] for name in ways}
    positives = [case for case in demo_cases() if case.positive][: options.cases]
    load = os.getloadavg()[0]
    for number, case in enumerate(positives):
        phantom = case.draw()
        x = torch.from_numpy(Radiograph(phantom.pixels, phantom.depth).model_input())[None]
        target = torch.tensor([loaded.target(case.pathology)])
        finer = [integrate_gradients(exact, x, target, steps).maps()[0].ravel() for steps in FINER]
        for name, way in ways.items():
            if number == 0:
                way(x, target)  # warms up
            start, busy = time.perf_counter(), time.process_time()
            found = way(x, target)
            wall[name] += (time.perf_counter() - start) / len(positives)
            processor[name] += (time.process_time() - busy) / len(positives)
            agreement[name].append([float(spearmanr(found.ravel(), other).statistic) for other in finer])
    for name in ways:
        report(
            f"{loaded.name}, {name}",
            wall=wall[name],
            processor=processor[name],
            times_faster_wall=wall["reference"] / wall[name],
            times_faster_processor=processor["reference"] / processor[name],
            times_faster_than_one_by_one=processor["one by one"] / processor[name],
            **{f"lowest_spearman_{steps}": f"{at:.4f}" for steps, at in zip(FINER, np.min(agreement[name], axis=0))},
        )
    report("settled", nodes=nodes[1:], load_before=load, load_after=os.getloadavg()[0])


if __name__ == "__main__":
    main()
