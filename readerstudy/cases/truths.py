"""Truth for administrators' pages. The apps above say what must not be shown now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.dispatch import Signal
from django.http import HttpRequest

from readerstudy.cases.models import Case, Truth

# request=..., cases=...: asks the apps above whose truth this person may not see now; a receiver answers with Hidden.
hidden_asked = Signal()


@dataclass(frozen=True)
class Hidden:
    cases: QuerySet[Any, Any]  # primary keys
    where: Callable[[], list[tuple[str, str]]]  # title and address of each page on which to say why one looks


def shown_truths(request: HttpRequest, cases: QuerySet[Case]) -> QuerySet[Truth]:
    """Truths of `cases` that may be shown now."""
    truths = Truth.objects.filter(case__in=cases)
    for hidden in _hidden(request, cases):
        truths = truths.exclude(case__in=hidden.cases)
    return truths


def where_to_ask(request: HttpRequest, cases: QuerySet[Case]) -> list[tuple[str, str]]:
    """Title and address of the pages that ask why, for truths of `cases` that are not shown."""
    return [page for hidden in _hidden(request, cases) for page in hidden.where()]


def _hidden(request: HttpRequest, cases: QuerySet[Case]) -> list[Hidden]:
    answers: list[tuple[Any, Any]] = hidden_asked.send(sender=Truth, request=request, cases=cases)
    return [hidden for _, hidden in answers]
