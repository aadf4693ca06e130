"""What Django answers where no view did: problem+json below /api/, whatever was wrong; a page elsewhere."""

import sys

from django.http import HttpRequest, HttpResponse
from django.views import csrf, defaults

from readerstudy.common import full_disk
from readerstudy.common.api_errors import CSRF_FAILED, below_api, problem


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler400: no such host, a body that breaks off, too many fields."""
    if below_api(request):
        return problem(400, "bad_request", "The server cannot read this request.")
    return defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler403."""
    if below_api(request):
        return problem(403, "permission_denied", str(exception) or "Your account may not do this.")
    return defaults.permission_denied(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler404: an address that is nobody's, such as one with a malformed UUID."""
    if below_api(request):
        return problem(404, "not_found", "There is nothing at this address of the API.")
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """handler500: a fault, or a full disk that is noticed before the view, as while an upload's form is read."""
    if full_disk.is_full(sys.exc_info()[1]):
        return full_disk.answer(request)
    if below_api(request):
        return problem(500, "server_error", "The server had a fault, so this was not done.")
    return defaults.server_error(request)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A write without a good CSRF token; callers of the API can fetch another."""
    if not below_api(request):
        return csrf.csrf_failure(request, reason)
    detail = "The browser sent no good CSRF token. If this stays so, allow cookies for this site and reload the page."
    return problem(403, CSRF_FAILED, detail)
