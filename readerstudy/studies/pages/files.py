"""Files for researchers: images, explanation files and maps of the study's own examples. Truth masks are not here."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from readerstudy.cases.media import case_file, named, serve
from readerstudy.cases.models import Case
from readerstudy.explanations.models import Explanation, ExplanationFile
from readerstudy.studies.access import researcher_study
from readerstudy.studies.strips import serve_explanation_file


@require_safe
def study_file(request: HttpRequest, slug: str, name: str) -> HttpResponseBase:
    study = researcher_study(request, slug)
    file = case_file(Case.objects.filter(predictions__examples__study=study), name)
    if file is None:
        rows = ExplanationFile.objects.filter(explanation__prediction__examples__study=study, **named("file", name))
        row = rows.select_related("explanation").first()
        if row is not None:
            return serve_explanation_file(request, study, row)
    if file is None:
        maps = Explanation.objects.filter(prediction__examples__study=study, **named("map", name)).distinct()
        file = get_object_or_404(maps[:1]).map
    return serve(request, file)
