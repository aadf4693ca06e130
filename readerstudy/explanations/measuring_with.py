"""Which models evaluate needs, and having a worker load them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from explain.evaluate.metrics import Metric
from explain.methods.kinds import KINDS
from explain.models.digests import file_sha256
from readerstudy.explanations.inputs import model_names
from readerstudy.explanations.measuring import COMPUTED, MODELS, FoundModels, autoencoder_sha256, find_models
from readerstudy.explanations.model_loading import ModelName, ModelsUnavailable
from readerstudy.explanations.planning import Options


class MadeWith(NamedTuple):
    """Names of the models of an explanation; "" for one that had no part in it."""

    model: str
    autoencoder: str = ""
    generator: str = ""


def models_for(made_with: MadeWith, metrics: Iterable[Metric], kinds: Iterable[str], options: Options) -> FoundModels:
    """Has the models loaded that these metrics need, and to compute these kinds again, nothing else.

    made_with: names of the models that the explanations were made with. Raises ModelsUnavailable as find_models does.
    """
    needs = {need for metric in metrics for need in metric.needs}
    if needs & set(COMPUTED):
        needs |= {need for kind in kinds if kind in KINDS for need in KINDS[kind].needs} | {"classifier"}
    if not needs & set(MODELS):
        return FoundModels()
    classifier = ModelName(options.classifier or made_with.model, options.weights)
    partner = _partner(made_with.autoencoder, options) if "autoencoder" in needs else None
    generator = ModelName(_own(made_with.generator, options.generator)) if "generator" in needs else None
    by_operator = (options.classifier, options.autoencoder, options.generator)
    names = model_names(classifier, partner, options.device, by_operator, generator)
    found: FoundModels = options.executor.call(find_models, names)
    return found


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


def partner_sha256(metrics: Iterable[Metric], options: Options) -> str:
    """Hash of the autoencoder that the operator names, if a metric needs one, or "". Raises ModelsUnavailable."""
    if not any("autoencoder" in metric.needs for metric in metrics):
        return ""
    if options.autoencoder:
        partner = ModelName(options.autoencoder, options.autoencoder_weights)
        names = model_names(ModelName(""), partner, "cpu", (options.autoencoder,))
        return str(options.executor.call(autoencoder_sha256, names))
    try:
        return file_sha256(options.autoencoder_weights) if options.autoencoder_weights else ""
    except OSError as error:
        raise ModelsUnavailable(f"The weights of the autoencoder cannot be read: {error}.") from error
