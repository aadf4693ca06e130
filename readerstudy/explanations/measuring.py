"""The unit of work of evaluate: (evidence, models) -> a figure, or a sentence, for each metric. Nothing is stored here.

Torch is imported inside functions only, and not at all for metrics that need no model.
"""

from __future__ import annotations

import platform
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from explain.evaluate.metrics import Metric, Subject
from explain.methods.kind import Need
from explain.methods.kinds import KINDS
from explain.models.digests import file_sha256
from readerstudy.explanations.evidence import COMPUTED, MODELS, Known, Read
from readerstudy.explanations.inputs import model_names
from readerstudy.explanations.loading import (
    Loaded,
    ModelName,
    ModelNames,
    ModelsUnavailable,
    choose_device,
    load,
    load_autoencoder,
)
from readerstudy.explanations.planning import Options

if TYPE_CHECKING:
    from torch import nn

    from explain.models.generators import LoadedGenerator
    from explain.models.registry import LoadedAutoencoder, LoadedClassifier


class MadeWith(NamedTuple):
    """Names of the models of an explanation; "" for one that had no part in it."""

    model: str
    autoencoder: str = ""
    generator: str = ""


@dataclass(frozen=True)
class Taken:
    """One metric of one explanation: a finite value, or None and the error."""

    value: float | None
    error: str
    seconds: float


@dataclass(frozen=True)
class Bench:
    """What explanations of one classifier's predictions are measured with: nothing, or models on a device.

    without: why there is no autoencoder although metrics need one, as a sentence; these metrics are left out.
    """

    device: str = ""
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
    def of(cls, made_with: MadeWith, metrics: Iterable[Metric], kinds: Iterable[str], options: Options) -> Bench:
        """Loads the models that these metrics need, and to compute these kinds again, nothing else.

        made_with: names of the models that the explanations were made with. Raises ModelsUnavailable, but not where an
        autoencoder that nobody named is not to be had.
        """
        needs = {need for metric in metrics for need in metric.needs}
        if needs & set(COMPUTED):
            needs |= {need for kind in kinds if kind in KINDS for need in KINDS[kind].needs} | {"classifier"}
        if not needs & set(MODELS):
            return cls()
        classifier = ModelName(options.classifier or made_with.model, options.weights)
        partner = _partner(made_with.autoencoder, options)
        generator = ModelName(_own(made_with.generator, options.generator)) if "generator" in needs else None
        by_operator = (options.classifier, options.autoencoder, options.generator)
        names = model_names(classifier, partner, options.device, by_operator, generator)
        loaded, without = load(replace(names, autoencoder=None)), ""
        if "autoencoder" in needs:
            loaded, without = _with_autoencoder(loaded, names)
        models: dict[Need, nn.Module] = {"classifier": loaded.classifier.module}
        if loaded.autoencoder:
            models["autoencoder"] = loaded.autoencoder.module
        if loaded.generator:
            models["generator"] = loaded.generator.module
        return cls(
            loaded.device, loaded.device_name, loaded.classifier, loaded.autoencoder, models, without, loaded.generator
        )

    def takes(self, metric: Metric) -> bool:
        """Whether the metric can be measured with these models."""
        return not (self.without and "autoencoder" in metric.needs)

    def unfit(self, of: Known) -> str:
        """Why these models say nothing of an explanation, as a sentence; "" where they do."""
        row = of.explanation
        made = row.weights_sha256 or row.prediction.weights_sha256
        if self.classifier and made and made != self.classifier.weights_sha256:
            return f"it was made with other weights than {self.classifier.weights_file}"
        if self.autoencoder and row.autoencoder_sha256 not in ("", self.autoencoder.weights_sha256):
            return f"it was made with another autoencoder than {self.autoencoder.name}"
        if self.generator and row.generator_sha256 not in ("", self.generator.weights_sha256):
            return f"it was made with another map generator than {self.generator.name}"
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


def _partner(own: str, options: Options) -> ModelName:
    """The autoencoder of explanations made with `own` ("": with none): their own, or else the operator's.

    The study's choice has no part in it: what is measured belongs to the explanation, which other studies show too.
    """
    asked = options.autoencoder
    if own and asked and Path(asked).name != own:
        return ModelName(own)
    return ModelName(asked or own, options.autoencoder_weights)


def _own(own: str, asked: str) -> str:
    """What an explanation was made with; where the operator gives that one's folder by its path, the path."""
    return own if own and Path(asked).name != own else asked or own


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


def partner_sha256(metrics: Iterable[Metric], options: Options) -> str:
    """Hash of the autoencoder that the operator names, if a metric needs one, or "". Raises ModelsUnavailable."""
    if not any("autoencoder" in metric.needs for metric in metrics):
        return ""
    if options.autoencoder:
        partner = ModelName(options.autoencoder, options.autoencoder_weights)
        names = model_names(ModelName(""), partner, "cpu", (options.autoencoder,))
        return load_autoencoder(names, "", choose_device("cpu")).weights_sha256
    try:
        return file_sha256(options.autoencoder_weights) if options.autoencoder_weights else ""
    except OSError as error:
        raise ModelsUnavailable(f"The weights of the autoencoder cannot be read: {error}.") from error


def measure(of: Known, evidence: Read, metrics: Sequence[Metric], bench: Bench) -> dict[str, Taken]:
    """Each metric by name. One that cannot be measured says why and disturbs no other.

    A metric is left out that these models are not enough for, and one where only computing the explanation shows that
    its kind does not give what it takes: a sign.
    """
    metrics = [metric for metric in metrics if bench.takes(metric)]
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
            if bench.without and "autoencoder" in KINDS[row.kind].needs:
                return plain, bench.without
            arrays |= _computed_again(of, arrays["pixels"], target, bench, with_sign="signed" in needs)
    except Exception as error:  # as above: a package's kind may fail in any way
        return plain, _said(error)
    shared = bench.of_image(row.prediction_id)
    return Subject(**arrays, target=target, models=bench.models, record=row.record, of_image=shared), ""


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
