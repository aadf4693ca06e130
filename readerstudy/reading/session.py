"""Logging in again in place: an expired session costs a password, not the page and what is on it.

A signed, http-only cookie set by the reading page remembers whose page it is: only that person's password helps.
"""

import json

from allauth.account.adapter import get_adapter
from allauth.mfa.utils import is_mfa_enabled
from django.contrib.auth import login
from django.core.exceptions import ValidationError
from django.core.signing import BadSignature
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST

from readerstudy.accounts.models import User

COOKIE = "reading_as"
_SALT = "reading_session"
_SECONDS = 24 * 3600


def remember(response: HttpResponse, user: User, secure: bool) -> None:
    """Set the cookie that `session` reads."""
    response.set_signed_cookie(
        COOKIE,
        str(user.pk),
        salt=_SALT,
        max_age=_SECONDS,
        path="/api/session/",
        httponly=True,
        samesite="Strict",
        secure=secure,
    )


@require_POST
@sensitive_variables("body", "password")
def session(request: HttpRequest) -> HttpResponse:
    """POST {"password"}: log the person of this page in again. Rate limits are those of the log-in page.

    Whoever has logged in in another tab meanwhile needs no password here; the API notices when it is somebody else.
    """
    if isinstance(request.user, User):
        return JsonResponse({"reader": request.user.username})
    try:
        password = json.loads(request.body)["password"]
        pk = int(request.get_signed_cookie(COOKIE, salt=_SALT, max_age=_SECONDS) or "")
    except (ValueError, KeyError, TypeError, RecursionError, BadSignature):
        return _problem("Log in on the log-in page in another tab, then try again here.", 400)
    user = User.objects.filter(pk=pk, is_active=True).first()
    if user is None:
        return _problem("This account can no longer log in.", 403)
    if is_mfa_enabled(user):
        return _problem("Your account has a second factor: log in in another tab, then try again here.", 403)
    try:
        known = get_adapter(request).authenticate(request, username=user.username, password=str(password))
    except ValidationError as error:
        return _problem(" ".join(error.messages), 429)
    if known is None or known.pk != user.pk:
        return _problem("That password is not right.", 403)
    login(request, known, backend="django.contrib.auth.backends.ModelBackend")
    return JsonResponse({"reader": user.username})


def _problem(detail: str, status: int) -> JsonResponse:
    body = {"title": "Not logged in", "detail": detail, "status": status, "code": "password_refused"}
    return JsonResponse(body, status=status, content_type="application/problem+json")
