"""The researcher's page of a study's examples: draw them, list them, with truth where that is allowed."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from readerstudy.cases.loading.names import names_apart
from readerstudy.common.counting import counted
from readerstudy.common.refusals import NotAllowed
from readerstudy.studies import looking
from readerstudy.studies.access import researcher_study, signed_in
from readerstudy.studies.composition import truths_of
from readerstudy.studies.models import Study
from readerstudy.studies.pages import forms
from readerstudy.studies.presets import preset_named
from readerstudy.studies.selection import select_examples, unmatched_sentence


@never_cache
def examples(request: HttpRequest, slug: str) -> HttpResponse:
    """Draw examples; list them. Truth is listed for a draft and a closed study, and for who said why."""
    study = researcher_study(request, slug)
    form = forms.SelectionForm(request.POST or None, initial=_selection_initial(study))
    if request.method == "POST" and form.is_valid():
        batch, user = form.cleaned_data["batch"], signed_in(request)
        try:
            selection = select_examples(
                study, batch, form.draw(), user=user, replace=True, why=form.cleaned_data["why"]
            )
        except ValidationError as error:
            form.add_error(None, error)
            for sentence in names_apart(batch, form.cleaned_data["model"]):
                form.add_error(None, sentence)
        else:
            scored, practice = (selection.examples.filter(practice=value).count() for value in (False, True))
            drawn = f"{counted(scored, 'example')} and {counted(practice, 'practice example')}"
            messages.success(request, f"Selected {drawn}.")
            for sentence in names_apart(batch, form.cleaned_data["model"]):
                messages.warning(request, sentence)
            if left := unmatched_sentence(selection):
                messages.warning(request, left)
            return redirect("study_examples", slug)
    try:
        show_truth, refused = looking.truth_reason(request, study) is not None, ""
    except NotAllowed as error:
        show_truth, refused = False, str(error)
    if show_truth:
        looking.record_truth(request, study, signed_in(request), "truth of the examples")
    context = _examples_context(study, show_truth, form)
    return render(request, "studies/examples.html", {**context, "truth_refused": refused})


@require_POST
def look_at_truth(request: HttpRequest, slug: str) -> HttpResponse:
    """Takes the reason for listing the truth of examples that an open study shows: this one or another."""
    study = researcher_study(request, slug)
    reason = forms.ReasonForm(request.POST)
    if not reason.is_valid():
        messages.error(request, "Say why you need to see the truth while the study is open.")
        return redirect("study_examples", slug)
    looking.refuse_readers(study, signed_in(request))
    looking.start_looking(request, study, reason.cleaned_data["why"])
    return redirect("study_examples", slug)


def _selection_initial(study: Study) -> dict[str, Any]:
    last = study.selections.select_related("batch").last()
    if last is None:
        return {"threshold": study.operating_point, **preset_named(study.preset).draw}
    return {**last.parameters, "batch": last.batch, "threshold": study.operating_point}


def _examples_context(study: Study, show_truth: bool, form: forms.SelectionForm) -> dict[str, Any]:
    truths = truths_of(study) if show_truth else {}
    rows = [
        {
            "example": example,
            "prediction": example.prediction,
            "case": example.prediction.case,
            "truth": truths.get((example.prediction.case_id, example.prediction.pathology)),
        }
        for example in study.examples.select_related("prediction__case").order_by("practice", "number")
    ]
    return {
        "study": study,
        "form": form,
        "rows": rows,
        "show_truth": show_truth,
        "selection": study.selections.select_related("batch", "created_by").last(),
        "reason": forms.ReasonForm(),
    }
