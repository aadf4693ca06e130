"""The researcher's pages of a study's examples and their explanations."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from explain.methods.kinds import KINDS
from readerstudy.cases.loading.names import names_apart
from readerstudy.common.counting import counted
from readerstudy.explanations.models import Explanation
from readerstudy.explanations.parameters import RenderParameters
from readerstudy.studies import looking
from readerstudy.studies.access import researcher_study, signed_in
from readerstudy.studies.drafting import draft_for_update, truths_of
from readerstudy.studies.models import Example, Study
from readerstudy.studies.pages import forms
from readerstudy.studies.pages.attempts import attempt
from readerstudy.studies.precomputing import is_current, study_kinds
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
    except PermissionDenied as error:
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


def explanations(request: HttpRequest, slug: str) -> HttpResponse:
    """Render parameters, what is rendered and what failed, and the command that renders the rest."""
    study = researcher_study(request, slug)
    form = forms.RenderForm(request.POST or None, initial=forms.render_initial(study))

    def save() -> None:
        draft = draft_for_update(study)
        draft.render_parameters = form.cleaned_data
        draft.save()

    if request.method == "POST" and form.is_valid() and attempt(request, save, "The parameters are saved."):
        return redirect("study_explanations", slug)
    shown = list(study.examples.prefetch_related("explanations").select_related("prediction"))
    rows = _rendered(study, shown)
    context = {
        "study": study,
        "form": form,
        "rows": rows,
        "examples": len(shown),
        "complete": all(not row["missing"] for row in rows),
        "failed": _failed(shown),
        "differ": sorted({example.number for example in shown if _differs(example)}),
    }
    return render(request, "studies/explanations.html", context)


def _rendered(study: Study, examples: Sequence[Example]) -> list[dict[str, Any]]:
    parameters = RenderParameters.from_dict(study.render_parameters)
    pinned = [row for example in examples for row in example.explanations.all()]
    counts = Counter((row.kind, row.status) for row in pinned if is_current(row, parameters))
    rows = []
    for name in study_kinds(study):
        done = counts[name, Explanation.Status.DONE]
        failed = counts[name, Explanation.Status.FAILED]
        rows.append({"kind": KINDS[name], "done": done, "failed": failed, "missing": len(examples) - done})
    return rows


def _failed(examples: Sequence[Example]) -> list[dict[str, Any]]:
    return [
        {"example": example, "pathology": example.prediction.pathology, "kind": row.kind, "error": row.error}
        for example in examples
        for row in example.explanations.all()
        if row.status == Explanation.Status.FAILED
    ]


def _differs(example: Example) -> bool:
    """The model predicts something else for the redrawn image than for the radiograph."""
    return not example.practice and any(row.record.get("reconstruction_differs") for row in example.explanations.all())
