"""Reading pages and API answers stay out of every cache: on a shared workstation, Back after log-out shows nothing."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

_OURS = ("/reading/", "/api/reading/")


def no_store(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Add `no-store` where a view says nothing itself; images say how they are cached (cases/media.py)."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if request.path.startswith(_OURS):
            response.headers.setdefault("Cache-Control", "private, no-store")
        return response

    return middleware
