"""Mail: whether this server sends any, and sending it when the answer is out."""

import logging
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

logger = logging.getLogger(__name__)


def sends_email() -> bool:
    """False where mail is only printed, or dropped."""
    return not settings.EMAIL_BACKEND.endswith((".console.EmailBackend", ".dummy.EmailBackend"))


def after_the_answer(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], Any]:
    """Middleware: does what the view has put into `request.after_answer` once the answer is out.

    So nothing that takes longer for a known address than for an unknown one can be timed from outside.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        waiting: list[Callable[[], None]] = []
        request.after_answer = waiting  # type: ignore[attr-defined]
        response = get_response(request)
        for work in waiting:
            response._resource_closers.append(_logged(work))  # type: ignore[attr-defined]  # run by close(), after it
        return response

    return middleware


def _logged(work: Callable[[], None]) -> Callable[[], None]:
    def run() -> None:
        try:
            work()
        except Exception:  # nobody is left to be told
            logger.exception("What was to be done after an answer failed.")

    return run
