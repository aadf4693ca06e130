"""The results page: the last stored analysis, what it used, and a button to run it again."""

from __future__ import annotations

import io
import zipfile
from pathlib import PurePath
from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from readerstudy.analysis.guidelines import GUIDELINES
from readerstudy.analysis.models import Analysis
from readerstudy.common.downloads import disposition
from readerstudy.common.refusals import NotFound
from readerstudy.exchange.export import TABLES
from readerstudy.exchange.tables import completeness
from readerstudy.reading.models import Exclusion, Response
from readerstudy.statistics.stored import StoredResultsError, from_json, is_current
from readerstudy.studies.access import researcher_study, signed_in
from readerstudy.studies.jobs import about
from readerstudy.studies.kinds_shown import titles_shown
from readerstudy.studies.looking import (
    needed_reason,
    needed_truth_reason,
    reason,
    record_page,
    record_truth,
    start_looking,
    truth_reason,
)
from readerstudy.studies.models import Study

# Stored HTML and SVG were written by us from researchers' texts; the browser runs nothing in them all the same.
SANDBOX = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"


@never_cache
@require_safe
def results_page(request: HttpRequest, slug: str) -> HttpResponse:
    study = researcher_study(request, slug)
    why = reason(request, study)
    record_page(request, study, signed_in(request), "results page")
    last = study.analyses.filter(status=Analysis.Status.DONE).first()
    newest = study.analyses.first()
    answered, expected = completeness(study)
    titles = titles_shown(study)
    context: dict[str, Any] = {
        "study": study,
        "tab": "results",
        "may_look": why is not None,
        "may_see_truth": truth_reason(request, study) is not None,
        "failed": newest if newest and newest.status == Analysis.Status.FAILED else None,
        "job_about": about(study),
        "tables": TABLES,
        "answered": answered,
        "expected": expected,
        "methods": [(method.label, [titles[kind] for kind in method.kinds]) for method in study.methods.all()],
    }
    if why is not None and last is not None:
        context |= {
            "last": last,
            "figures": _figures(last),
            "since": _since(study, last),
            "of_earlier_version": not is_current(last.results or {}),
        }
    return render(request, "analysis/results.html", context)


@require_POST
def results_look(request: HttpRequest, slug: str) -> HttpResponse:
    """Takes the reason for looking before the study is closed."""
    study = researcher_study(request, slug)
    why = request.POST.get("why", "").strip()
    if not why or len(why) > 300:
        messages.error(request, "Say in a few words why you look (at most 300 characters).")
    else:
        start_looking(request, study, why)
    return redirect("results", slug)


@require_safe
def results_guidelines(request: HttpRequest, slug: str) -> HttpResponse:
    """What reporting guidelines ask, and where the report answers. It tells nothing of the answers."""
    study = researcher_study(request, slug)
    return render(request, "analysis/guidelines.html", {"study": study, "guidelines": GUIDELINES})


@require_safe
def results_report(request: HttpRequest, slug: str) -> HttpResponseBase:
    """The stored report, as a page that may run nothing."""
    analysis = _last(request, slug)
    response = HttpResponse(_read(analysis, "report"), content_type="text/html; charset=utf-8")
    return _guarded(response)


@require_safe
def results_figure(request: HttpRequest, slug: str, name: str) -> HttpResponseBase:
    analysis = _last(request, slug)
    with zipfile.ZipFile(io.BytesIO(_read(analysis, "archive"))) as packed:
        try:
            content = packed.read(f"figures/{name}")
        except KeyError:
            raise NotFound("There is no such figure.") from None
    return _guarded(HttpResponse(content, content_type="image/svg+xml" if name.endswith(".svg") else "image/png"))


@require_safe
def results_archive(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Report, results.json, tables and figures as one ZIP. results.json tells which examples have a mask."""
    analysis = _last(request, slug)
    needed_truth_reason(request, analysis.study)
    record_truth(request, analysis.study, signed_in(request), "results archive")
    name = f"{slug}-results-{analysis.started_at:%Y%m%d-%H%M}.zip"
    response = FileResponse(io.BytesIO(_read(analysis, "archive")), content_type="application/zip")
    response["Content-Disposition"] = disposition(name)
    return response


def _last(request: HttpRequest, slug: str) -> Analysis:
    study = researcher_study(request, slug)
    needed_reason(request, study)
    record_page(request, study, signed_in(request), "results page")
    analysis = study.analyses.filter(status=Analysis.Status.DONE).first()
    if analysis is None:
        raise NotFound("This study has no stored analysis yet: run it on the results page.")
    return analysis


def _read(analysis: Analysis, field: str) -> bytes:
    try:
        with getattr(analysis, field).open("rb") as file:
            content: bytes = file.read()
            return content
    except (OSError, ValueError) as error:
        raise NotFound("The stored report is missing: run the analysis again.") from error


def _guarded(response: HttpResponse) -> HttpResponse:
    response["Content-Security-Policy"] = SANDBOX
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _figures(analysis: Analysis) -> list[dict[str, str]]:
    """Those that were drawn, with title and caption; of results that cannot be read, with their names alone."""
    from readerstudy.statistics.figures.gallery import Caption, captions  # matplotlib, which no other page needs

    try:
        with zipfile.ZipFile(io.BytesIO(_read(analysis, "archive"))) as packed:
            drawn = [PurePath(name).stem for name in packed.namelist() if name.endswith(".svg")]
    except (NotFound, zipfile.BadZipFile):
        return []
    try:
        known = captions(from_json(analysis.results or {}))
    except StoredResultsError:
        known = [Caption(name, name.replace("-", " ").capitalize(), "") for name in drawn]
    return [
        {"file": f"{figure.name}.svg", "title": figure.title, "caption": figure.caption}
        for figure in known
        if figure.name in drawn
    ]


def _since(study: Study, analysis: Analysis) -> dict[str, int]:
    """What changed after the analysis read its data. Answers are never deleted, so their number tells."""
    rows = Response.objects.filter(assignment__read__reader__study=study).count()
    changed = Exclusion.objects.filter(study=study).filter(
        Q(at__gt=analysis.started_at) | Q(lifted_at__gt=analysis.started_at)
    )
    return {"answers": max(rows - analysis.responses, 0), "exclusions": changed.count()}
