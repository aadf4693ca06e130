"""Tests that every kind and every metric must pass, for packages outside as for our own. Needs torch.

    from explain.testing import check_kind
    check_kind(KIND)

Each raises AssertionError with a sentence that says which rule is broken.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from explain.evaluate.metrics import Metric, Subject
from explain.evaluate.subjects import Renderer
from explain.methods.contract import Result, explained
from explain.methods.kind import Kind, Need, Value
from explain.methods.kinds import KINDS

TOLERANCE = 1e-4  # of a map's largest value: rounding differs with the size of a batch


class TinyClassifier(nn.Module):
    """Five probabilities of images of any size from 16 pixels a side; has what makes explaining hard.

    Batch normalisation and dropout (which mix or change examples in training mode), ReLUs as modules, in place too, and
    a last one called as a function, as in TorchXRayVision's DenseNet.
    """

    pathologies = ("One", "Two", "Three", "Four", "Five")

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 8, 5, stride=2, padding=2), nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.Dropout(0.5),
            nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8),
        )  # fmt: skip
        self.classifier = nn.Linear(8, len(self.pathologies))

    def forward(self, x: Tensor) -> Tensor:
        features = F.relu(self.features(x / 1024), inplace=True)
        return torch.sigmoid(4 * self.classifier(features.mean((2, 3))))


class TinyAutoencoder(nn.Module):
    """Keeps a quarter of each side, nearly."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def encode(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(x, 4) / 1024 * self.scale

    def decode(self, z: Tensor, size: tuple[int, int]) -> Tensor:
        return F.interpolate(z * 1024 / self.scale, size=size, mode="bilinear", align_corners=False)


class TinyGenerator(nn.Module):
    """Adds a smoothed picture of what is bright; has batch normalisation, which mixes examples in training mode."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        added: Tensor = 1024 * self.layers(x / 1024)
        return added


def tiny_models(dtype: torch.dtype = torch.float32) -> dict[Need, nn.Module]:
    """A seeded classifier, autoencoder and map generator in evaluation mode, small enough for a test."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        classifier = TinyClassifier().train()
        with torch.no_grad():
            for seed in range(4):
                classifier(images(4, seed=seed))  # settles the batch normalisations
        generator = TinyGenerator()
    made: dict[Need, nn.Module] = {
        "classifier": classifier, "autoencoder": TinyAutoencoder(), "generator": generator
    }  # fmt: skip
    return {need: model.eval().to(dtype) for need, model in made.items()}


def images(count: int, size: int = 32, seed: int = 0) -> Tensor:
    """Smooth seeded images, float32 (count, 1, size, size) in [-1024, 1024]."""
    coarse = torch.randn(count, 1, 8, 8, generator=torch.Generator().manual_seed(seed))
    return F.interpolate(coarse, (size, size), mode="bilinear").tanh() * 1024


def check_kind(
    kind: Kind,
    models: Mapping[Need, nn.Module] | None = None,
    *,
    size: int = 32,
    dtype: torch.dtype = torch.float32,
    device: str = "cpu",
    tolerance: float = TOLERANCE,
) -> None:
    """All that the contract asks of a kind: see the assertions below. Each choice of its parameters is tried
    on a batch and on single images, the rest with the defaults.

    models: instead of `tiny_models`. size: pixels a side of the images. dtype: of images and models; a kind that
    iterates may need float64 to give the same for a batch and for single images. Raises AssertionError, and ValueError
    for results that are refused wherever the kind is computed (explain.methods.contract.checked_results).
    """
    models = {need: model.to(device) for need, model in (models or tiny_models(dtype)).items()}
    x, targets = images(3, size).to(device, dtype), torch.tensor([1, 0, 1], device=device)
    usual = _run(kind, x, targets, models)
    again = _run(kind, x, targets, models)
    _require(_apart(usual, again) <= tolerance, f"{kind.name} gives something else the second time")
    for values in _settings(kind):
        batch = _run(kind, x, targets, models, values) if values else usual
        _check_results(kind, batch, x)
        single = [_run(kind, x[i : i + 1], targets[i : i + 1], models, values)[0] for i in range(len(x))]
        _require(
            _apart(batch, single) <= tolerance,
            f"{kind.name} of a batch is not that of single images (apart by {_apart(batch, single):.1e})",
        )
    _check_left_as_found(kind, x, targets, models, usual, tolerance)
    _check_one_bad_image(kind, x, targets, models, usual, tolerance)


