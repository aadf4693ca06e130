"""A reader stops taking part. Answers stay: leaving them out of analysis is an Exclusion, with its own reason."""

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from readerstudy.reading.allocation import allocate_reader
from readerstudy.reading.models import Reader
from readerstudy.studies.access import researcher_study
from readerstudy.studies.models import Study


@require_POST
def withdraw(request: HttpRequest, slug: str, code: str) -> HttpResponse:
    """Note the withdrawal, or take it back (`action=return`). Both are kept in the reader's history."""
    study = researcher_study(request, slug)
    reader = get_object_or_404(Reader, study=study, code=code)
    returns = request.POST.get("action") == "return"
    reader.withdrawn_at = None if returns else reader.withdrawn_at or timezone.now()
    with transaction.atomic():
        reader.save(update_fields=["withdrawn_at"])
        if returns and study.state == Study.State.OPEN and not reader.reads.exists():
            allocate_reader(reader)  # the study opened in the meantime
    messages.success(request, f"{code} {'takes part again' if returns else 'has withdrawn; answers given are kept'}.")
    return redirect("people", slug)
