"""The researcher's page of a study's explanations: how they are rendered, what is, what failed."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from readerstudy.explanations.models import Explanation
from readerstudy.explanations.parameters import RenderParameters
from readerstudy.studies.access import researcher_study
from readerstudy.studies.alignments import aligned_examples
from readerstudy.studies.drafting import draft_for_update
from readerstudy.studies.jobs import about
from readerstudy.studies.kinds_shown import kinds_shown
from readerstudy.studies.models import Example, Study
from readerstudy.studies.pages.attempts import attempt
from readerstudy.studies.pages.render_form import RenderForm
from readerstudy.studies.precomputing import is_current


def explanations(request: HttpRequest, slug: str) -> HttpResponse:
    """Render parameters, what is rendered and what failed, and the command that renders the rest."""
    study = researcher_study(request, slug)
    form = RenderForm(request.POST or None, study)

    def save() -> None:
        draft = draft_for_update(study)
        draft.render_parameters = form.stored()
        draft.save()

    if request.method == "POST" and form.is_valid() and attempt(request, save, "The parameters are saved."):
        return redirect("study_explanations", slug)
    shown = list(study.examples.prefetch_related("explanations").select_related("prediction"))
    rows = _rendered(study, shown)
    context = {
        "study": study,
        "form": form,
        "rows": rows,
        "job_about": about(study),
        "examples": len(shown),
        "complete": all(not row["missing"] for row in rows),
        "failed": _failed(shown),
        "aligned": _aligned(study),
        "differ": sorted({example.number for example in shown if _differs(example)}),
    }
    return render(request, "studies/explanations.html", context)


@require_safe
def alignment(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """The chart of one scored example: which other outputs of the classifier move with the explained one; SVG."""
    study = researcher_study(request, slug)
    aligned = next(aligned_examples(study, number), None)
    if aligned is None or aligned.alignment is None:
        raise Http404("There is no such chart.")
    response = HttpResponse(aligned.alignment.chart(), content_type="image/svg+xml")
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"  # also when it is opened by itself
    return response


def _rendered(study: Study, examples: Sequence[Example]) -> list[dict[str, Any]]:
    parameters = RenderParameters.from_dict(study.render_parameters)
    pinned = [row for example in examples for row in example.explanations.all()]
    counts = Counter((row.kind, row.status) for row in pinned if is_current(row, parameters))
    rows = []
    for kind in kinds_shown(study):
        done = counts[kind.name, Explanation.Status.DONE]
        failed = counts[kind.name, Explanation.Status.FAILED]
        rows.append({"kind": kind, "done": done, "failed": failed, "missing": len(examples) - done})
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


def _aligned(study: Study) -> dict[str, Any]:
    """known: scored examples with a chart. earlier: how many have none because an earlier version rendered them."""
    found = list(aligned_examples(study))
    return {"known": [one for one in found if one.alignment], "earlier": sum(one.earlier for one in found)}
