"""A full disk: known by its error, whoever raises it, and said in one sentence on pages, in answers and by commands."""

import errno
from collections.abc import Callable

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from readerstudy.common.api_errors import below_api, problem

SAID = (
    "The disk is full, so this was not done; what was stored before is there. Free some space (`manage.py clean_up` "
    "removes what has expired), then try again."
)
_DISK_FULL_SQLSTATE = "53100"


def is_full(error: BaseException | None) -> bool:
    """Whether the error, or one that it came from, says that a disk or a quota is full."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        if getattr(error, "sqlstate", None) == _DISK_FULL_SQLSTATE:
            return True
        if isinstance(error, DatabaseError) and "disk is full" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def answer(request: HttpRequest) -> HttpResponse:
    """507 with a sentence; the reading room keeps its answers and tries again, as for every server error."""
    if below_api(request):
        return problem(507, "disk_full", SAID)
    return render(request, "507.html", {"said": SAID}, status=507)


class FullDiskMiddleware:
    """Answers for views, also where DEBUG would show a traceback; error_answers.py has what fails before the view."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        return answer(request) if is_full(error) else None
