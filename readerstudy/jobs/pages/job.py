"""Jobs: asking for one, how far it is, for the page that shows it, and cancelling it."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from readerstudy.accounts.access import signed_in
from readerstudy.common.refusals import NotFound
from readerstudy.jobs import queueing
from readerstudy.jobs.kinds import kind_named, kinds, named_function
from readerstudy.jobs.models import Job
from readerstudy.jobs.panel import words


def visible_job(request: HttpRequest, pk: int) -> Job:
    """The job, for whom its kind lets in; 404 for others, as the pages do on which it stands."""
    signed_in(request)
    job = get_object_or_404(Job, pk=pk)
    named_function(kind_named(job.kind).access)(request, job.about)
    return job


@require_POST
def start(request: HttpRequest, kind: str, about: str) -> HttpResponse:
    """Queue a job of a kind about a thing, for whom the kind lets in."""
    signed_in(request)
    found = kinds().get(kind)
    if found is None:
        raise NotFound("There is no such kind of job.")
    named_function(found.access)(request, about)
    form = named_function(found.form)(request.POST) if found.form else None
    if form is not None and not form.is_valid():
        messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
        return _back(request)
    try:
        named_function(found.ask)(about, signed_in(request), form.cleaned_data if form is not None else {})
    except ValidationError as error:
        messages.warning(request, " ".join(error.messages))
    return _back(request)


@require_safe
@never_cache
def state(request: HttpRequest, pk: int) -> JsonResponse:
    job = visible_job(request, pk)
    said = {"state": job.state, "label": job.get_state_display(), "words": words(job)}
    return JsonResponse(said | {"under_way": job.under_way, "done": job.done, "total": job.total})


@require_POST
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    job = visible_job(request, pk)
    try:
        queueing.cancel(job, signed_in(request))
        messages.success(request, f"{job.title}: cancelled. What was stored so far is kept.")
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return _back(request)


def _back(request: HttpRequest) -> HttpResponse:
    back = request.POST.get("back", "/")
    return redirect(back if url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}) else "/")
