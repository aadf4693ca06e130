"""The researcher's page of a study's explanations: how they are rendered, what is, what failed."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from readerstudy.common.refusals import NotAllowed, NotFound
from readerstudy.explanations.models import Explanation
from readerstudy.studies import looking
from readerstudy.studies.access import researcher_study, signed_in
from readerstudy.studies.alignments import aligned_examples
from readerstudy.studies.drafting import draft_for_update
from readerstudy.studies.jobs import about
from readerstudy.studies.kinds_shown import kinds_shown
from readerstudy.studies.measures_shown import measures_shown
from readerstudy.studies.models import Example, Study
from readerstudy.studies.pages.attempts import attempt
from readerstudy.studies.pages.render_form import RenderForm
from readerstudy.studies.precomputing import Wanted, is_current


@never_cache
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
        "why_not_measured": "" if any(row["done"] for row in rows) else "Nothing is rendered yet.",
        **_measures(request, study),
        "differ": sorted({example.number for example in shown if _differs(example)}),
    }
    return render(request, "studies/explanations.html", context)


@require_safe
def alignment(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """The chart of one scored example: which other outputs of the classifier move with the explained one; SVG."""
    study = researcher_study(request, slug)
    aligned = next(aligned_examples(study, number), None)
    if aligned is None or aligned.alignment is None:
        raise NotFound("There is no such chart.")
    response = HttpResponse(aligned.alignment.chart(), content_type="image/svg+xml")
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"  # also when it is opened by itself
    return response


def _measures(request: HttpRequest, study: Study) -> dict[str, Any]:
    """Those that tell the truth are shown as the truth is: recorded, for a reason where one is asked for."""
    try:
        with_truth, refused = looking.truth_reason(request, study) is not None, ""
    except NotAllowed as error:
        with_truth, refused = False, str(error)
    shown = measures_shown(study, request.GET.dict(), with_truth)
    if any(metric.truth for metric in shown.metrics):
        looking.record_truth(request, study, signed_in(request), "measures of the explanations")
    return {"measures": shown, "truth_refused": refused}


def _rendered(study: Study, examples: Sequence[Example]) -> list[dict[str, Any]]:
    wanted = Wanted.of(study)
    pinned = [row for example in examples for row in example.explanations.all()]
    counts = Counter((row.kind, row.status) for row in pinned if is_current(row, wanted))
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
