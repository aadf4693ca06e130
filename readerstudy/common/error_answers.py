"""What Django answers where no view did: problem+json below /api/, a page elsewhere.

A 400 of Django's own (no such host, a session that ended under the request) stays a page below /api/ too: pages of all
versions try again after what is no answer of the API. They do so after no_such_address and a 500: no view has refused
what they sent. With DEBUG=true Django shows its own technical pages for 404 and 500.
"""

import sys

from django.http import HttpRequest, HttpResponse
from django.views import csrf, defaults

from readerstudy.common import full_disk
from readerstudy.common.api_errors import CSRF_FAILED, below_api, problem


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler403."""
    if below_api(request):
        return problem(403, "permission_denied", str(exception) or "Your account may not do this.")
    return defaults.permission_denied(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler404: an address that is nobody's, such as one with a malformed UUID. What a view misses is `not_found`."""
    if below_api(request):
        return problem(404, "no_such_address", "There is nothing at this address of the API.")
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """handler500: a fault, a body that broke off, or a disk found full before the view, as by an upload's form."""
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
