"""Files for readers: what their opened reads show them, and nothing else."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from readerstudy.cases.media import case_file, named, serve
from readerstudy.cases.models import Case
from readerstudy.common.refusals import NotFound
from readerstudy.explanations.models import ExplanationFile
from readerstudy.explanations.panel_forms import FORMS
from readerstudy.reading.access import reader
from readerstudy.reading.models import Assignment, Reader
from readerstudy.studies.kinds_shown import kind_shown
from readerstudy.studies.strips import serve_explanation_file


@require_safe
def reading_file(request: HttpRequest, slug: str, name: str) -> HttpResponseBase:
    """A display image, or a file of an explanation kind that the assigned method shows, from an opened read."""
    me = reader(request, slug)
    assignments = Assignment.objects.filter(read__reader=me, read__opened_at__isnull=False)
    file = case_file(Case.objects.filter(predictions__examples__assignments__in=assignments), name)
    if file is not None:
        return serve(request, file)
    row = explanation_file(me, name)
    if row is None:
        raise NotFound("No such file in your opened reads.")
    return serve_explanation_file(request, me.study, row)


def explanation_file(me: Reader, name: str) -> ExplanationFile | None:
    rows = ExplanationFile.objects.filter(explanation__examples__study=me.study, **named("file", name))
    # What the page shows and no more: an animation's GIF tells the number of frames, its curve lambdas and predictions.
    for row in rows.select_related("explanation"):
        if row.role != FORMS[kind_shown(me.study, row.explanation.kind).shows].role:
            continue
        shown = Assignment.objects.filter(
            read__reader=me, read__opened_at__isnull=False, example__explanations=row.explanation
        )
        if any(row.explanation.kind in assignment.method.kinds for assignment in shown.select_related("method")):
            return row
    return None
