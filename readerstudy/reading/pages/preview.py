"""An example as a reader would see it, for the people who run the study: the reading room's own viewer and questions.

The page carries the facts that a reader would get (presentation.py) and has no address to send answers to.
"""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from readerstudy.explanations.panel_forms import FORMS
from readerstudy.reading import keys
from readerstudy.reading.presentation import example_facts, not_asked_keys, question_facts, study_facts
from readerstudy.studies.access import researcher_study
from readerstudy.studies.models import Example, Method, Study


@require_safe
def preview(request: HttpRequest, slug: str, number: int, practice: bool = False) -> HttpResponse:
    """Example `number` with the method of ?method=KEY (default: the first)."""
    study = researcher_study(request, slug)
    examples = study.examples.filter(practice=practice).order_by("number")
    example = get_object_or_404(
        examples.select_related("prediction__case").prefetch_related("explanations__files"), number=number
    )
    methods = list(study.methods.all())
    chosen = [method for method in methods if method.key == request.GET.get("method")] or methods
    if not chosen:
        return render(request, "reading/preview_impossible.html", {"study": study})
    method, numbers = chosen[0], list(examples.values_list("number", flat=True))
    context = {
        "study": study,
        "example": example,
        "methods": methods,
        "method": method,
        "facts": preview_facts(study, example, method, methods, numbers),
        "before": _address(study, practice, method, [other for other in numbers if other < number][-1:]),
        "after": _address(study, practice, method, [other for other in numbers if other > number][:1]),
    }
    return render(request, "reading/preview.html", context)


def preview_facts(
    study: Study, example: Example, method: Method, methods: list[Method], numbers: list[int]
) -> dict[str, Any]:
    """What static/reading/preview.js shows. Panels without a file yet are named in `missing` and left out."""
    shown = example_facts(example, method, "study_file", study)
    missing = [panel for panel in shown["panels"] if panel["type"] != "input" and not _file_of(panel)]
    ready = [panel for panel in shown["panels"] if panel not in missing]
    position = {"position": numbers.index(example.number) + 1, "total": len(numbers), "practice": example.practice}
    rest = {"not_asked": not_asked_keys(study, method), "answers": {}, "comment": "", "visit_token": ""}
    return {
        "study": study_facts(study, True, methods),
        "keys": keys.table({}),
        "questions": [question_facts(question) for question in study.questions.all()],
        "assignment": {**position, **shown, "panels": ready, **rest},
        "missing": [panel["title"] for panel in missing],
    }


def _file_of(panel: dict[str, Any]) -> str | None:
    return next((panel[form.url_field] for form in FORMS.values() if panel.get(form.url_field)), None)


def _address(study: Study, practice: bool, method: Method, number: list[int]) -> str:
    """Where the preview of another example is; empty where there is none."""
    name = "study_preview_practice" if practice else "study_preview"
    return f"{reverse(name, args=[study.slug, number[0]])}?method={method.key}" if number else ""
