"""Models that a study chooses beside its classifier: by name and by the hash of their weights, never by path. No torch.

Stored as Study.chosen_models: {"autoencoder": {"name": "ward-ae", "weights_sha256": "..."}}. A need that is not there
is met by the classifier's own partner.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError

from explain.methods.kinds import KINDS
from explain.models.digests import file_sha256
from explain.models.folders import DEMO_AUTOENCODER, XRV_AUTOENCODER, autoencoder_folders
from readerstudy.explanations.models import Explanation

AUTOENCODER = "autoencoder"
_KNOWN = {
    XRV_AUTOENCODER: "TorchXRayVision's",
    DEMO_AUTOENCODER: "the demo's, for synthetic X-rays",
}


@dataclass(frozen=True)
class Chosen:
    """weights_sha256: "" for a model of ours, whose weights this host may not have."""

    name: str
    weights_sha256: str = ""

    @property
    def label(self) -> str:
        return f"{self.name} ({self.weights_sha256[:12]})" if self.weights_sha256 else self.name

    def made(self, explanation: Explanation) -> bool:
        """Whether it made a stored explanation, or could not have had a part in it."""
        kind = KINDS.get(explanation.kind)
        if explanation.external or kind is None or AUTOENCODER not in kind.needs:
            return True
        return self.fits(explanation.autoencoder, explanation.autoencoder_sha256)

    def fits(self, name: str, weights_sha256: str) -> bool:
        """Whether loaded weights are those chosen: by their hash, where one was stored, or else by the name."""
        return weights_sha256 == self.weights_sha256 if self.weights_sha256 else name == self.name


def chosen_autoencoder(stored: Mapping[str, Any]) -> Chosen | None:
    """What a study stores of it. Raises ValidationError for what is no choice."""
    one = stored.get(AUTOENCODER) if isinstance(stored, Mapping) else stored
    if one is None:
        return None
    if not isinstance(one, Mapping) or not isinstance(one.get("name"), str):
        raise ValidationError("A chosen model has a name and perhaps weights_sha256.")
    return Chosen(one["name"], str(one.get("weights_sha256", "")))


def autoencoder_choices(present: Chosen | None) -> list[tuple[str, str]]:
    """(value, label) of a form: the classifier's own, ours, the folders below MODEL_ROOT, and what is chosen now."""
    folders = autoencoder_folders(settings.MODEL_ROOT)
    choices = [("", "the classifier's own"), *((name, f"{name} ({who})") for name, who in _KNOWN.items())]
    choices += [(name, Chosen(name, folder.weights_sha256).label) for name, folder in folders.items()]
    if present is not None and present.name not in {name for name, _ in choices}:
        choices.append((present.name, f"{present.label}, which is not here any more"))
    return choices


def choose_autoencoder(name: str) -> dict[str, Any]:
    """What to store for a choice of the form. ValidationError for an unknown name."""
    if not name:
        return {}
    if name in _KNOWN:
        return {AUTOENCODER: {"name": name}}
    folder = autoencoder_folders(settings.MODEL_ROOT).get(name)
    if folder is None or not folder.weights.is_file():
        raise ValidationError(f"No autoencoder is called {name}: ask the operator to put its folder below MODEL_ROOT.")
    return {AUTOENCODER: {"name": name, "weights_sha256": folder.weights_sha256 or file_sha256(folder.weights)}}
