"""A study's tables, streamed: from its results page and through the API. Before closing, each download is a look."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.authentication import SessionAuthentication
from rest_framework.decorators import api_view, authentication_classes, permission_classes
from rest_framework.exceptions import ParseError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request

from readerstudy.accounts.tokens import ExportTokenAuthentication
from readerstudy.common.api_errors import problems
from readerstudy.common.downloads import disposition
from readerstudy.common.refusals import NotFound
from readerstudy.exchange.export import DOWNLOADS, Download, described_tables, imrmc_question
from readerstudy.studies.access import researcher_study, signed_in
from readerstudy.studies.looking import asking_studies, needed_truth_reason, record_look
from readerstudy.studies.models import Study


@never_cache
@require_safe
def results_download(request: HttpRequest, slug: str, table: str) -> StreamingHttpResponse:
    study = researcher_study(request, slug)
    if table not in DOWNLOADS:
        raise NotFound("There is no such table.")
    chosen = DOWNLOADS[table]
    why = needed_truth_reason(request, study) if chosen.with_truth else ""
    response = _file(study, chosen, request.GET.get("question", ""))
    if chosen.with_truth:
        record_look(study, f"download {table}", signed_in(request), why)
    return response


@extend_schema(
    parameters=[
        OpenApiParameter("table", str, enum=list(DOWNLOADS), description="Which table; long when left out."),
        OpenApiParameter("question", str, description="imrmc: whose scores; the first question when left out."),
        OpenApiParameter("why", str, description="Needed until the study is closed: why you look. It is recorded."),
    ],
    responses={(200, "text/csv"): OpenApiTypes.BINARY, **problems(400, 401, 403, 404)},
)
@api_view(["GET"])
@authentication_classes([ExportTokenAuthentication, SessionAuthentication])
@permission_classes([AllowAny])
def api_reads(request: Request, slug: str) -> StreamingHttpResponse:
    """A study's answers with truth, for its researchers: one row per response (docs/data-dictionary.md)."""
    study = researcher_study(request, slug)
    table, why = request.query_params.get("table", "long"), request.query_params.get("why", "").strip()
    if "format" in request.query_params:
        raise ParseError(f"Choose with table=..., not format=...; there are {', '.join(DOWNLOADS)}.")
    if table not in DOWNLOADS:
        raise ParseError(f"There is no table “{table}”; there are {', '.join(DOWNLOADS)}.")
    chosen = DOWNLOADS[table]
    if chosen.with_truth and asking_studies(study) and not 0 < len(why) <= 300:
        raise ParseError(
            "A study of these radiographs is not closed: say why you look (why=..., at most 300 characters); "
            "it is recorded."
        )
    response = _file(study, chosen, request.query_params.get("question", ""))
    if chosen.with_truth:
        record_look(study, f"API {table}", signed_in(request), why)
    return response


@require_safe
def results_dictionary(request: HttpRequest, slug: str) -> HttpResponse:
    """Every column of this study's tables with its meaning."""
    study = researcher_study(request, slug)
    context = {"study": study, "tab": "results", "tables": described_tables(study)}
    return render(request, "analysis/dictionary.html", context)


def _file(study: Study, table: Download, question: str) -> StreamingHttpResponse:
    """Raises UnknownQuestion, whatever the table: the file's name says the question."""
    if question:
        imrmc_question(study, question)
    content = table.write(study, question)
    response = StreamingHttpResponse(content, content_type=f"{table.content_type}; charset=utf-8")
    name = f"{study.slug}-{question}-{table.file}" if question else f"{study.slug}-{table.file}"
    response["Content-Disposition"] = disposition(name)
    response["X-Content-Type-Options"] = "nosniff"
    return response
