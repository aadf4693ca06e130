"""Jobs about a study: their name for it, who may see them, and rendering its explanations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import HttpRequest

from readerstudy.accounts.models import User
from readerstudy.common.counting import counted
from readerstudy.explanations.planning import Options
from readerstudy.jobs.models import Job
from readerstudy.jobs.queueing import ask
from readerstudy.jobs.work import Work
from readerstudy.studies.access import researcher_study
from readerstudy.studies.models import Study
from readerstudy.studies.precomputing import Part, precompute, refuse_unless_renderable


def about(study: Study) -> str:
    return f"study/{study.slug}"


def study_of(about: str) -> Study:
    return Study.objects.get(slug=about.removeprefix("study/"))


def may_see(request: HttpRequest, about: str) -> None:
    """Who runs the study; Http404 for others."""
    researcher_study(request, about.removeprefix("study/"))


class RenderJobForm(forms.Form):
    force = forms.BooleanField(
        label="Also what exists or has failed", required=False, help_text="Otherwise only what is missing is rendered."
    )


def ask_for_rendering(about: str, user: User, data: Mapping[str, Any]) -> Job:
    """Queue the rendering of what a draft study's methods show; ValidationError where nothing can be rendered."""
    study = study_of(about)
    refuse_unless_renderable(study)
    title = f"Render the explanations of “{study.title}”"
    return ask("precompute", about, title, user, study=study.slug, force=bool(data["force"]))


def render_study(work: Work, study: str, force: bool) -> str:
    """What a worker does."""
    found = Study.objects.get(slug=study)
    total, finished = found.examples.count(), 0

    def progress(more: int) -> None:
        nonlocal finished
        finished += more
        work.progress(finished, total, "Rendering explanations")

    work.progress(0, total, "Loading the models")
    done = precompute(found, Part(), Options(force=force, writing=work.writing), progress)
    failed = f", {len(done.failed)} failed: see the list below" if done.failed else ""
    made = f"Rendered {counted(done.made, 'explanation')} on {done.device or 'no device'}"
    return f"{made}; {done.existing} existed{failed}."
