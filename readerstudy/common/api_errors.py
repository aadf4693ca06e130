"""API errors as problem+json (RFC 9457): a title, a sentence that says what to do, the status."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.csrf import csrf_failure as django_csrf_failure
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated, ParseError
from rest_framework.response import Response
from rest_framework.views import exception_handler

CSRF_FAILED = "csrf_failed"


def problem_json(error: Exception, context: dict[str, Any]) -> Response | None:
    """Turn what DRF knows how to answer into problem+json; anything else stays a 500."""
    if isinstance(error, RecursionError):
        error = ParseError("The body is nested too deeply.")
    response = exception_handler(error, context)
    if response is None:
        return None
    if isinstance(error, NotAuthenticated | AuthenticationFailed):
        response.status_code = 401  # DRF says 403 when the first way to log in is a session
    data = response.data
    fields = data if isinstance(data, dict) and "detail" not in data else None
    detail = data.get("detail") if isinstance(data, dict) and "detail" in data else "; ".join(_sentences(data))
    code = getattr(getattr(error, "detail", None), "code", None) or getattr(error, "default_code", "error")
    if isinstance(error, NotAuthenticated):
        code = "login_required"
    if str(detail).startswith("CSRF Failed"):
        code = CSRF_FAILED
    response.data = {
        "title": response.status_text,
        "status": response.status_code,
        "code": str(code),
        "detail": str(detail),
        **({"errors": fields} if fields else {}),
    }
    response.content_type = "application/problem+json"
    return response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A write without a good CSRF token: problem+json below /api/, whose callers can fetch another; else a page."""
    if not request.path.startswith("/api/"):
        return django_csrf_failure(request, reason)
    detail = "The browser sent no good CSRF token. If this stays so, allow cookies for this site and reload the page."
    body = {"title": "Forbidden", "status": 403, "code": CSRF_FAILED, "detail": detail}
    return JsonResponse(body, status=403, content_type="application/problem+json")


def _sentences(data: Any, where: str = "") -> list[str]:
    if isinstance(data, dict):
        return [text for key, value in data.items() for text in _sentences(value, f"{where}{key}: ")]
    if isinstance(data, list):
        return [text for value in data for text in _sentences(value, where)]
    return [f"{where}{data}"]
