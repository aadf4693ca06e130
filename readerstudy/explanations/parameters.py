"""How explanations are computed: parameters with their defaults, and the key that says what one was made from."""

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from django.core.exceptions import ValidationError

from explain.methods.kinds import Kind
from readerstudy.common.limits import LIMITS

SEARCHES = ("default", "paper-2021", "released-code")


@dataclass(frozen=True)
class RenderParameters:
    """Study.render_parameters, checked.

    steps : Gauss-Legendre steps of integrated gradients (the published maps used 100).
    final_relu : guided backprop variant, "captum" or "full" (TorchXRayVision calls its last ReLU as a function).
    search : Latent Shift's lambda search, one of SEARCHES.
    """

    steps: int = 50
    final_relu: Literal["captum", "full"] = "captum"
    search: str = "default"

    def __post_init__(self) -> None:
        if not isinstance(self.steps, int) or LIMITS["steps"].problem(self.steps):
            raise ValidationError(LIMITS["steps"].problem(self.steps) or "The number of steps must be whole.")
        if self.final_relu not in ("captum", "full"):
            raise ValidationError(f"final_relu must be captum or full, not {self.final_relu!r}.")
        if self.search not in SEARCHES:
            raise ValidationError(f"search must be one of {', '.join(SEARCHES)}, not {self.search!r}.")

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "RenderParameters":
        """Raises ValidationError naming a parameter that does not exist."""
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(data) - known)
        if unknown:
            raise ValidationError(
                f"Unknown render parameter {', '.join(unknown)}; there are {', '.join(sorted(known))}."
            )
        return cls(**data)

    def of_kind(self, kind: Kind) -> dict[str, Any]:
        """Only what changes this kind's pixels, so that a change elsewhere does not render it again."""
        if kind.uses_autoencoder:
            return {"search": self.search}
        wanted = {"integrated_gradients": ("steps",), "guided_backprop": ("final_relu",)}.get(kind.name, ())
        return {name: value for name, value in asdict(self).items() if name in wanted}


def explanation_key(
    pixel_sha256: str, pathology: str, classifier_sha256: str, autoencoder_sha256: str, kind: Kind, parameters: dict
) -> str:
    """Hash of pixels, target, weights, parameters, the kind and its algorithm version."""
    parts = [
        pixel_sha256,
        pathology,
        classifier_sha256,
        autoencoder_sha256 if kind.uses_autoencoder else "",
        kind.name,
        kind.algorithm_version,
        parameters,
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
