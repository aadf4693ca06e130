"""What holds for every request: who must log in first, or again, or set up a second factor; what nobody keeps."""

import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import SESSION_KEY, logout
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect

from readerstudy.accounts.access import LoginRequired, lacks_second_factor
from readerstudy.accounts.models import User

SEEN = "seen_at"  # in the session: when its person last asked for something, seconds since 1970


class LoginRedirectMiddleware:
    """A page view that raised LoginRequired becomes a visit to the log-in page, and back afterwards."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, LoginRequired):
            return None
        return redirect_to_login(request.get_full_path() if request.method == "GET" else "/")


class SecondFactorMiddleware:
    """With REQUIRE_MFA_FOR_STAFF, an administrator sets up a second factor before anything else."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path.startswith("/accounts/") and (set_up := self._set_up(request)):
            return set_up
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: object, kwargs: object
    ) -> HttpResponse | None:
        return self._set_up(request) if getattr(view, "asks_for_second_factor", False) else None

    def _set_up(self, request: HttpRequest) -> HttpResponse | None:
        user = request.user
        if not settings.REQUIRE_MFA_FOR_STAFF or not isinstance(user, User) or not lacks_second_factor(user):
            return None
        messages.info(request, "Administrators need a second factor here: set one up to go on.")
        return redirect("mfa_activate_totp")


class IdleMiddleware:
    """Whoever asks for nothing for SESSION_IDLE_MINUTES is logged out; the reading room then asks for the password in
    place. The time is kept in the session, written at most once a minute."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        minutes = settings.SESSION_IDLE_MINUTES
        if minutes and SESSION_KEY in request.session:
            now = int(time.time())
            seen = request.session.get(SEEN, now)
            if now - seen >= 60 * minutes:
                logout(request)
                messages.info(request, f"You were logged out after {minutes} minutes without a request.")
            elif now - seen >= 60 or SEEN not in request.session:
                request.session[SEEN] = now
        return self.get_response(request)


def note_log_in(sender: Any, request: HttpRequest, **_: Any) -> None:
    """A session's first time; receives user_logged_in, which comes before the session is stored."""
    request.session[SEEN] = int(time.time())


def no_store(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """No browser or proxy keeps what is answered: on a shared workstation, Back after log-out shows nothing.

    For every answer that says nothing itself. Pictures do (cases/media.py): kept by the browser under names that tell
    nothing; static files never come here.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        response.headers.setdefault("Cache-Control", "private, no-store")
        return response

    return middleware
