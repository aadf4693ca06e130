"""An upload in the browser, for administrators: its check, what is to be mended, loading, the linking table."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from readerstudy.accounts.access import administrator
from readerstudy.cases.jobs import begin_check, under_way
from readerstudy.cases.loading import mending, staging
from readerstudy.cases.loading.expiry import about, refuse_elsewhere
from readerstudy.cases.loading.problems import BatchRefused
from readerstudy.cases.upload_forms import MendForm
from readerstudy.common.counting import counted
from readerstudy.common.downloads import disposition

SHOWN_PROBLEMS = 500


@never_cache
def staged(request: HttpRequest, token: str) -> HttpResponse:
    """What the check of an upload has found, or how far it is; POST loads a small one."""
    user = administrator(request)
    if request.method == "POST":
        return _load(request, token, user)
    found = staging.find(token)
    if found.loaded and not found.has_links:
        return redirect("batch", found.batch)
    job = under_way([token]).get(token)
    context: dict[str, Any] = {"staged": found, "report": found.report, "job": job, "about": about(token)}
    context |= {"shown": SHOWN_PROBLEMS, "shown_slice": f":{SHOWN_PROBLEMS}"}
    if found.may_be_mended:
        context["form"] = MendForm(initial={"batch": found.batch}, label_suffix="")
    return render(request, "cases/loaded.html" if found.loaded else "cases/staged.html", context)


def _load(request: HttpRequest, token: str, user: Any) -> HttpResponse:
    name = staging.find(token).batch
    try:
        _refuse_under_way(token)
        loaded = staging.confirm(token, user)
    except BatchRefused as error:
        for problem in error.problems[:SHOWN_PROBLEMS]:
            messages.error(request, str(problem))
        return redirect("batch_staged", token)
    except ValidationError as error:
        messages.error(request, error.messages[0])
        return redirect("batch_staged", token)
    if loaded.created:
        messages.success(request, f"{counted(loaded.report.cases, 'case was', 'cases were')} loaded as batch {name}.")
        if not loaded.batch.keeps_source_ids:
            return redirect("batch_staged", token)
    else:
        messages.info(request, f"Batch {name} was there already with the same content; nothing was changed.")
    return redirect("batch", name)


@require_POST
def mend(request: HttpRequest, token: str) -> HttpResponse:
    """Lay corrected files over those of an upload, and check it again."""
    user = administrator(request)
    form = MendForm(request.POST, request.FILES)
    try:
        if not form.is_valid():
            raise ValidationError([error for errors in form.errors.values() for error in errors])
        _refuse_under_way(token)
        staged = mending.mend(token, form.cleaned_data["corrected"], form.cleaned_data["batch"])
        begin_check(staged, user)
    except BatchRefused as error:
        for problem in error.problems:
            messages.error(request, str(problem))
    except ValidationError as error:
        for sentence in error.messages:
            messages.error(request, sentence)
    return redirect("batch_staged", token)


@require_POST
def discard(request: HttpRequest, token: str) -> HttpResponse:
    administrator(request)
    refuse_elsewhere(token)
    try:
        _refuse_under_way(token)
    except ValidationError as error:
        messages.error(request, error.messages[0])
        return redirect("batch_staged", token)
    staging.remove(token)
    messages.success(request, "The upload was discarded; nothing was loaded.")
    return redirect("batches")


def _refuse_under_way(token: str) -> None:
    if under_way([token]):
        raise ValidationError("A worker is at this upload. Cancel its work first; it stops within seconds.")
    if staging.being_loaded(token):
        raise ValidationError("This upload is being loaded. Wait until that has ended; a look at this page shows it.")


@require_POST
@never_cache
def linking_table(request: HttpRequest, token: str) -> HttpResponse:
    """The linking table, once: it is removed with this answer."""
    administrator(request)
    content = staging.take_linking_table(token)
    response = HttpResponse(content, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = disposition("linking.csv")
    return response


@require_safe
@never_cache
def staged_thumbnail(request: HttpRequest, token: str, number: int) -> HttpResponse:
    administrator(request)
    return HttpResponse(staging.thumbnail(token, number), content_type="image/png")