def _check_results(kind: Kind, results: Sequence[Result], x: Tensor) -> None:
    for result in results:
        _require(result.signed is None or kind.signed, f"{kind.name} gives a signed map: declare it signed=True")
        for what, tensor in (("map", result.map), ("frames", result.frames), ("signed", result.signed)):
            if tensor is None:
                continue
            _require(tensor.dtype == x.dtype, f"{kind.name}: {what} is {tensor.dtype}, the images are {x.dtype}")
            _require(tensor.device == x.device, f"{kind.name}: {what} is on {tensor.device}, not on {x.device}")
            _require(not tensor.requires_grad, f"{kind.name}: {what} hangs on a graph: detach it")
            _require(bool(torch.isfinite(tensor).all()), f"{kind.name}: {what} is not finite")
        if kind.shows == "still" and result.map is not None:
            _require(
                bool((result.map >= 0).all()), f"{kind.name}: a map has negative values; the page shows the highest"
            )


def _check_left_as_found(
    kind: Kind, x: Tensor, targets: Tensor, models: Mapping[Need, nn.Module], usual: Sequence[Result], near: float
) -> None:
    """Models in training mode, one parameter frozen: used in evaluation mode, and left exactly so."""
    trained: dict[Need, nn.Module] = {need: copy.deepcopy(model).train() for need, model in models.items()}
    for model in trained.values():
        for parameter in itertools.islice(model.parameters(), 1):
            parameter.requires_grad_(False)
    before, given, drawn = _states(trained), (x.clone(), targets.clone()), torch.random.get_rng_state()
    with torch.inference_mode():
        made = _run(kind, x, targets, trained)
    _require(_states(trained) == before, f"{kind.name} leaves a model changed")
    _require(torch.equal(x, given[0]) and torch.equal(targets, given[1]), f"{kind.name} changes its input")
    _require(torch.equal(torch.random.get_rng_state(), drawn), f"{kind.name} draws from torch's global generator")
    _require(_apart(made, usual) <= near, f"{kind.name} does not put models into evaluation mode")
    try:
        _run(kind, x, torch.full_like(targets, 10_000), trained)
    except Exception:
        _require(_states(trained) == before, f"{kind.name} leaves a model changed when it fails")
    else:
        raise AssertionError(f"{kind.name} explains an output that the classifier does not have")


def _check_one_bad_image(
    kind: Kind, x: Tensor, targets: Tensor, models: Mapping[Need, nn.Module], usual: Sequence[Result], near: float
) -> None:
    spoiled = x.clone()
    spoiled[1, 0, 3, 3] = torch.nan
    kept = [result for index, result in enumerate(_run(kind, spoiled, targets, models)) if index != 1]
    good = [result for index, result in enumerate(usual) if index != 1]
    _require(_apart(kept, good) <= near, f"{kind.name}: an image that is not finite disturbs the others of its batch")


def _settings(kind: Kind) -> list[dict[str, Value]]:
    """The defaults, and each other choice of each parameter by itself."""
    others: list[dict[str, Value]] = []
    for parameter in kind.parameters:
        values: list[Value] = [word for word, _ in parameter.choices]
        if isinstance(parameter.default, bool):
            values = [False, True]
        others += [{parameter.name: value} for value in values if value != parameter.default]
    return [{}, *others]


def _run(
    kind: Kind, x: Tensor, targets: Tensor, models: Mapping[Need, nn.Module], values: Mapping[str, Value] | None = None
) -> Sequence[Result]:
    return explained([kind], x, targets, models, lambda _: values or {}, batch_size=4)[kind.name].results


def _apart(one: Sequence[Result], other: Sequence[Result]) -> float:
    """Largest difference of maps, frames and records: see `_values_apart`."""
    return max(
        _values_apart(mine, theirs)
        for a, b in zip(one, other, strict=True)
        for mine, theirs in ((a.map, b.map), (a.frames, b.frames), (a.signed, b.signed), (a.record, b.record))
    )


def _values_apart(mine: object, theirs: object) -> float:
    """Of a map, over its largest value; of recorded numbers, over the largest of the number or list, or 1, as most are
    probabilities and their differences. What is no number is the same or infinitely far apart."""
    if isinstance(mine, Mapping) and isinstance(theirs, Mapping) and mine.keys() == theirs.keys():
        return max((_values_apart(mine[key], theirs[key]) for key in mine), default=0.0)
    try:
        one, other = (torch.as_tensor(value, dtype=torch.float64) for value in (mine, theirs))
    except (TypeError, ValueError, RuntimeError, OverflowError):  # words, nothing, or lists of other than numbers
        if isinstance(mine, list | tuple) and isinstance(theirs, list | tuple) and len(mine) == len(theirs):
            return max((_values_apart(a, b) for a, b in zip(mine, theirs)), default=0.0)
        return 0.0 if mine == theirs else float("inf")
    if one.shape != other.shape or not one.numel():
        return 0.0 if one.shape == other.shape else float("inf")
    largest = float(other.abs().max())
    apart = float((one - other).abs().max()) / ((largest or 1.0) if isinstance(theirs, Tensor) else max(largest, 1.0))
    return apart if apart == apart else float("inf")


