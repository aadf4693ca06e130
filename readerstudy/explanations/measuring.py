"""The unit of work of evaluate: (evidence, models) -> a figure, or a sentence, for each metric. No Django (units.py).

Torch is imported inside functions only, and not at all for metrics that need no model.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.errors import said
from explain.evaluate.metrics import METRICS, Evidence, Metric, Subject
from explain.methods.kind import Need
from explain.methods.kinds import KINDS
from readerstudy.explanations.batch_size import BatchSize
from readerstudy.explanations.inference import Done, Failed, Inference
from readerstudy.explanations.model_loading import (
    Loaded,
    ModelNames,
    ModelsUnavailable,
    choose_device,
    held,
    hold,
    load,
    load_autoencoder,
)

if TYPE_CHECKING:
    from torch import nn

    from explain.models.generators import LoadedGenerator
    from explain.models.registry import LoadedAutoencoder, LoadedClassifier

MODELS: tuple[Evidence, ...] = ("classifier", "autoencoder", "generator")
COMPUTED: tuple[Evidence, ...] = ("render", "signed")  # what computing the explanation again gives
MANY, SLOW = 16, 1  # explanations between two writes of one process: without models, and with. A unit has MANY at most.


@dataclass(frozen=True)
class Read:
    """Evidence of one explanation: arrays as explain.evaluate.metric.Subject has them; why others cannot be read."""

    arrays: dict[Evidence, np.ndarray]
    problems: dict[Evidence, str]


@dataclass(frozen=True)
class Asked:
    """An item: metrics, by name, of one explanation. number: who asks knows it by that. prediction: explained by it."""

    number: int
    prediction: int
    metrics: tuple[str, ...]


@dataclass(frozen=True)
class Sent:
    """What is sent of an explanation. weights_sha256: of the classifier that made it or its prediction, or ""."""

    prediction: int
    pathology: str
    kind: str
    parameters: Mapping[str, Any]
    record: Mapping[str, Any]
    weights_sha256: str
    autoencoder_sha256: str
    generator_sha256: str
    read: Read


@dataclass(frozen=True)
class Taken:
    """One metric of one explanation: a finite value, or None and the error."""

    value: float | None
    error: str
    seconds: float


@dataclass(frozen=True)
class Values:
    """What was taken of one explanation, by metric, and on which device."""

    taken: dict[str, Taken]
    device: str


@dataclass(frozen=True)
class Measuring:
    """names: of the models, with their hashes; None where no metric needs any. without: why there is no autoencoder
    although metrics need one, as a sentence; these metrics are left out."""

    names: ModelNames | None = None
    without: str = ""

    def over(
        self, items: Sequence[Asked], load: Callable[[Asked], Sent]
    ) -> Iterator[list[Done[Asked, Values] | Failed[Asked]]]:
        bench = Bench.of(held(self.names), self.without) if self.names else Bench()
        loop = Inference[Asked, tuple[Asked, Sent], Values](
            lambda asked: (asked, load(asked)),
            lambda inputs: [Values(measure(sent, asked.metrics, bench), bench.name) for asked, sent in inputs],
            BatchSize(self.size, self.size, settled=True),
        )
        return loop.run(items)

    def alike(self, item: Asked) -> int | None:
        """With models a unit is of one prediction, whose explanations share what depends on the image alone."""
        return item.prediction if self.names else None

    @property
    def size(self) -> int:
        return SLOW if self.names else MANY

    def takes(self, metric: Metric) -> bool:
        """Whether the metric can be measured with these models."""
        return not (self.without and "autoencoder" in metric.needs)


@dataclass(frozen=True)
class FoundModels:
    """What a worker says of models it has loaded to measure with. name: the device in words."""

    work: Measuring = Measuring()
    device: str = ""
    name: str = f"cpu {platform.machine()}"


@dataclass(frozen=True)
class Bench:
    """What explanations are measured with in this process: nothing, or models on a device."""

    name: str = f"cpu {platform.machine()}"
    classifier: LoadedClassifier | None = None
    autoencoder: LoadedAutoencoder | None = None
    models: Mapping[Need, nn.Module] = field(default_factory=dict)
    without: str = ""
    generator: LoadedGenerator | None = None
    _seen: dict[int, dict[Hashable, Any]] = field(default_factory=dict)

    def of_image(self, prediction: int) -> dict[Hashable, Any]:
        """What metrics share between the explanations of one prediction; forgotten when the next one comes."""
        if prediction not in self._seen:
            self._seen.clear()
        return self._seen.setdefault(prediction, {})

    @classmethod
    def of(cls, loaded: Loaded, without: str) -> Bench:
        models: dict[Need, nn.Module] = {"classifier": loaded.classifier.module}
        if loaded.autoencoder:
            models["autoencoder"] = loaded.autoencoder.module
        if loaded.generator:
            models["generator"] = loaded.generator.module
        return cls(loaded.device_name, loaded.classifier, loaded.autoencoder, models, without, loaded.generator)

    def unfit(self, of: Sent) -> str:
        """Why these models say nothing of an explanation, as a sentence; "" where they do."""
        if self.classifier and of.weights_sha256 not in ("", self.classifier.weights_sha256):
            return f"it was made with other weights than {self.classifier.weights_file}"
        if self.autoencoder and of.autoencoder_sha256 not in ("", self.autoencoder.weights_sha256):
            return f"it was made with another autoencoder than {self.autoencoder.name}"
        if self.generator and of.generator_sha256 not in ("", self.generator.weights_sha256):
            return f"it was made with another map generator than {self.generator.name}"
        return ""


def find_models(names: ModelNames) -> FoundModels:
    """Load the models that `names` names, and say what they are.

    Raises ModelsUnavailable, but not for an autoencoder that is missing and was not asked for.
    """
    loaded, without = load(replace(names, autoencoder=None)), ""
    if names.autoencoder:
        loaded, without = _with_autoencoder(loaded, names)
    known = hold(names if loaded.autoencoder else replace(names, autoencoder=None), loaded)
    return FoundModels(Measuring(known, without), loaded.device, loaded.device_name)


def seconds_per_pass(names: ModelNames) -> float:
    """Of the classifier, tried with a batch of plain grey. The first try warms up."""
    import torch

    loaded = held(names)
    x = torch.zeros((8, 1, 224, 224), device=loaded.device)
    with torch.inference_mode():
        loaded.classifier.module(x)
        start = perf_counter()
        loaded.classifier.module(x).cpu()
    return (perf_counter() - start) / len(x)


def autoencoder_sha256(names: ModelNames) -> str:
    """Hash of the autoencoder that is named. Raises ModelsUnavailable."""
    return load_autoencoder(names, "", choose_device("cpu")).weights_sha256


def _with_autoencoder(loaded: Loaded, names: ModelNames) -> tuple[Loaded, str]:
    """With the autoencoder that is named, or with the classifier's own if it is here; or why not, as a sentence."""
    named, own = names.autoencoder, loaded.classifier.autoencoder or ""
    asked = bool(named and (named.name or named.weights))
    if not (asked or own):
        return loaded, (
            f"{loaded.classifier.name} has no autoencoder of its own, so measures that need one are left out; name one "
            "with --autoencoder."
        )
    try:
        return replace(loaded, autoencoder=load_autoencoder(names, own, loaded.device)), ""
    except ModelsUnavailable as error:
        if asked:
            raise
        return loaded, f"Measures that need the autoencoder {own} are left out. {error}"


