"""Render the explanations of a list of predictions: workers compute (rendering.py), here each result is stored.

Idempotent: what exists with the same key is left alone. Killed anywhere, a second run completes the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from explain.errors import storable
from explain.methods.kinds import KINDS
from readerstudy.cases.loading.records import UNNAMED_MODEL
from readerstudy.cases.models import Prediction
from readerstudy.explanations.inference import Failed
from readerstudy.explanations.inputs import is_known, model_names, stored_image
from readerstudy.explanations.keeping import Provenance, store
from readerstudy.explanations.model_loading import Found, MadeOn, ModelName, ModelNames, ModelsUnavailable, find
from readerstudy.explanations.models import Explanation
from readerstudy.explanations.parameters import RenderParameters, explanation_key
from readerstudy.explanations.planning import Options, Rendered, ToRender, plan, rendered_elsewhere
from readerstudy.explanations.rendering import RenderedItem, RenderedKind, Rendering, Wanted

UNNAMED = (
    "These predictions came in a manifest without the column model, so nothing can be computed for them. Name the "
    "model that made them on the command line (precompute --model NAME), or load the cases with finished explanations "
    "in columns explanation:KIND (docs/manifest.md)."
)

NOT_COMPUTED = "it is rendered elsewhere, and came with no batch for this prediction"


class Renderer:
    """What is needed to key and store what workers make with models that one of them has loaded."""

    def __init__(self, model: str, kinds: Sequence[str], parameters: RenderParameters, options: Options) -> None:
        _check_model(model, options.classifier)
        self.options, self.parameters = options, parameters
        self.found: Found = options.executor.call(find, _names(model, kinds, options), options.batch_size)

    def work(self, kinds: Sequence[str]) -> Rendering:
        given = {kind: self.parameters.given(KINDS[kind]) for kind in kinds}
        return Rendering(self.found.names, given, self.options.batch_size)

    def key(self, prediction: Prediction, kind: str) -> str:
        return explanation_key(
            prediction.case.pixel_sha256,
            prediction.pathology,
            self.found.names.classifier.sha256,
            self.found.autoencoder_sha256,
            KINDS[kind],
            self.parameters.of_kind(KINDS[kind]),
            self.found.generator_sha256,
        )

    def provenance(self, kind: str, made_on: MadeOn) -> Provenance:
        names = self.found.names
        uses = names.autoencoder if "autoencoder" in KINDS[kind].needs else None
        adds = names.generator if "generator" in KINDS[kind].needs else None
        return Provenance(
            parameters=self.parameters.of_kind(KINDS[kind]),
            algorithm_version=KINDS[kind].algorithm_version,
            model=names.classifier.name,
            weights_sha256=names.classifier.sha256,
            autoencoder=uses.called if uses else "",
            autoencoder_sha256=uses.sha256 if uses else "",
            device=made_on.device,
            libraries=made_on.libraries,
            generator=adds.called if adds else "",
            generator_sha256=adds.sha256 if adds else "",
        )


def _names(model: str, kinds: Sequence[str], options: Options) -> ModelNames:
    needs = {need for kind in kinds for need in KINDS[kind].needs}
    named, weights = options.named("autoencoder"), options.autoencoder_weights
    autoencoder = ModelName(named, weights) if "autoencoder" in needs else None
    generator = ModelName(options.named("generator")) if "generator" in needs else None
    classifier = ModelName(options.classifier or model, options.weights)
    by_operator = (options.classifier, options.autoencoder, options.generator)
    return model_names(classifier, autoencoder, options.device, by_operator, generator)


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
    _same_weights(predictions, renderer.found)
    _are_chosen(renderer.found, options)
    _same_finding(predictions, renderer.found)
    result.device = renderer.found.device
    jobs = plan(predictions, kinds, elsewhere, renderer.key, options, result)
    progress(len(predictions) - len(jobs))
    groups = options.executor.run(
        renderer.work(kinds),
        [Wanted(number, job.prediction.pathology, job.kinds) for number, job in enumerate(jobs)],
        lambda wanted: stored_image(jobs[wanted.number].prediction.case),
        options.batch_size or 2 * renderer.found.batch_size,
    )
    for group in groups:
        for one in group:
            job = jobs[one.item.number]
            if isinstance(one, Failed):
                _fail(job, job.kinds, one.why, renderer, renderer.found.made_on, result)
            else:
                _store(job, one.output, renderer, result)
        progress(len(group))
    return result


def _store(job: ToRender, made: RenderedItem, renderer: Renderer, result: Rendered) -> None:
    for kind, one in made.kinds.items():
        if one.error:
            _fail(job, (kind,), one.error, renderer, made.made_on, result)
            continue
        result.explanations.append(_keep(job, kind, one, renderer.provenance(kind, made.made_on), renderer.options))
        result.made += 1


def _keep(job: ToRender, kind: str, one: RenderedKind, provenance: Provenance, options: Options) -> Explanation:
    return store(
        job.prediction,
        kind,
        job.keys[kind],
        provenance,
        files=one.files,
        map_npy=one.map_npy,
        record=one.record,
        seconds=one.seconds,
        writing=options.writing,
    )


def _fail(job: ToRender, kinds: Sequence[str], why: str, renderer: Renderer, made_on: MadeOn, result: Rendered) -> None:
    why = storable(why)
    for kind in kinds:
        kept = store(
            job.prediction,
            kind,
            job.keys[kind],
            renderer.provenance(kind, made_on),
            error=why,
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


def _are_chosen(found: Found, options: Options) -> None:
    """The protocol names the study's choice, so nothing else may make its pictures. ModelsUnavailable."""
    loaded = {"autoencoder": found.names.autoencoder, "generator": found.names.generator}
    for need, chosen in options.chosen.items():
        one = loaded[need]
        if one and not chosen.fits(one.called, one.sha256):
            raise ModelsUnavailable(
                f"The study has chosen the {need} {chosen.label}, and {one.called} has other weights "
                f"({one.sha256[:12]}): choose it again on the study's page Methods, or use the one it names."
            )


def _same_finding(predictions: Sequence[Prediction], found: Found) -> None:
    """A map of one finding is no explanation of another's prediction: ModelsUnavailable, before anything is made."""
    known, generator = found.generator_pathologies, found.names.generator
    others = sorted({prediction.pathology for prediction in predictions} - set(known))
    if generator and known and others:
        raise ModelsUnavailable(
            f"The map generator {generator.called} was trained on {', '.join(known)}, and examples ask about "
            f"{', '.join(others)}: draw examples of {', '.join(known)} only, or choose another generator."
        )


def _same_weights(predictions: Sequence[Prediction], found: Found) -> None:
    """The prediction shown must be of the model explained. Predictions loaded from a manifest carry no hash."""
    other = {prediction.weights_sha256 for prediction in predictions} - {"", found.names.classifier.sha256}
    if other:
        raise ModelsUnavailable(
            f"The predictions were made by {found.names.classifier.name} with other weights than "
            f"{found.weights_file}: give the same file with --weights, or predict again."
        )
