"""Models that a study chooses beside its classifier: by name; of a folder, also by the hash of its weights. Never by
path. No torch.

Stored as Study.chosen_models: {"autoencoder": {"name": "ward-ae", "weights_sha256": "..."}, "generator": ...}. An
autoencoder that is not there is the classifier's own partner; a map generator that is not there is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from django.conf import settings
from django.core.exceptions import ValidationError

from explain.methods.kind import Need
from explain.methods.kinds import KINDS
from explain.models.digests import file_sha256
from explain.models.folders import ModelFolder, autoencoder_folders, generator_folders
from explain.models.known import MODELS
from readerstudy.explanations.models import Explanation

CHOOSABLE: tuple[Need, ...] = ("autoencoder", "generator")
_NONE: Mapping[Need, str] = {"autoencoder": "the classifier's own", "generator": "none"}
_CALLED: Mapping[Need, str] = {"autoencoder": "autoencoder", "generator": "map generator"}


@dataclass(frozen=True)
class Chosen:
    """weights_sha256: "" for a model of ours or of a package, whose weights this host may not have."""

    need: Need
    name: str
    weights_sha256: str = ""

    @property
    def label(self) -> str:
        return f"{self.name} ({self.weights_sha256[:12]})" if self.weights_sha256 else self.name

    def made(self, explanation: Explanation) -> bool:
        """Whether it made a stored explanation, or could not have had a part in it."""
        if not is_made_with(self.need, explanation):
            return True
        return self.fits(getattr(explanation, self.need), getattr(explanation, f"{self.need}_sha256"))

    def fits(self, name: str, weights_sha256: str) -> bool:
        """Whether loaded weights are those chosen: by their hash, where one was stored, or else by the name."""
        return weights_sha256 == self.weights_sha256 if self.weights_sha256 else name == self.name


def is_made_with(need: Need, explanation: Explanation) -> bool:
    """Whether a model of that need had a part in a stored explanation, by its kind."""
    kind = KINDS.get(explanation.kind)
    return not explanation.external and kind is not None and need in kind.needs


def several_made(explanations: Iterable[Explanation]) -> tuple[Need, str] | None:
    """The need of which several models made explanations of one kind, and that in words; None where it is one each.

    Weights tell models apart: two names of the same are one.
    """
    made: dict[tuple[Need, str], dict[str, str]] = {}
    for row in explanations:
        for need in CHOOSABLE:
            if is_made_with(need, row):
                one = Chosen(need, getattr(row, need), getattr(row, f"{need}_sha256"))
                made.setdefault((need, row.kind), {})[one.weights_sha256] = one.label
    for (need, kind), labels in made.items():
        if len(labels) > 1:
            return need, f"Explanations of {kind} were made with several {_CALLED[need]}s: {', '.join(labels.values())}"
    return None


def chosen_models(stored: Mapping[str, Any]) -> dict[Need, Chosen]:
    """What a study stores, by need. Raises ValidationError for what is no choice."""
    if not isinstance(stored, Mapping):
        raise ValidationError(f"Chosen models {stored!r:.40} cannot be used: give a JSON object by need.")
    found: dict[Need, Chosen] = {}
    for need in CHOOSABLE:
        one = stored.get(need)
        if one is None:
            continue
        if not isinstance(one, Mapping) or not isinstance(one.get("name"), str):
            raise ValidationError("A chosen model has a name and perhaps weights_sha256.")
        found[need] = Chosen(need, one["name"], str(one.get("weights_sha256", "")))
    return found


def choices(need: Need, present: Chosen | None) -> list[tuple[str, str]]:
    """(value, label) of a form: none, ours, packages', the folders below MODEL_ROOT, and what is chosen now."""
    made = {"": _NONE[need], **{name: f"{name} ({model.about})" for name, model in MODELS[need].items()}}
    for name, folder in _folders(need).items():
        trained = f", for {', '.join(folder.pathologies)}" if any(folder.pathologies) else ""
        made[name] = Chosen(need, name, folder.weights_sha256).label + trained
    if present is not None and present.name not in made:
        made[present.name] = f"{present.label}, which is not here any more"
    return list(made.items())


def choose(need: Need, name: str) -> dict[str, Any]:
    """What to store for a choice of the form. ValidationError for an unknown name."""
    if not name:
        return {}
    if name in MODELS[need]:
        return {need: {"name": name}}
    folder = _folders(need).get(name)
    if folder is None or not folder.weights.is_file():
        raise ValidationError(
            f"No {_CALLED[need]} is called {name}: ask the operator to put its folder below MODEL_ROOT, or to install "
            "its package."
        )
    return {need: {"name": name, "weights_sha256": folder.weights_sha256 or file_sha256(folder.weights)}}


def can_be_had(need: Need, chosen: Mapping[Need, Chosen]) -> bool:
    """Whether a kind with this need can be rendered for a study: a map generator is chosen, or there to be chosen."""
    return need != "generator" or need in chosen or bool(MODELS[need] or _folders(need))


def _folders(need: Need) -> dict[str, ModelFolder]:
    """None takes over a name that is known without a folder."""
    folders = autoencoder_folders if need == "autoencoder" else generator_folders
    found = folders(cast("Any", settings.MODEL_ROOT))
    return {name: folder for name, folder in found.items() if name not in MODELS[need]}
