"""Files for readers: what their opened reads show them, and nothing else."""

from django.db.models.fields.files import FieldFile
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from readerstudy.cases.media import case_file, named, serve
from readerstudy.cases.models import Case
from readerstudy.explanations.colouring import shown_file
from readerstudy.explanations.models import ExplanationFile
from readerstudy.reading.access import reader
from readerstudy.reading.models import Assignment, Reader


@require_safe
def reading_file(request: HttpRequest, slug: str, name: str) -> HttpResponseBase:
    """A display image, or a file of an explanation kind that the assigned method shows, from an opened read."""
    me = reader(request, slug)
    assignments = Assignment.objects.filter(read__reader=me, read__opened_at__isnull=False)
    file = case_file(Case.objects.filter(predictions__examples__assignments__in=assignments), name)
    file = file or explanation_file(me, name)
    if file is None:
        raise Http404("No such file in your opened reads.")
    return serve(request, file)


def explanation_file(me: Reader, name: str) -> FieldFile | None:
    rows = ExplanationFile.objects.filter(explanation__examples__study=me.study, **named("file", name))
    if not me.study.show_frame_predictions:
        rows = rows.exclude(role=ExplanationFile.Role.CURVE)  # it plots the prediction of every frame
    for row in rows.select_related("explanation"):
        shown = Assignment.objects.filter(
            read__reader=me, read__opened_at__isnull=False, example__explanations=row.explanation
        )
        if any(row.explanation.kind in assignment.method.kinds for assignment in shown.select_related("method")):
            return shown_file(row, me.study.heatmap_scale)
    return None
