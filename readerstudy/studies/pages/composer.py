"""The researcher's pages of a study's design: new, overview, design, methods, questions, analysis plan."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from readerstudy.common.downloads import disposition
from readerstudy.statistics.plan import AnalysisError, AnalysisPlan
from readerstudy.studies import drafting as composition
from readerstudy.studies.access import may_create_study, researcher_study, run_by, signed_in
from readerstudy.studies.blinding import READS_THERE, cases_of, reads_of
from readerstudy.studies.checklist import checklist_for
from readerstudy.studies.models import Study
from readerstudy.studies.pages import forms
from readerstudy.studies.pages.attempts import attempt
from readerstudy.studies.pages.plan_form import PlanForm
from readerstudy.studies.presets import PRESETS
from readerstudy.studies.protocol import protocol


def new(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    if not may_create_study(user):
        raise PermissionDenied("New studies are made by administrators and by people who run a study.")
    form = forms.NewStudyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        study = composition.new_study(user=user, **form.cleaned_data)
        _warn_of_twins(request, study)
        return redirect("study", study.slug)
    return render(request, "studies/new.html", {"form": form})


def overview(request: HttpRequest, slug: str) -> HttpResponse:
    """Where the study stands: what is missing before it can open, what it is composed of, who looked at results."""
    study = researcher_study(request, slug)
    user = signed_in(request)
    checks = checklist_for(study, user) if study.is_draft else []
    hidden = READS_THERE if reads_of(user, cases_of(study), but=study) else ""
    context = {
        "study": study,
        "preset": PRESETS.get(study.preset),
        "checks": checks,
        "ready": all(check.state != "missing" for check in checks),
        "methods": study.methods.all(),
        "rows": [] if hidden else composition.composition(study),
        "hidden": hidden,
        "practice": study.examples.filter(practice=True).count(),
        "looks": study.looks.select_related("user"),
        "next_version": Study.objects.filter(previous_version=study).first(),
    }
    return render(request, "studies/overview.html", context)


@require_safe
def protocol_file(request: HttpRequest, slug: str) -> HttpResponse:
    """The protocol as JSON, with every draw: seed, parameters and the candidates considered."""
    study = researcher_study(request, slug)
    headers = {"Content-Disposition": disposition(f"{study.slug}-protocol.json")}
    return JsonResponse(protocol(study), json_dumps_params={"indent": 1}, headers=headers)


def design(request: HttpRequest, slug: str) -> HttpResponse:
    study = researcher_study(request, slug)
    form = forms.DesignForm(request.POST or None, instance=study)
    if request.method == "POST" and form.is_valid() and attempt(request, form.save, "The design is saved."):
        if "title" in form.changed_data:
            _warn_of_twins(request, form.instance)
        return redirect("study_design", slug)
    study = Study.objects.get(pk=study.pk)  # the form has written what was typed into the other instance
    return render(request, "studies/design.html", {"study": study, "form": form})


def methods(request: HttpRequest, slug: str) -> HttpResponse:
    study = researcher_study(request, slug)
    formset = forms.MethodFormSet(request.POST or None, initial=forms.method_initial(study), prefix="methods")

    def save() -> None:
        composition.replace_methods(study, formset.rows())

    if request.method == "POST" and formset.is_valid() and attempt(request, save, "The methods are saved."):
        return redirect("study_methods", slug)
    return render(request, "studies/methods.html", {"study": study, "formset": formset})


def questions(request: HttpRequest, slug: str) -> HttpResponse:
    study = researcher_study(request, slug)
    names = ("key", "text", "minimum", "maximum", "low_label", "high_label", "about_explanation")
    initial = [*study.questions.values(*names)]
    formset = forms.QuestionFormSet(request.POST or None, initial=initial, prefix="questions")

    def save() -> None:
        composition.replace_questions(study, formset.rows())

    if request.method == "POST" and formset.is_valid() and attempt(request, save, "The questions are saved."):
        return redirect("study_questions", slug)
    return render(request, "studies/questions.html", {"study": study, "formset": formset})


def plan(request: HttpRequest, slug: str) -> HttpResponse:
    """The analysis plan: what will be tested and how, fixed with the rest when the study opens."""
    study = researcher_study(request, slug)
    form = PlanForm(request.POST or None, study=study)

    def save() -> None:
        draft = composition.draft_for_update(study)
        draft.analysis_plan = form.plan.to_dict()
        draft.save()

    if request.method == "POST" and form.is_valid() and attempt(request, save, "The analysis plan is saved."):
        return redirect("study_plan", slug)
    return render(request, "studies/plan.html", {"study": study, "form": form, "families": _families(study)})


def _warn_of_twins(request: HttpRequest, study: Study) -> None:
    """Two studies of one title look alike on every page; only those that this person may see are named."""
    twins = run_by(signed_in(request)).filter(title__iexact=study.title).exclude(pk=study.pk)
    addresses = ", ".join(twins.order_by("created_at").values_list("slug", flat=True)[:3])
    if addresses:
        messages.warning(
            request,
            f"You have another study called “{study.title}” ({addresses}); this one is {study.slug}. "
            "Give one of them another title, so that nobody takes one for the other.",
        )


def _families(study: Study) -> tuple[Any, ...]:
    try:
        return AnalysisPlan.from_dict(study.analysis_plan).families
    except AnalysisError:
        return ()