def _states(models: Mapping[Need, nn.Module]) -> list[object]:
    """Everything that an explanation must leave as it was found."""
    found: list[object] = []
    for model in models.values():
        for module in model.modules():
            hooks = (module._forward_pre_hooks, module._forward_hooks, module._backward_hooks)
            found += [module.training, getattr(module, "inplace", None), module.__dict__.get("forward")]
            found += [len(each) for each in hooks]
        for parameter in model.parameters():
            found += [parameter.requires_grad, parameter.grad is None, parameter.detach().double().sum().item()]
        found += [buffer.double().sum().item() for buffer in model.buffers()]
    return found


def check_metric(metric: Metric, subjects: Sequence[Subject] | None = None) -> None:
    """All that is asked of a metric: finite, repeatable, leaves what it is given, and better where it should be.

    subjects: instead of seeded ones, which have what a metric may need, on the tiny models. A metric that needs the
    mask must call a map that is the mask itself better than its opposite; a subject that lacks what is needed must be
    refused with ValueError. Raises AssertionError.
    """
    for subject in subjects or seeded_subjects():
        before = copy.deepcopy((subject.map, subject.mask, subject.frames, subject.pixels))
        states = _states(subject.models)
        try:
            value = metric.measure(subject)
        except ValueError as error:
            raise AssertionError(f"{metric.name} cannot measure a subject that has all it needs: {error}") from error
        _require(metric.measure(subject) == value, f"{metric.name} gives something else the second time")
        after = (subject.map, subject.mask, subject.frames, subject.pixels)
        same = all(np.array_equal(a, b) for a, b in zip(before, after) if a is not None and b is not None)
        _require(same, f"{metric.name} changes its input")
        _require(_states(subject.models) == states, f"{metric.name} leaves a model changed")
    if "mask" in metric.needs and "map" in metric.needs and subjects is None:
        for subject in seeded_subjects():
            right, wrong = (metric.measure(_with_map(subject, turned)) for turned in (1.0, -1.0))
            better = right > wrong if metric.better == "higher" else right < wrong
            _require(better, f"{metric.name} calls a map of the mask {right:g} and its opposite {wrong:g}")
    if metric.needs:
        try:
            metric.measure(Subject())
        except ValueError:
            return
        raise AssertionError(f"{metric.name} measures a subject that has nothing it needs")


def seeded_subjects(count: int = 3, size: int = 32) -> list[Subject]:
    """Subjects that have all that a metric may need, on the tiny models, explained by input gradients."""
    models, x = tiny_models(), images(count, size)
    quick = next(kind for kind in KINDS.values() if kind.needs == ("classifier",))
    made = []
    for index in range(count):
        draw = np.random.default_rng(index)
        mask = np.zeros((size, size), bool)
        mask[4 + index : 14, 6 : 16 + index] = True
        confounder = np.zeros((size, size), bool)
        confounder[18:26, 16 + index : 28] = True
        frames = draw.random((5, size, size), np.float32)
        subject = Subject(draw.random((size, size), np.float32), mask, frames, x[index, 0].numpy(), index, models)
        signed = draw.standard_normal((size, size)).astype(np.float32)
        render = Renderer(quick, index)
        made.append(replace(subject, signed=signed, confounder=confounder, render=render, record=dict(_RECORD)))
    return made


# Keys that kinds keep (explain.methods).
_RECORD = {
    "lambdas": [-2.0, -1.0, 0.0, 1.0, 2.0], "predictions": [0.1, 0.3, 0.5, 0.7, 0.9],
    "completeness_gap": 0.01, "prediction_input": 0.8, "prediction_baseline": 0.3,
}  # fmt: skip


def _with_map(subject: Subject, sign: float) -> Subject:
    """The same with the mask as its map, or turned round: a little noise breaks ties."""
    noise = np.random.default_rng(9).random(np.asarray(subject.mask).shape) / 100
    values = (sign * (np.asarray(subject.mask) - 0.5 + noise) + 1).astype(np.float32)
    return replace(subject, map=values)


def _require(condition: bool, otherwise: str) -> None:
    if not condition:
        raise AssertionError(otherwise)
