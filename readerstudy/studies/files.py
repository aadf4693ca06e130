"""Files for researchers: images, explanation files and maps of the study's own examples. Truth masks are not here."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from readerstudy.cases.media import case_file, named, serve
from readerstudy.cases.models import Case
from readerstudy.explanations.colouring import shown_file
from readerstudy.explanations.models import Explanation, ExplanationFile
from readerstudy.studies.access import researcher_study


@require_safe
def study_file(request: HttpRequest, slug: str, name: str) -> HttpResponseBase:
    study = researcher_study(request, slug)
    file = case_file(Case.objects.filter(predictions__examples__study=study), name)
    if file is None:
        row = ExplanationFile.objects.filter(
            explanation__prediction__examples__study=study, **named("file", name)
        ).first()
        file = shown_file(row, study.heatmap_scale) if row else None
    if file is None:
        maps = Explanation.objects.filter(prediction__examples__study=study, **named("map", name)).distinct()
        file = get_object_or_404(maps[:1]).map
    return serve(request, file)
