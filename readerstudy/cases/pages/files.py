"""A batch's image files, for administrators."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from readerstudy.accounts.access import administrator
from readerstudy.cases.media import case_file, named, serve
from readerstudy.cases.models import Batch
from readerstudy.cases.truths import shown_truths


@require_safe
def batch_file(request: HttpRequest, batch: str, name: str) -> HttpResponseBase:
    """Display images and truth masks of a batch, for administrators; no mask that an open study uses (truths.py)."""
    administrator(request)
    found = get_object_or_404(Batch, name=batch)
    file = case_file(found.cases.all(), name)
    if file is None:
        file = get_object_or_404(shown_truths(request, found.cases.all()), **named("mask", name)).mask
    return serve(request, file)
