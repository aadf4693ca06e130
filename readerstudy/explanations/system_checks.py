"""What `manage.py check`, and every start, says of installed packages that add kinds or metrics."""

from typing import Any

from django.core.checks import CheckMessage, Warning, register

from explain.evaluate.metrics import METRICS
from explain.methods.kinds import KINDS


def connect() -> None:
    register(check_packages)


def check_packages(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """A package that cannot be used is left out, and the server starts without it."""
    return [
        Warning(
            f"{sentence}.",
            hint="It is left out, and its kinds and metrics are unknown here. Mend or remove the package.",
            id="explanations.W001",
        )
        for registry in (KINDS, METRICS)
        for sentence in registry.broken
    ]
