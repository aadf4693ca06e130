"""Kinds of job. Each app lists its own on its AppConfig (`job_kinds`); this app knows none."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.apps import apps


@dataclass(frozen=True)
class JobKind:
    """One kind of job.

    name: its key; verb: what the button says ("Predict"); page: where the button stands; queue: which workers take it.
    run: "package.module:function", called in a process of its own as function(work, **arguments) -> one line on what
    came out. ask: of (about, user, data), which checks everything and queues the job (queueing.ask).
    access: of (request, about), which raises what a page would for people who may not see it.
    form: a form class whose data `ask` gets, or "". needs_torch: the page says when no worker has it.
    time_limit: a setting that holds seconds, or "".
    """

    name: str
    verb: str
    run: str
    ask: str
    access: str
    page: str = ""
    form: str = ""
    queue: str = "default"
    needs_torch: bool = False
    time_limit: str = ""


def kinds() -> dict[str, JobKind]:
    return {kind.name: kind for config in apps.get_app_configs() for kind in getattr(config, "job_kinds", ())}


def kind_named(name: str) -> JobKind:
    """LookupError in words for a job of an app that is no longer installed."""
    try:
        return kinds()[name]
    except KeyError:
        raise LookupError(f"Nothing installed here does jobs of the kind “{name}”.") from None


def named_function(path: str) -> Callable[..., Any]:
    """The function that "package.module:function" names."""
    module, _, function = path.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), function)
    return found
