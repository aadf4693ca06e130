"""Sends people to the log-in page, and administrators to set up their second factor where that is required."""

from collections.abc import Callable

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from readerstudy.accounts.access import LoginRequired
from readerstudy.accounts.models import User


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
        sets_up = request.path.startswith("/accounts/") and request.path != reverse("token")  # a token skips it
        if settings.REQUIRE_MFA_FOR_STAFF and not sets_up:
            user = request.user
            if isinstance(user, User) and user.is_staff and not is_mfa_enabled(user):
                messages.info(request, "Administrators need a second factor here: set one up to go on.")
                return redirect("mfa_activate_totp")
        return self.get_response(request)
