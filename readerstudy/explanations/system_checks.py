"""What `manage.py check`, and every start, says of installed packages that add kinds, metrics or models."""

from typing import Any

from django.core.checks import CheckMessage, Warning, register

from explain.evaluate.metrics import METRICS
from explain.methods.kinds import KINDS
from explain.models.known import MODELS
from explain.plugins import Registry


def connect() -> None:
    register(check_packages)


def check_packages(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """What cannot be used of a package is left out, and the server starts without it."""
    registries: tuple[Registry[Any], ...] = (KINDS, METRICS, *MODELS.values())
    return [
        Warning(
            f"{sentence}.",
            hint="It is left out, and what it adds is unknown here. Mend or remove the package.",
            id="explanations.W001",
        )
        for sentence in dict.fromkeys(sentence for registry in registries for sentence in registry.broken)
    ]
