"""A study's tables, streamed: from its results page and through the API. Before closing, each download is a look."""

from __future__ import annotations

import json
from collections.abc import Iterator

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
from readerstudy.exchange.export import (
    TABLES,
    WITH_TRUTH,
    Hashed,
    data_dictionary,
    described_tables,
    export,
    imrmc_question,
    provenance,
)
from readerstudy.studies.access import researcher_study, signed_in
from readerstudy.studies.looking import asking_studies, needed_truth_reason, record_look
from readerstudy.studies.models import Study


@never_cache
@require_safe
def results_download(request: HttpRequest, slug: str, table: str) -> StreamingHttpResponse:
    study = researcher_study(request, slug)
    if table not in TABLES:
        raise NotFound("There is no such table.")
    why = needed_truth_reason(request, study) if table in WITH_TRUTH else ""
    response = _file(study, table, request.GET.get("question", ""))
    if table in WITH_TRUTH:
        record_look(study, f"download {table}", signed_in(request), why)
    return response


@extend_schema(
    parameters=[
        OpenApiParameter("table", str, enum=list(TABLES), description="Which table; long when left out."),
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
        raise ParseError(f"Choose with table=..., not format=...; there are {', '.join(TABLES)}.")
    if table not in TABLES:
        raise ParseError(f"There is no table “{table}”; there are {', '.join(TABLES)}.")
    if table in WITH_TRUTH and asking_studies(study) and not 0 < len(why) <= 300:
        raise ParseError(
            "A study of these radiographs is not closed: say why you look (why=..., at most 300 characters); "
            "it is recorded."
        )
    response = _file(study, table, request.query_params.get("question", ""))
    if table in WITH_TRUTH:
        record_look(study, f"API {table}", signed_in(request), why)
    return response


@require_safe
def results_dictionary(request: HttpRequest, slug: str) -> HttpResponse:
    """Every column of this study's tables with its meaning."""
    study = researcher_study(request, slug)
    about = {
        "long": "One row per response",
        "wide": "One row per reader and example",
        "alignment": "One row per example and other finding",
        "measures": "One row per example, kind and metric",
    }
    tables = [(name, about[name], columns) for name, columns in described_tables(study).items()]
    return render(request, "analysis/dictionary.html", {"study": study, "tab": "results", "tables": tables})


def _file(study: Study, table: str, question: str) -> StreamingHttpResponse:
    """Raises UnknownQuestion, whatever the table: the file's name says the question."""
    if question:
        imrmc_question(study, question)
    if table == "dictionary":
        content: Iterator[str] = data_dictionary(study)
    elif table == "provenance":
        content = _provenance(study)
    else:
        content = export(study, table, question)
    suffix, kind = TABLES[table]
    response = StreamingHttpResponse(content, content_type=f"{kind}; charset=utf-8")
    name = f"{study.slug}-{question}-{suffix}" if question else f"{study.slug}-{suffix}"
    response["Content-Disposition"] = disposition(name)
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _provenance(study: Study) -> Iterator[str]:
    """Of the long table as it is now: its hash and rows are found by writing it once."""
    content = Hashed(export(study, "long"))
    for _ in content:
        pass
    yield json.dumps(provenance(study, "long", content.sha256, max(content.lines - 1, 0)), indent=1)
