"""Batches in the browser, for administrators: list, upload, dry-run report, confirm, what a batch holds."""

import re
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from explain.render.pictures import read_display_image
from readerstudy.accounts.access import administrator
from readerstudy.cases.loading import staging
from readerstudy.cases.loading.problems import BatchRefused
from readerstudy.cases.loading.upload_check import small_png
from readerstudy.cases.media import CACHE_SECONDS
from readerstudy.cases.models import Batch, BatchRemoval, Prediction
from readerstudy.cases.truths import shown_truths, where_to_ask
from readerstudy.common.counting import counted
from readerstudy.common.downloads import disposition

CASES_A_PAGE = 24
SHOWN_PROBLEMS = 500


class ManyFilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class ManyFilesField(forms.FileField):
    """Any number of files, also none; its value is a list."""

    widget = ManyFilesInput

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        return [super(ManyFilesField, self).clean(file, initial) for file in data or ()]


class UploadForm(forms.Form):
    batch = forms.SlugField(
        label="Name of the batch", max_length=80, help_text="Letters, digits, - and _; shown to researchers."
    )
    file = forms.FileField(
        label="ZIP, or manifest CSV",
        widget=forms.FileInput(attrs={"accept": ".zip,.csv"}),
        help_text="A ZIP holds the images and, for truth, manifest.csv.",
    )
    images = ManyFilesField(
        label="Images, beside a CSV",
        required=False,
        help_text="Images and masks, up to 99 files, named in the manifest without folders. For more, make a ZIP.",
    )
    keep_source_ids = forms.BooleanField(
        label="These are public data",
        required=False,
        help_text="Cases keep the names of their images. Otherwise you get a table once that links rows to cases.",
    )
    simulated = forms.BooleanField(
        label="These are synthetic images", required=False, help_text="They are marked so wherever they are shown."
    )


def batches(request: HttpRequest) -> HttpResponse:
    """All batches; POST uploads one and shows its dry run."""
    administrator(request)
    staging.remove_expired()
    form = UploadForm(request.POST or None, request.FILES or None, label_suffix="")
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            staged = staging.stage(
                data["file"],
                data["images"],
                batch=data["batch"],
                keep_source_ids=data["keep_source_ids"],
                simulated=data["simulated"],
            )
        except BatchRefused as error:
            form.add_error("file", [str(problem) for problem in error.problems])
        else:
            return redirect("batch_staged", staged.token)
    found = Batch.objects.select_related("loaded_by").annotate(count=Count("cases"))
    context = {"batches": found, "form": form, "columns": manifest_columns(), "waiting": staging.listed()}
    context["removals"] = BatchRemoval.objects.select_related("by")
    return render(request, "cases/batches.html", context)


def manifest_columns() -> list[list[str]]:
    """Column, values, needed: the table of docs/manifest.md, so that page and documentation cannot differ."""
    lines = (settings.SHIPPED / "docs" / "manifest.md").read_text(encoding="utf-8").splitlines()
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in lines if line.startswith("| ")]
    return [[cell.strip().replace("\\|", "|").replace("`", "") for cell in row] for row in rows[1:]]


@never_cache
def staged(request: HttpRequest, token: str) -> HttpResponse:
    """The dry-run report of an upload; POST loads it."""
    user = administrator(request)
    if request.method == "POST":
        return _load(request, token, user)
    found = staging.find(token)
    context: dict[str, Any] = {"staged": found, "report": found.report}
    context |= {"shown": SHOWN_PROBLEMS, "shown_slice": f":{SHOWN_PROBLEMS}"}
    return render(request, "cases/loaded.html" if found.loaded else "cases/staged.html", context)


def _load(request: HttpRequest, token: str, user: Any) -> HttpResponse:
    name = staging.find(token).batch
    try:
        loaded = staging.confirm(token, user)
    except BatchRefused as error:
        for problem in error.problems[:SHOWN_PROBLEMS]:
            messages.error(request, str(problem))
        return redirect("batch_staged", token)
    if loaded.created:
        messages.success(request, f"{counted(loaded.report.cases, 'case was', 'cases were')} loaded as batch {name}.")
        if not loaded.batch.keeps_source_ids:
            return redirect("batch_staged", token)
    else:
        messages.info(request, f"Batch {name} was there already with the same content; nothing was changed.")
    return redirect("batch", name)


@require_POST
def discard(request: HttpRequest, token: str) -> HttpResponse:
    administrator(request)
    staging.remove(token)
    messages.success(request, "The upload was discarded; nothing was loaded.")
    return redirect("batches")


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
