"""An example as a reader would see it, for the people who run the study. Read-only: nothing is stored.

The facts are those the reading room gets (presentation.example_facts); the picture is drawn by the server as SVG, with
the model's field of view and the layers in place, but without the viewer's tools.
"""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from readerstudy.explanations.models import ExplanationFile
from readerstudy.reading.presentation import example_facts, file_url
from readerstudy.studies.access import researcher_study
from readerstudy.studies.models import Example, Study

_URL = "study_file"  # the researchers' own way to a study's files


@require_safe
def preview(request: HttpRequest, slug: str, number: int, practice: bool = False) -> HttpResponse:
    """Example `number` with the method of ?method=KEY (default: the first)."""
    study = researcher_study(request, slug)
    same = study.examples.filter(practice=practice)
    example = get_object_or_404(
        same.select_related("prediction__case").prefetch_related("explanations__files"), number=number
    )
    methods = list(study.methods.all())
    chosen = next((method for method in methods if method.key == request.GET.get("method")), None)
    method = chosen or (methods[0] if methods else None)
    context: dict[str, Any] = {
        "study": study,
        "example": example,
        "practice": practice,
        "methods": methods,
        "method": method,
        "questions": [
            {"question": question, "scores": range(question.minimum, question.maximum + 1)}
            for question in study.questions.all()
        ],
        "previous": same.filter(number__lt=number).order_by("-number").values_list("number", flat=True).first(),
        "next": same.filter(number__gt=number).order_by("number").values_list("number", flat=True).first(),
    }
    if method is not None:
        facts = example_facts(example, method, _URL, study)
        animations = _animations(example, study)
        panels = [panel | {"gif_url": animations.get(panel["key"])} for panel in facts["panels"]]
        context |= {"facts": facts, "panels": panels, "grey": grey_matrix(facts["case"]["image"])}
    return render(request, "reading/preview.html", context)


def grey_matrix(image: dict[str, Any]) -> str:
    """feColorMatrix values that show a stored display image in its grey window.

    A pixel is R for 8 bits, else 256 R + G (explain.render.display_image); the window maps to black..white.
    """
    low, high = image["window"] or (0, 2 ** image["bits"] - 1)
    scale = 255 / max(high - low, 1)
    red, green = (scale, 0.0) if image["bits"] == 8 else (256 * scale, scale)
    row = f"{red:.6g} {green:.6g} 0 0 {-low / max(high - low, 1):.6g}"
    return f"{row} {row} {row} 0 0 0 1 0"


def _animations(example: Example, study: Study) -> dict[str, str]:
    """Kind -> address of its GIF."""
    return {
        explanation.kind: file_url(_URL, study, file.file)
        for explanation in example.explanations.all()
        for file in explanation.files.all()
        if file.role == ExplanationFile.Role.GIF
    }
