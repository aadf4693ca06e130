"""Jobs about a study: their name for it, who may see them; rendering its explanations, and measuring them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from readerstudy.accounts.models import User
from readerstudy.common.counting import counted
from readerstudy.explanations.evaluating import SCOPES, chosen_metrics, needs_torch
from readerstudy.explanations.planning import Options
from readerstudy.jobs.models import Job
from readerstudy.jobs.queueing import GPU, ask
from readerstudy.jobs.work import Work
from readerstudy.studies.access import researcher_study
from readerstudy.studies.evaluating import evaluate_part, of_study, record_touch
from readerstudy.studies.models import Study
from readerstudy.studies.precomputing import Part, precompute, refuse_unless_renderable


def about(study: Study) -> str:
    return f"study/{study.slug}"


def study_of(about: str) -> Study:
    return Study.objects.get(slug=about.removeprefix("study/"))


def may_see(request: HttpRequest, about: str) -> None:
    """Who runs the study; NotFound for others."""
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


class MeasureJobForm(forms.Form):
    scope = forms.ChoiceField(
        label="What to measure",
        choices=[(word, f"{meaning[0].upper()}{meaning[1:]}") for word, meaning in SCOPES.items()],
        help_text="What is measured already is left alone. What needs a model needs a worker with torch.",
    )
    why = forms.CharField(
        label="Why",
        max_length=300,
        required=False,
        help_text="Needed while an open study shows these radiographs, since masks tell the truth: recorded there.",
    )


def ask_for_measures(about: str, user: User, data: Mapping[str, Any]) -> Job:
    """Queue the measuring of what a study's examples show; ValidationError where nothing is rendered or may be used."""
    study, metrics = study_of(about), chosen_metrics([data["scope"]])
    explanations = of_study(study)
    if not explanations.exists():
        raise ValidationError(f"“{study.title}” has no explanations yet: render them first.")
    record_touch(explanations, metrics, user, data["why"])
    return ask(
        "evaluate",
        about,
        f"Measure the explanations of “{study.title}”",
        user,
        queue=GPU if needs_torch(metrics) else "",
        study=study.slug,
        scope=data["scope"],
    )


def measure_study(work: Work, study: str, scope: str) -> str:
    """What a worker does."""
    found = of_study(Study.objects.get(slug=study))
    work.progress(0, 0, "Looking for what is missing")
    done = evaluate_part(
        found,
        chosen_metrics([scope]),
        (1, 1),
        Options(writing=work.writing),
        lambda finished, total: work.progress(finished, total, "Measuring explanations"),
    )
    failed = f", {len(done.failed)} failed" if done.failed else ""
    return f"Measured {counted(done.made, 'value')} on {done.device or 'no device'}; {done.existing} existed{failed}."
