"""Pages whose code is loaded at their first request.

For pages that calculate: what they need of SciPy and pandas takes a second and some 80 MB to load, which no command and
few servers use.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase


def later(module: str, name: str) -> Callable[..., HttpResponseBase]:
    """The view `name` of a module. Of attributes that Django asks a view for, such as csrf_exempt, it has none."""

    def view(request: HttpRequest, *arguments: Any, **words: Any) -> HttpResponseBase:
        answer: HttpResponseBase = getattr(import_module(module), name)(request, *arguments, **words)
        return answer

    view.__module__, view.__qualname__ = module, name
    return view
