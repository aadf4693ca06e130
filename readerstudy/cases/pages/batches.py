"""Batches in the browser, for administrators: list, upload, what a batch holds."""

import re
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Count, Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from explain.render.pictures import read_display_image
from readerstudy.accounts.access import administrator
from readerstudy.cases.jobs import begin_check, under_way
from readerstudy.cases.loading import staging
from readerstudy.cases.loading.problems import BatchRefused
from readerstudy.cases.loading.upload_check import small_png
from readerstudy.cases.loading.waiting import listed
from readerstudy.cases.media import CACHE_SECONDS
from readerstudy.cases.models import Batch, BatchRemoval, Prediction
from readerstudy.cases.truths import shown_truths, where_to_ask
from readerstudy.cases.upload_forms import UploadForm

CASES_A_PAGE = 24


def batches(request: HttpRequest) -> HttpResponse:
    """All batches; POST uploads one, and checks it or has it checked."""
    user = administrator(request)
    staging.remove_expired()
    form = UploadForm(request.POST or None, request.FILES or None, label_suffix="")
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            staged = staging.receive(
                data["file"],
                data["images"],
                batch=data["batch"],
                keep_source_ids=data["keep_source_ids"],
                simulated=data["simulated"],
            )
        except BatchRefused as error:
            form.add_error("file", [str(problem) for problem in error.problems])
        else:
            try:
                begin_check(staged, user)
            except ValidationError as error:
                messages.warning(request, error.messages[0])
            return redirect("batch_staged", staged.token)
    found = Batch.objects.select_related("loaded_by").annotate(count=Count("cases"))
    waiting = listed()
    jobs = under_way([upload.token for upload in waiting])
    context = {"batches": found, "form": form, "columns": manifest_columns()}
    context["waiting"] = [(upload, jobs.get(upload.token)) for upload in waiting]
    context["at_once"] = settings.UPLOAD_AT_ONCE_MIB
    context["removals"] = BatchRemoval.objects.select_related("by")
    return render(request, "cases/batches.html", context)


def manifest_columns() -> list[list[str]]:
    """Column, values, needed: the table of docs/manifest.md, so that page and documentation cannot differ."""
    lines = (settings.SHIPPED / "docs" / "manifest.md").read_text(encoding="utf-8").splitlines()
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in lines if line.startswith("| ")]
    return [[cell.strip().replace("\\|", "|").replace("`", "") for cell in row] for row in rows[1:]]


@never_cache
@require_safe
def batch(request: HttpRequest, batch: str) -> HttpResponse:
    """What one batch holds."""
    administrator(request)
    found = get_object_or_404(Batch.objects.select_related("loaded_by"), name=batch)
    truths = shown_truths(request, found.cases.all())
    cases = found.cases.prefetch_related(Prefetch("truths", truths), "predictions")
    page = Paginator(cases, CASES_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "batch": found,
        "page": page,
        "report": _report_now(found),
        "job_about": f"batch/{found.name}",
        "where_to_ask": where_to_ask(request, found.cases.all()),
    }
    return render(request, "cases/batch.html", context)


def _report_now(batch: Batch) -> dict[str, Any]:
    """The report of the load, with the predictions that are there now: `predict` comes after it."""
    counts = {name: dict(row) for name, row in batch.report.get("pathologies", {}).items()}
    for row in counts.values():
        row["predictions"] = 0
    found = Prediction.objects.filter(case__batch=batch).order_by().values_list("pathology").annotate(Count("id"))
    for name, count in found:
        row = counts.setdefault(name, {"present": 0, "absent": 0, "no_truth": 0, "masks": 0})
        row["predictions"] = count
    return {**batch.report, "pathologies": dict(sorted(counts.items())), "predicted": any(found)}


@require_safe
def thumbnail(request: HttpRequest, batch: str, public_id: str) -> HttpResponse:
    """A case as first shown, small."""
    administrator(request)
    case = get_object_or_404(get_object_or_404(Batch, name=batch).cases, public_id=public_id)
    low, high = case.window_low, case.window_high
    try:
        with case.display.open("rb") as file:
            window = None if low is None or high is None else (low, high)
            content = small_png(read_display_image(file.read(), case.bits, window))
    except (OSError, ValueError):
        return HttpResponse("The image is missing or damaged.", status=410, content_type="text/plain")
    response = HttpResponse(content, content_type="image/png")
    response["Cache-Control"] = f"private, max-age={CACHE_SECONDS}"
    return response
