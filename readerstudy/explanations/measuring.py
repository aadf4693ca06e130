"""The unit of work of evaluate: (evidence, models) -> a figure, or a sentence, for each metric. Nothing is stored here.

Torch is imported inside functions only, and not at all for metrics that need no model.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.evaluate.metrics import Metric, Subject
from explain.methods.kind import Need
from explain.methods.kinds import KINDS
from readerstudy.explanations.evidence import COMPUTED, MODELS, Known, Read
from readerstudy.explanations.inputs import model_names
from readerstudy.explanations.loading import ModelName, ModelsUnavailable, load
from readerstudy.explanations.planning import Options

if TYPE_CHECKING:
    from torch import nn

    from explain.models.registry import LoadedAutoencoder, LoadedClassifier


@dataclass(frozen=True)
class Taken:
    """One metric of one explanation: a finite value, or None and the error."""

    value: float | None
    error: str
    seconds: float


@dataclass(frozen=True)
class Bench:
    """What explanations of one classifier's predictions are measured with: nothing, or models on a device."""

    device: str = ""
    name: str = f"cpu {platform.machine()}"
    classifier: LoadedClassifier | None = None
    autoencoder: LoadedAutoencoder | None = None
    models: Mapping[Need, nn.Module] = field(default_factory=dict)

    @classmethod
    def of(
        cls, model: str, autoencoder: str, metrics: Iterable[Metric], kinds: Iterable[str], options: Options
    ) -> Bench:
        """Loads the models that these metrics need, and to compute these kinds again, nothing else.

        autoencoder: "" for the classifier's own partner. Raises ModelsUnavailable.
        """
        needs = {need for metric in metrics for need in metric.needs}
        if needs & set(COMPUTED):
            needs |= {need for kind in kinds if kind in KINDS for need in KINDS[kind].needs} | {"classifier"}
        if not needs & set(MODELS):
            return cls()
        if "generator" in needs:
            raise ModelsUnavailable("A metric or a kind needs a generator, and none can be loaded here yet.")
        partner = ModelName(options.autoencoder_named or autoencoder, options.autoencoder_weights)
        named = partner if "autoencoder" in needs else None
        classifier = ModelName(options.classifier or model, options.weights)
        by_operator = (options.classifier, options.autoencoder)
        loaded = load(model_names(classifier, named, options.device, by_operator))
        models: dict[Need, nn.Module] = {"classifier": loaded.classifier.module}
        if loaded.autoencoder:
            models["autoencoder"] = loaded.autoencoder.module
        return cls(loaded.device, loaded.device_name, loaded.classifier, loaded.autoencoder, models)

    def unfit(self, of: Known) -> str:
        """Why these models say nothing of an explanation, as a sentence; "" where they do."""
        row = of.explanation
        made = row.weights_sha256 or row.prediction.weights_sha256
        if self.classifier and made and made != self.classifier.weights_sha256:
            return f"it was made with other weights than {self.classifier.weights_file}"
        if self.autoencoder and row.autoencoder_sha256 not in ("", self.autoencoder.weights_sha256):
            return f"it was made with another autoencoder than {self.autoencoder.name}"
        return ""

    def seconds_per_pass(self) -> float:
        """Of the classifier, tried with a batch of plain grey; 0 without one. The first try warms up."""
        if self.classifier is None:
            return 0.0
        import torch

        x = torch.zeros((8, 1, 224, 224), device=self.device)
        with torch.inference_mode():
            self.classifier.module(x)
            start = perf_counter()
            self.classifier.module(x).cpu()
        return (perf_counter() - start) / len(x)


def measure(of: Known, evidence: Read, metrics: Sequence[Metric], bench: Bench) -> dict[str, Taken]:
    """Each metric by name. One that cannot be measured says why and disturbs no other.

    A metric is left out where only computing the explanation shows that its kind does not give what it takes: a sign.
    """
    subject, without_models = _subject(of, evidence, metrics, bench)
    return {
        metric.name: _measured(metric, subject, evidence, without_models)
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
        return Taken(None, _said(error), perf_counter() - start)


def _subject(of: Known, evidence: Read, metrics: Sequence[Metric], bench: Bench) -> tuple[Subject, str]:
    """What is measured, and why it comes without models where it should have them, as a sentence."""
    row = of.explanation
    arrays: dict[str, Any] = {str(need): array for need, array in evidence.arrays.items()}
    plain = Subject(**arrays, record=row.record)
    if bench.classifier is None:
        return plain, ""
    if unfit := bench.unfit(of):
        return plain, unfit
    needs = {need for metric in metrics for need in metric.needs}
    try:
        target = bench.classifier.target(row.prediction.pathology)
        if needs & set(COMPUTED):
            if "pixels" not in arrays:
                return plain, evidence.problems["pixels"]
            arrays |= _computed_again(of, arrays["pixels"], target, bench, with_sign="signed" in needs)
    except Exception as error:  # as above: a package's kind may fail in any way
        return plain, _said(error)
    return Subject(**arrays, target=target, models=bench.models, record=row.record), ""


def _computed_again(of: Known, pixels: np.ndarray, target: int, bench: Bench, with_sign: bool) -> dict[str, Any]:
    from explain.evaluate.rendering import Renderer

    render = Renderer(KINDS[of.explanation.kind], target, of.explanation.parameters)
    if not with_sign:
        return {"render": render}
    (result,) = render(pixels[None], bench.models)
    return {"render": render, "signed": None if result.signed is None else result.signed.float().cpu().numpy()}


def _said(error: Exception) -> str:
    said = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    plain = isinstance(error, ValueError | KeyError) and said
    return (said if plain else f"{type(error).__name__}: {said}")[:2000]
