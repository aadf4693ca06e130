"""What measuring explanations takes: 100 steps of deletion on a DenseNet-121, and the demo's cases.

    python -m bench.evaluate [--threads 2] [--batch 8] [--cases 30] [--repeats 3]

The first line compares deletion in batches on the fast copy of the model with the same one image at a time on the model
itself (weights are random: they change no time). The second measures localisation, completeness and faithfulness with
the fill blur of the five kinds of the published study; rendering them is not counted. Processor seconds are of all
threads together and say more on a busy machine.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import replace

import numpy as np
import torch
import torchxrayvision as xrv

from bench._measure import compare, peak_rss_mb, report
from bench.kinds import FIVE
from explain.demo.cases import demo_cases
from explain.demo.phantoms import PATHOLOGIES
from explain.evaluate.faithfulness import deletion_curve
from explain.evaluate.localisation import mask_to_model_frame
from explain.evaluate.metrics import METRICS, Metric, Subject
from explain.evaluate.subjects import Renderer, subject_of
from explain.images.radiograph import Radiograph
from explain.methods.kind import Need
from explain.methods.kinds import KINDS
from explain.models.allocator import restart_keeping_memory
from explain.models.fast import prepared
from explain.models.registry import load_autoencoder, load_classifier

STEPS = 100


def deletion(batch: int, repeats: int) -> None:
    phantom = demo_cases()[0].draw()
    x = Radiograph(phantom.pixels, phantom.depth).model_input()[0]
    model = xrv.models.DenseNet(num_classes=18).eval()
    slow = Subject(map=x, pixels=x, models={"classifier": model}, batch_size=1)
    fast = replace(slow, models={"classifier": prepared(model)}, batch_size=batch)
    before = peak_rss_mb()
    busy = time.process_time()
    deletion_curve(fast, "blur", 1, STEPS)
    busy = time.process_time() - busy
    base, other, ratio = compare(
        lambda: deletion_curve(slow, "blur", 1, STEPS), lambda: deletion_curve(fast, "blur", 1, STEPS), repeats=repeats
    )
    report(
        f"{STEPS} steps of deletion, DenseNet-121", in_batches=other, one_by_one=base, ratio=ratio,
        processor_seconds=busy, memory_mib=peak_rss_mb() - before,
    )  # fmt: skip


def wanted() -> list[Metric]:
    """Localisation, completeness, and faithfulness with the fill blur."""
    return [
        metric
        for metric in METRICS.values()
        if metric.group in ("localisation", "completeness") or metric.parameters.get("fill") == "blur"
    ]


def demo(count: int, batch: int) -> None:
    models: dict[Need, torch.nn.Module] = {
        "classifier": prepared(load_classifier("demo").module),
        "autoencoder": prepared(load_autoencoder("demo").module),
    }
    seconds = processor = 0.0
    values = 0
    for case in demo_cases()[:count]:
        phantom = case.draw()
        pixels = Radiograph(phantom.pixels, phantom.depth).model_input()[0]
        masks = [mask_to_model_frame(mask) for mask in phantom.masks.values()]
        for name in FIVE:
            render = Renderer(KINDS[name], PATHOLOGIES.index(case.pathology), batch_size=batch)
            result = render(pixels[None], models)[0]
            known = {"mask": masks[0]} if case.positive else {"confounder": masks[0]}
            subject = subject_of(result, render, pixels, models, **known)
            start, busy = time.perf_counter(), time.process_time()
            found = [metric.measure(subject) for metric in wanted() if not metric.lacks(subject)]
            seconds, processor = seconds + time.perf_counter() - start, processor + time.process_time() - busy
            assert np.isfinite(found).all()
            values += len(found)
    report(
        f"five kinds of {count} demo cases", values=values, seconds=seconds, processor_seconds=processor,
        memory_mib=peak_rss_mb(),
    )  # fmt: skip


def main() -> None:
    restart_keeping_memory()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--cases", type=int, default=30)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"{options.threads} threads, batches of {options.batch}, load before {os.getloadavg()[0]:.1f}")
    deletion(options.batch, options.repeats)
    demo(options.cases, options.batch)
    print(f"load after {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
