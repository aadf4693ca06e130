"""Speed of both methods' explanations on CPU, against going image by image through Captum and matplotlib.

    python -m bench.explain_speed [--cases 2] [--threads 2] [--steps 100] [--repeats 1] [--folder FOLDER]

TorchXRayVision's DenseNet-121 and ResNet-101 autoencoder explain phantoms, with seeded weights that were fitted for a
few minutes (`bench.fitted_models`; latent code scaled so that the released code's walk over lambda takes about as many
steps as with real weights). Four ways, each in processes of its own, in turn:
    reference   a careful notebook: one image at a time, the models as they are loaded; Captum with its defaults
                (integrated gradients with 100 Gauss-Legendre steps, 20 images a pass to bound memory); lambdas and
                frames one by one by the released code's rules, without gradients; one matplotlib figure of 600 px a
                panel, saved as PNG: four maps and each frame, the frames joined to a GIF. No settings of the memory
                allocator.
    same        our functions on `explain.models.fast` models in the environment of `models.allocator`, as
                `precompute` has them;
                same settings               aim: 3 times faster, Spearman with the reference at least 0.999
    default     the same with our defaults  aim: 5 times faster, Spearman at least 0.99 (integrated gradients)
    settled     the same with as many nodes of integrated gradients as each image needs (steps 0)
Prints wall and processor seconds a case for each stage (the least of the repeats), GFLOP/s beside a matrix product's,
peak memory, Spearman of the maps. Loading models is in no figure; preparing ours is. Where other programs run too, wall
seconds say little: compare processor seconds. Fewer --steps make a shorter run, with half as many for default.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from bench._measure import peak_rss_mb, report
from bench.fitted_models import ScaledLatent
from explain.demo.phantoms import draw
from explain.images.radiograph import Radiograph
from explain.methods.gradients import input_gradients, integrated_gradients
from explain.methods.guided import guided_backprop
from explain.methods.latent_shift import LambdaSearch, latent_shift
from explain.methods.settling import integrate_until_settled
from explain.models import allocator
from explain.models.fast import prepared
from explain.models.registry import load_autoencoder, load_classifier
from explain.render import pictures as render

MAPS = ("input_gradient", "guided_backprop", "integrated_gradients", "latentshift_map")
WAYS, CLOCKS = ("reference", "same", "default", "settled"), ("wall", "processor")
Stages = dict[str, float]


def cases(count: int) -> tuple[list[Radiograph], Tensor, Tensor]:
    radiographs = [Radiograph(draw(seed, findings=["Effusion"]).pixels) for seed in range(count)]
    x = torch.stack([torch.from_numpy(radiograph.model_input()) for radiograph in radiographs])
    return radiographs, x, torch.tensor([(7, 10, 0, 16)[n % 4] for n in range(count)])


class Stopwatch:
    """Wall and processor seconds of named stages."""

    def __init__(self) -> None:
        self.wall: Stages = {}
        self.processor: Stages = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        wall, processor = time.perf_counter(), time.process_time()
        yield
        self.wall[stage] = self.wall.get(stage, 0.0) + time.perf_counter() - wall
        self.processor[stage] = self.processor.get(stage, 0.0) + time.process_time() - processor


def ours(classifier: nn.Module, autoencoder: nn.Module, count: int, preset: str, steps: int) -> tuple[Stopwatch, dict]:
    """steps: of integrated gradients; 0 for as many nodes as each image needs."""
    radiographs, x, targets = cases(count)
    nodes = torch.full((count,), steps)
    watch = Stopwatch()
    with watch("prepare models"):
        classifier, autoencoder = prepared(classifier), prepared(autoencoder)
    with watch("input gradients"):
        maps = {"input_gradient": input_gradients(classifier, x, targets)}
    with watch("guided backprop"):
        maps["guided_backprop"] = guided_backprop(classifier, x, targets)
    with watch("integrated gradients"):
        if steps:
            maps["integrated_gradients"] = integrated_gradients(classifier, x, targets, steps=steps)
        else:
            found = integrate_until_settled(classifier, x, targets)
            maps["integrated_gradients"], nodes = found.integral.maps(), found.nodes
    with watch("latent shift"):
        shift = latent_shift(classifier, autoencoder, x, targets, LambdaSearch.preset(preset))
        maps["latentshift_map"] = shift.max_map()
    with watch("render"):
        for n, radiograph in enumerate(radiographs):
            for values in maps.values():
                render.heat_layer(values[n].numpy())
                render.overlay(radiograph, values[n].numpy())
            frames = render.frames_to_grey(shift.frames[n].numpy())
            render.animation_gif(render.boomerang(frames))
            render.frame_strip(frames)
    return watch, {name: values.numpy() for name, values in maps.items()} | {
        "evaluations": np.array([e + len(f) for e, f in zip(shift.evaluations, shift.frames)]),
        "nodes": nodes.numpy(),
    }


def reference(classifier: nn.Module, autoencoder: nn.Module, count: int, steps: int) -> tuple[Stopwatch, dict]:
    """Image by image, as a script would; evaluated without gradients where none are needed."""
    from captum.attr import GuidedBackprop, IntegratedGradients, Saliency

    warnings.simplefilter("ignore")
    classifier.requires_grad_(True)  # as a model is after loading
    autoencoder.requires_grad_(True)
    radiographs, xs, targets = cases(count)
    watch = Stopwatch()
    kept: dict[str, list[np.ndarray]] = {name: [] for name in (*MAPS, "evaluations", "nodes")}
    for n, radiograph in enumerate(radiographs):
        x, target = xs[n : n + 1].requires_grad_(), int(targets[n])
        with watch("input gradients"):
            maps = [Saliency(classifier).attribute(x, target=target)]
        with watch("guided backprop"):
            maps.append(GuidedBackprop(classifier).attribute(x, target=target))
        with watch("integrated gradients"):
            maps.append(
                IntegratedGradients(classifier).attribute(
                    x, target=target, n_steps=steps, method="gausslegendre", internal_batch_size=20
                )
            )
        with watch("latent shift"):
            pictures, evaluations = _walk(classifier, autoencoder, x.detach(), target)
        shown = [values[0, 0].detach().abs().numpy() for values in maps]
        shown.append(np.abs(pictures[0] - pictures[1]))
        with watch("render"):
            _figures(radiograph, shown, pictures[1:])
        for name, values in zip(MAPS, shown):
            kept[name].append(values)
        kept["evaluations"].append(np.array(evaluations))
        kept["nodes"].append(np.array(steps))
    return watch, {name: np.stack(values) for name, values in kept.items()}


def _walk(classifier: nn.Module, autoencoder: nn.Module, x: Tensor, target: int) -> tuple[np.ndarray, int]:
    """The released code's search, lambda by lambda: x'_0 and then the frames; evaluations."""

    def score(image: Tensor) -> Tensor:
        return torch.sigmoid(classifier(image))[0, target]

    z = autoencoder.encode(x).detach().requires_grad_()
    start = autoencoder.decode(z, (224, 224))
    first = score(start)
    (g,) = torch.autograd.grad(first, z)
    evaluations = 0
    with torch.no_grad():
        previous, value = first.item(), 0
        while value > -1000:
            value -= 1 if value > -10 else 10
            now = score(autoencoder.decode(z + value * g, (224, 224))).item()
            evaluations += 1
            if now > previous or first.item() - now > 0.15:
                break
            previous = now
        images = [start.detach()]
        for at in np.arange(value, 0, abs(value) / 10):
            images.append(autoencoder.decode(z + at * g, (224, 224)))
            score(images[-1])
            evaluations += 1
    return torch.cat(images)[:, 0].numpy(), evaluations


def _figures(radiograph: Radiograph, maps: list[np.ndarray], frames: np.ndarray) -> None:
    import io

    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt
    from PIL import Image

    def figure(draw_on: Callable[[object], None]) -> Image.Image:
        figure, axes = plt.subplots(figsize=(6, 6), dpi=100)
        draw_on(axes)
        axes.axis("off")
        file = io.BytesIO()
        figure.savefig(file, bbox_inches="tight", pad_inches=0)
        plt.close(figure)
        return Image.open(file).convert("L")

    for values in maps:
        top = np.where(values > np.percentile(values, 95), values, np.nan)
        figure(lambda axes, top=top: (axes.imshow(radiograph.model_input()[0], cmap="gray"),
                                      axes.imshow(top, cmap="Reds", alpha=0.8)))  # fmt: skip
    pictures = [figure(lambda axes, f=f: axes.imshow(f, cmap="gray", vmin=-1024, vmax=1024)) for f in frames]
    pictures[0].save(io.BytesIO(), "GIF", save_all=True, append_images=pictures[1:], duration=100, loop=0)


def work_gflop(classifier: nn.Module, autoencoder: nn.Module, x: Tensor) -> dict[str, float]:
    """GFLOP of the parts, counted (two per multiply-add)."""

    def counted(work: Callable[[], object]) -> float:
        with FlopCounterMode(display=False) as counter:
            work()
        return counter.get_total_flops() / 1e9

    with torch.no_grad():
        z = autoencoder.encode(x[:1])
        parts = {
            "encode": counted(lambda: autoencoder.encode(x[:1])),
            "decode": counted(lambda: autoencoder.decode(z, (224, 224))),
            "forward": counted(lambda: classifier(x[:1])),
        }
    # the gradient of the input alone is as much work again (the counter cannot follow `autograd.grad`)
    return parts | {"gradient": 2 * parts["forward"]}


def matmul_gflops(size: int = 2048) -> float:
    """GFLOP in a processor second of a matrix product, the best of a few."""
    a, best = torch.randn(size, size), 0.0
    for _ in range(6):
        started = time.process_time()
        a @ a
        best = max(best, 2 * size**3 / (time.process_time() - started) / 1e9)
    return best


def part(name: str, folder: Path, turn: int, count: int, steps: int) -> None:
    """One run in this process: maps to a .npz, figures to a .json."""
    classifier = load_classifier("xrv-densenet121-all", weights=folder / "classifier.safetensors").module
    autoencoder = load_autoencoder("xrv-resnetae-101-elastic", weights=folder / "autoencoder.safetensors").module
    autoencoder = ScaledLatent(autoencoder, float((folder / "latent_scale").read_text()))
    gflop = work_gflop(classifier, autoencoder, cases(1)[1])  # also the warm-up
    ceiling = matmul_gflops()
    if name == "reference":
        watch, kept = reference(classifier, autoencoder, count, steps)
    else:
        preset = "released-code" if name == "same" else "default"
        watch, kept = ours(
            classifier, autoencoder, count, preset, {"same": steps, "default": steps // 2, "settled": 0}[name]
        )
    step = gflop["decode"] + gflop["forward"]
    work = {
        "input gradients": gflop["gradient"],
        "guided backprop": gflop["gradient"],
        "integrated gradients": float(kept["nodes"].mean()) * gflop["gradient"],
        "latent shift": gflop["encode"] + step * (2 + float(kept["evaluations"].mean())),
    }
    np.savez(folder / f"{name}.npz", **kept)
    figures = {
        "wall": {stage: value / count for stage, value in watch.wall.items()},
        "processor": {stage: value / count for stage, value in watch.processor.items()},
        "gflops": {stage: work[stage] * count / watch.processor[stage] for stage in work},
        "ceiling": max(ceiling, matmul_gflops()),
        "peak_mb": peak_rss_mb(),
    }
    (folder / f"{name}-{turn}.json").write_text(json.dumps(figures))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=100, help="integrated gradients' steps (default 100)")
    parser.add_argument("--repeats", type=int, default=1, help="how often each way is run, in turn")
    parser.add_argument("--part", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help="with the models of bench.fitted_models (default: fit them now)")
    parser.add_argument("--turn", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.part:
        part(options.part, options.folder, options.turn, options.cases, options.steps)
        return
    if options.folder:
        compare(options.folder, options)
        return
    with TemporaryDirectory() as name:
        fit = [sys.executable, "-m", "bench.fitted_models", "--folder", name]
        subprocess.run(fit, check=True, env=allocator.environment())
        compare(Path(name), options)


def compare(folder: Path, options: argparse.Namespace) -> None:
    """Run each way in processes of its own, in turn, and print what they found."""
    for turn in range(options.repeats):
        for which in WAYS:
            command = [sys.executable, "-m", "bench.explain_speed", "--part", which, "--folder", str(folder)]
            command += ["--turn", str(turn), "--cases", str(options.cases)]
            command += ["--threads", str(options.threads), "--steps", str(options.steps)]
            environment = dict(os.environ) if which == "reference" else allocator.environment()
            load = os.getloadavg()[0]
            subprocess.run(command, check=True, env=environment)
            report(f"{which}, run {turn + 1} done", load_before=load)
    summarise(folder, options.repeats)


def least(folder: Path, name: str, repeats: int) -> dict[str, Any]:
    """The figures of a way's runs in one: of seconds the least of each stage, of speeds and memory the most."""
    runs = [json.loads((folder / f"{name}-{turn}.json").read_text()) for turn in range(repeats)]
    seconds = {clock: {stage: min(run[clock][stage] for run in runs) for stage in runs[0][clock]} for clock in CLOCKS}
    speeds = {stage: max(run["gflops"][stage] for run in runs) for stage in runs[0]["gflops"]}
    most = {key: max(run[key] for run in runs) for key in ("ceiling", "peak_mb")}
    return seconds | {"gflops": speeds} | most


