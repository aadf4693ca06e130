"""What jobs about a study have in common: their name for it, and who may see them."""

from __future__ import annotations

from django.http import HttpRequest

from readerstudy.studies.access import researcher_study
from readerstudy.studies.models import Study


def about(study: Study) -> str:
    return f"study/{study.slug}"


def may_see(request: HttpRequest, about: str) -> None:
    """Who runs the study; Http404 for others."""
    researcher_study(request, about.removeprefix("study/"))
