"""API errors as problem+json (RFC 9457): a title, a sentence that says what to do, the status, a code."""

from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, JsonResponse
from rest_framework import serializers
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated, ParseError
from rest_framework.response import Response
from rest_framework.views import exception_handler, set_rollback

from readerstudy.common.refusals import Refusal

CSRF_FAILED = "csrf_failed"
CONTENT_TYPE = "application/problem+json"


class Problem(serializers.Serializer[Any]):
    """Every refusal of the API. errors: for a body that does not fit, sentences by field (`files.0.role`)."""

    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField(help_text="For programs.")
    detail = serializers.CharField(help_text="A sentence for people: what was wrong, what to do.")
    errors = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(child=serializers.CharField()), required=False
    )


def problems(*statuses: int) -> dict[tuple[int, str], type[Problem]]:
    """Refusals with these statuses, for the description of an endpoint's answers."""
    return {(status, CONTENT_TYPE): Problem for status in statuses}


def problem_json(error: Exception, context: dict[str, Any]) -> Response | None:
    """Turn refusals, and what DRF knows how to answer, into problem+json; anything else stays a 500."""
    if isinstance(error, Refusal):
        set_rollback()
        return _answer(error.status, error.code, str(error))
    if isinstance(error, RecursionError):
        error = ParseError("The body is nested too deeply.")
    response = exception_handler(error, context)
    if response is None:
        return None
    status = response.status_code
    if isinstance(error, NotAuthenticated | AuthenticationFailed):
        status = 401  # DRF says 403 when the first way to log in is a session
    data = response.data
    if isinstance(data, dict) and "detail" in data:
        detail, errors = str(data["detail"]), {}
    else:
        errors = _by_field(data)
        detail = "; ".join(f"{field}: {text}" if field else text for field in errors for text in errors[field])
    headers = {name: response[name] for name in ("WWW-Authenticate", "Retry-After", "Allow") if name in response}
    return _answer(status, _code(error, data), detail, errors, headers)


def _answer(
    status: int,
    code: str,
    detail: str,
    errors: dict[str, list[str]] | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    body = {**_body(status, code, detail), **({"errors": errors} if errors else {})}
    return Response(body, status=status, headers=headers, content_type=CONTENT_TYPE)


def _code(error: Exception, data: Any) -> str:
    if isinstance(error, NotAuthenticated):
        return "login_required"
    if isinstance(error, serializers.ValidationError):
        return "unknown_field" if "unknown_field" in str(error.get_codes()) else "invalid"
    detail = data["detail"]
    return CSRF_FAILED if str(detail).startswith("CSRF Failed") else str(getattr(detail, "code", "error"))


def _by_field(data: Any, where: str = "") -> dict[str, list[str]]:
    """Sentences by the path of their field: {"files.0.role": [...]}; "" for the body as a whole."""
    parts: list[tuple[str, Any]] = []
    if isinstance(data, dict):
        parts = [(_path(where, str(name)), value) for name, value in data.items()]
    elif isinstance(data, list):
        parts = [(_path(where, str(n)) if isinstance(value, dict) else where, value) for n, value in enumerate(data)]
    else:
        return {where: [str(data)]}
    found: dict[str, list[str]] = {}
    for path, value in parts:
        for field, sentences in _by_field(value, path).items():
            found.setdefault(field, []).extend(sentences)
    return found


def _path(where: str, name: str) -> str:
    if name == "non_field_errors":
        return where
    return f"{where}.{name}" if where else name


def below_api(request: HttpRequest) -> bool:
    """Whether whoever asks reads problem+json, and no page."""
    return request.path.startswith("/api/")


def problem(status: int, code: str, detail: str) -> JsonResponse:
    """The same answer for what is refused outside DRF's views."""
    return JsonResponse(_body(status, code, detail), status=status, content_type=CONTENT_TYPE)


def _body(status: int, code: str, detail: str) -> dict[str, str | int]:
    return {"title": HTTPStatus(status).phrase, "status": status, "code": code, "detail": detail}
