"""The one base of refusals: what will not be done as asked, why, and which HTTP status says so.

A rule raises a Refusal; views let it pass. It becomes an answer in two places and no others: `problem_json`
(api_errors.py) for the API, `RefusalMiddleware` for pages. Rules that Django's forms and admin must understand raise
Django's ValidationError instead; `explain` and `statistics` know nothing of HTTP and raise ValueErrors of their own.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render


class Refusal(Exception):
    """What will not be done as it was asked. str(): a sentence for people, which says what to do.

    code: for programs. status: of HTTP. title: what a page says above the sentence.
    """

    code = "refused"
    status = 409
    title = "This was not done"

    def __init__(self, sentence: str, code: str = "", status: int = 0) -> None:
        super().__init__(sentence)
        self.code = code or self.code
        self.status = status or self.status

    @property
    def sentences(self) -> list[str]:
        """Each reason on its own, where there are several."""
        return [str(self)]


class RefusalMiddleware:
    """Makes a page of a refusal that a view let pass."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, Refusal):
            return None
        return render(request, "refused.html", {"refusal": error}, status=error.status)