def measure(of: Sent, names: Sequence[str], bench: Bench) -> dict[str, Taken]:
    """Each metric by name. One that cannot be measured says why and disturbs no other.

    A metric is left out that these models are not enough for, and one where only computing the explanation shows that
    its kind does not give what it takes: a sign.
    """
    metrics = [METRICS[name] for name in names if Measuring(without=bench.without).takes(METRICS[name])]
    subject, without_models = _subject(of, metrics, bench)
    return {
        metric.name: _measured(metric, subject, of.read, without_models)
        for metric in metrics
        if without_models or subject.signed is not None or "signed" not in metric.needs
    }


def _measured(metric: Metric, subject: Subject, evidence: Read, without_models: str) -> Taken:
    start = perf_counter()
    problems = [evidence.problems[need] for need in metric.needs if need in evidence.problems]
    if without_models and set(metric.needs) & {*MODELS, *COMPUTED}:
        problems.append(without_models)
    if problems:
        return Taken(None, "; ".join(dict.fromkeys(problems)), 0.0)
    try:
        return Taken(metric.measure(subject), "", perf_counter() - start)
    except Exception as error:  # a package's metric may fail in any way; what it said is kept with the explanation
        return Taken(None, said(error), perf_counter() - start)


def _subject(of: Sent, metrics: Sequence[Metric], bench: Bench) -> tuple[Subject, str]:
    """What is measured, and why it comes without models where it should have them, as a sentence."""
    arrays: dict[str, Any] = {str(need): array for need, array in of.read.arrays.items()}
    plain = Subject(**arrays, record=of.record)
    if bench.classifier is None:
        return plain, ""
    if unfit := bench.unfit(of):
        return plain, unfit
    needs = {need for metric in metrics for need in metric.needs}
    try:
        target = bench.classifier.target(of.pathology)
        if needs & set(COMPUTED):
            if "pixels" not in arrays:
                return plain, of.read.problems["pixels"]
            if bench.without and "autoencoder" in KINDS[of.kind].needs:
                return plain, bench.without
            arrays |= _computed_again(of, arrays["pixels"], target, bench, with_sign="signed" in needs)
    except Exception as error:  # as above: a package's kind may fail in any way
        return plain, said(error)
    shared = bench.of_image(of.prediction)
    return Subject(**arrays, target=target, models=bench.models, record=of.record, of_image=shared), ""


def _computed_again(of: Sent, pixels: np.ndarray, target: int, bench: Bench, with_sign: bool) -> dict[str, Any]:
    from explain.evaluate.subjects import Renderer

    render = Renderer(KINDS[of.kind], target, of.parameters)
    if not with_sign:
        return {"render": render}
    (result,) = render(pixels[None], bench.models)
    return {"render": render, "signed": None if result.signed is None else result.signed.float().cpu().numpy()}
