"""The researcher's pages of a study's design: design, methods, questions, analysis plan."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from readerstudy.explanations.chosen import CHOOSABLE
from readerstudy.statistics.plan import AnalysisError, AnalysisPlan
from readerstudy.studies import drafting
from readerstudy.studies.access import researcher_study
from readerstudy.studies.kind_pictures import example_named, kind_pictures
from readerstudy.studies.models import Study
from readerstudy.studies.pages import forms
from readerstudy.studies.pages.attempts import attempt
from readerstudy.studies.pages.overview import warn_of_twins
from readerstudy.studies.pages.plan_form import PlanForm, claims
from readerstudy.studies.precomputing import save_choice


def design(request: HttpRequest, slug: str) -> HttpResponse:
    study = researcher_study(request, slug)
    form = forms.DesignForm(request.POST or None, instance=study)
    if request.method == "POST" and form.is_valid() and attempt(request, form.save, "The design is saved."):
        if "title" in form.changed_data:
            warn_of_twins(request, form.instance)
        return redirect("study_design", slug)
    study = Study.objects.get(pk=study.pk)  # the form has written what was typed into the other instance
    return render(request, "studies/design.html", {"study": study, "form": form})


def methods(request: HttpRequest, slug: str) -> HttpResponse:
    study = researcher_study(request, slug)
    initial, kinds = forms.method_initial(study), {"kinds": forms.kind_choices(study)}
    formset = forms.MethodFormSet(request.POST or None, initial=initial, prefix="methods", form_kwargs=kinds)
    asked = [need for need in CHOOSABLE if need in request.POST]
    form = forms.ChosenModelsForm(request.POST if asked else None, study)

    def save() -> None:
        drafting.replace_methods(study, formset.rows())
        for need in asked:
            save_choice(study, need, form.cleaned_data[need])

    valid = request.method == "POST" and formset.is_valid() and (not asked or form.is_valid())
    if valid and attempt(request, save, "The methods are saved."):
        return redirect("study_methods", slug)
    context = {"study": study, "formset": formset, "form": form, **_pictures(study, request.GET.get("example", ""))}
    return render(request, "studies/methods.html", context)


def _pictures(study: Study, name: str) -> dict[str, Any]:
    """What each kind makes of the example of that name, and the kinds that could be rendered for it."""
    example = example_named(study, name)
    if example is None:
        return {"example": None}
    examples = study.examples.order_by("practice", "number").select_related("prediction")
    pictures = kind_pictures(study, example)
    return {
        "example": example,
        "choices": [(f"P{each.number}" if each.practice else str(each.number), each) for each in examples],
        "pictures": pictures,
        "missing": [one.name for one in pictures if one.can_be_computed and not one.url and not one.error],
    }


def questions(request: HttpRequest, slug: str) -> HttpResponse:
    study = researcher_study(request, slug)
    formset = forms.QuestionFormSet(request.POST or None, initial=forms.question_initial(study), prefix="questions")

    def save() -> None:
        drafting.replace_questions(study, formset.rows())

    if request.method == "POST" and formset.is_valid() and attempt(request, save, "The questions are saved."):
        return redirect("study_questions", slug)
    return render(request, "studies/questions.html", {"study": study, "formset": formset})


def plan(request: HttpRequest, slug: str) -> HttpResponse:
    """The analysis plan: what will be tested and how, fixed with the rest when the study opens."""
    study = researcher_study(request, slug)
    form = PlanForm(request.POST or None, study=study)

    def save() -> None:
        draft = drafting.draft_for_update(study)
        draft.analysis_plan = form.plan.to_dict()
        draft.save()

    if request.method == "POST" and form.is_valid() and attempt(request, save, "The analysis plan is saved."):
        return redirect("study_plan", slug)
    context = {"study": study, "form": form, "families": _families(study), "claims": claims()}
    return render(request, "studies/plan.html", context)


def _families(study: Study) -> tuple[Any, ...]:
    try:
        return AnalysisPlan.from_dict(study.analysis_plan).families
    except AnalysisError:
        return ()
