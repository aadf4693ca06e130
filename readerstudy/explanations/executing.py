"""Render the explanations of a list of predictions. Reading, computing and encoding overlap; each result is stored.

Idempotent: what exists with the same key is left alone. Killed anywhere, a second run completes the rest.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from explain.images.radiograph import Radiograph
from explain.methods.kinds import KINDS
from readerstudy.cases.loading.records import UNNAMED_MODEL
from readerstudy.cases.models import Prediction
from readerstudy.explanations.batch_size import BatchSize
from readerstudy.explanations.computing import Computed, compute
from readerstudy.explanations.encoding import EncodedFile, encode, map_bytes
from readerstudy.explanations.inference import Failed, Inference
from readerstudy.explanations.inputs import (
    ModelsUnavailable,
    choose_device,
    is_known,
    load_autoencoder,
    load_classifier,
    radiograph,
)
from readerstudy.explanations.keeping import Provenance, store
from readerstudy.explanations.parameters import RenderParameters, explanation_key
from readerstudy.explanations.planning import Job, Options, Rendered, plan, rendered_elsewhere

if TYPE_CHECKING:
    from explain.models.registry import LoadedAutoencoder, LoadedClassifier

_LIBRARIES = ("torch", "torchvision", "torchxrayvision", "numpy", "pillow")


@dataclass(frozen=True)
class _Input:
    job: Job
    radiograph: Radiograph
    pixels: np.ndarray


UNNAMED = (
    "These predictions came in a manifest without the column model, so nothing can be computed for them. Name the "
    "model that made them on the command line (precompute --model NAME), or load the cases with finished explanations "
    "in columns explanation:KIND (docs/manifest.md)."
)


_Writing = tuple[Job, str, Computed, "Future[list[EncodedFile]]"]

NOT_COMPUTED = "it is rendered elsewhere, and came with no batch for this prediction"


class Renderer:
    """Models loaded once, with what is needed to key and store what they make."""

    def __init__(self, model: str, kinds: Sequence[str], parameters: RenderParameters, options: Options) -> None:
        _check_model(model, options.classifier)
        self.options, self.parameters = options, parameters
        self.device = choose_device(options.device)
        self.classifier: LoadedClassifier = load_classifier(
            options.classifier or model, self.device, options.weights, by_operator=bool(options.classifier)
        )
        self.autoencoder: LoadedAutoencoder | None = None
        needs = {need for kind in kinds for need in KINDS[kind].needs}
        if "generator" in needs:
            raise ModelsUnavailable("A kind of this study needs a generator, and none can be loaded here yet.")
        if "autoencoder" in needs:
            chosen = options.chosen.name if options.chosen else self.classifier.autoencoder
            name = options.autoencoder or chosen
            if not name:
                raise ModelsUnavailable(
                    f"{model} has no autoencoder of its own: choose one on the study's page Methods, or name one with "
                    "--autoencoder."
                )
            self.autoencoder = load_autoencoder(
                name, self.device, options.autoencoder_weights, by_operator=bool(options.autoencoder)
            )
            _is_chosen(self.autoencoder, options)
        self.batch = BatchSize.of_device(self.device, options.batch_size)
        self.libraries = {name: importlib.metadata.version(name) for name in _LIBRARIES}

    def key(self, prediction: Prediction, kind: str) -> str:
        return explanation_key(
            prediction.case.pixel_sha256,
            prediction.pathology,
            self.classifier.weights_sha256,
            self.autoencoder.weights_sha256 if self.autoencoder else "",
            KINDS[kind],
            self.parameters.of_kind(KINDS[kind]),
        )

    def provenance(self, kind: str) -> Provenance:
        uses = self.autoencoder if "autoencoder" in KINDS[kind].needs else None
        return Provenance(
            parameters=self.parameters.of_kind(KINDS[kind]),
            algorithm_version=KINDS[kind].algorithm_version,
            model=self.classifier.name,
            weights_sha256=self.classifier.weights_sha256,
            autoencoder=uses.name if uses else "",
            autoencoder_sha256=uses.weights_sha256 if uses else "",
            device=device_name(self.device),
            libraries=self.libraries,
        )

    def compute(self, inputs: list[_Input]) -> list[dict[str, Computed]]:
        """Results per input, whose jobs have the same kinds; raises for all of them."""
        return compute(
            np.stack([item.pixels for item in inputs]),
            [item.job.prediction.pathology for item in inputs],
            inputs[0].job.kinds,
            self.classifier,
            self.autoencoder,
            self.parameters,
            self.device,
            self.batch.size,
        )


def render(
    predictions: Sequence[Prediction],
    kinds: Sequence[str],
    parameters: RenderParameters,
    options: Options,
    progress: Callable[[int], object] = lambda done: None,
) -> Rendered:
    """Make what is missing of `kinds` for predictions of one model. `progress` is told of each prediction finished.

    Raises ModelsUnavailable when the model cannot be loaded or its weights are not those that made the predictions.
    """
    result, total = Rendered(), len(predictions)
    if not predictions or not kinds:
        return result
    elsewhere = rendered_elsewhere(predictions, kinds, result)
    lacking = [(p, kind) for p in predictions for kind in kinds if kind not in KINDS and (p.pk, kind) not in elsewhere]
    result.failed += [(prediction, kind, NOT_COMPUTED) for prediction, kind in lacking]
    kinds = [kind for kind in kinds if kind in KINDS]
    predictions = [p for p in predictions if any((p.pk, kind) not in elsewhere for kind in kinds)]
    progress(total - len(predictions))
    if not predictions:
        return result
    (model,) = {prediction.model for prediction in predictions}
    renderer = Renderer(model, kinds, parameters, options)
    _same_weights(predictions, renderer)
    result.device = renderer.device
    jobs = plan(predictions, kinds, elsewhere, renderer.key, options, result)
    progress(len(predictions) - len(jobs))
    loop = Inference(_read, renderer.compute, renderer.batch, alike=lambda job: job.kinds)
    with ThreadPoolExecutor(2, "encode") as encoders:
        writing: list[_Writing] = []
        for group in loop.run(jobs):
            _store_finished(writing, renderer, result)  # the batch before was encoded while this one was computed
            writing = []
            for one in group:
                if isinstance(one, Failed):
                    _fail(one.item, one.item.kinds, one.why, renderer, result)
                    continue
                for kind, made in one.output.items():
                    future = encoders.submit(encode, KINDS[kind].shows, made, one.input.radiograph)
                    writing.append((one.item, kind, made, future))
            progress(len(group))
        _store_finished(writing, renderer, result)
    result.batch_size = renderer.batch.size
    return result


def _read(job: Job) -> _Input:
    picture = radiograph(job.prediction.case)
    return _Input(job, picture, picture.model_input())


def _store_finished(writing: list[_Writing], renderer: Renderer, result: Rendered) -> None:
    for job, kind, one, future in writing:
        try:
            files = future.result()
        except ValueError as error:  # UnusableMap: an error on this explanation, never a picture
            _fail(job, (kind,), str(error), renderer, result)
            continue
        kept = store(
            job.prediction,
            kind,
            job.keys[kind],
            renderer.provenance(kind),
            files=files,
            map_npy=b"" if one.map is None else map_bytes(one.map),
            record=one.record | ({"frames": len(one.frames)} if one.frames is not None else {}),
            seconds=one.seconds,
            writing=renderer.options.writing,
        )
        result.made += 1
        result.explanations.append(kept)


def _fail(job: Job, kinds: Sequence[str], why: str, renderer: Renderer, result: Rendered) -> None:
    for kind in kinds:
        kept = store(
            job.prediction,
            kind,
            job.keys[kind],
            renderer.provenance(kind),
            error=why[:2000],
            writing=renderer.options.writing,
        )
        result.explanations.append(kept)
        result.failed.append((job.prediction, kind, why))


def _check_model(model: str, named: str) -> None:
    """`model` is what the predictions say made them, `named` what the operator says, or "". ModelsUnavailable."""
    if model == UNNAMED_MODEL and not named:
        raise ModelsUnavailable(UNNAMED)
    if named and named != model and is_known(model):
        raise ModelsUnavailable(f"The predictions are of {model}, which is known here: leave out --model {named}.")


def _is_chosen(loaded: LoadedAutoencoder, options: Options) -> None:
    """The protocol names the study's choice, so nothing else may make its pictures. ModelsUnavailable."""
    if options.chosen is not None and not options.chosen.fits(loaded.name, loaded.weights_sha256):
        raise ModelsUnavailable(
            f"The study has chosen the autoencoder {options.chosen.label}, and {loaded.name} has other weights "
            f"({loaded.weights_sha256[:12]}): choose it again on the study's page Methods, or use the one it names."
        )


def _same_weights(predictions: Sequence[Prediction], renderer: Renderer) -> None:
    """The prediction shown must be of the model explained. Predictions loaded from a manifest carry no hash."""
    other = {prediction.weights_sha256 for prediction in predictions} - {"", renderer.classifier.weights_sha256}
    if other:
        raise ModelsUnavailable(
            f"The predictions were made by {renderer.classifier.name} with other weights than "
            f"{renderer.classifier.weights_file}: give the same file with --weights, or predict again."
        )


def device_name(device: str) -> str:
    import platform

    import torch

    if device.startswith("cuda"):
        return f"{device} {torch.cuda.get_device_name(device)}"[:80]
    return f"cpu {platform.machine()} {torch.get_num_threads()} threads"