def summarise(folder: Path, repeats: int) -> None:
    figures = {name: least(folder, name, repeats) for name in WAYS}
    maps = {name: np.load(folder / f"{name}.npz") for name in figures}
    for name, found in figures.items():
        for clock in CLOCKS:
            report(f"{name}, {clock} seconds a case", total=sum(found[clock].values()), **found[clock])
        report(f"{name}, GFLOP in a processor second", matrix_product=found["ceiling"], **found["gflops"])
        evaluations = maps[name]["evaluations"].tolist()
        nodes = maps[name]["nodes"].tolist()
        report(f"{name}", peak_memory_MiB=found["peak_mb"], evaluations_and_frames=evaluations, nodes=nodes)
    for name in WAYS[1:]:
        agreement = {
            kind: min(
                spearmanr(a.ravel(), b.ravel()).statistic for a, b in zip(maps[name][kind], maps["reference"][kind])
            )
            for kind in MAPS
        }
        for clock in CLOCKS:
            ratio = sum(figures["reference"][clock].values()) / sum(figures[name][clock].values())
            report(f"{name} against reference", clock=clock, times_faster=ratio)
        report(f"{name} against reference, lowest Spearman", **{k: f"{v:.6f}" for k, v in agreement.items()})


if __name__ == "__main__":
    main()
