"""Logging in again in place: an expired session costs a password, not the page and what is on it.

The reading page says in a signed word whose it is (pages of earlier versions: in a signed, http-only cookie): only that
person's password helps. Nothing here needs a cookie, for a browser may have deleted all of them.
"""

import json

from allauth.account.adapter import get_adapter
from allauth.mfa.utils import is_mfa_enabled
from django.contrib.auth import login
from django.core.exceptions import ValidationError
from django.core.signing import BadSignature, TimestampSigner
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods

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


def page_of(user: User) -> str:
    """What the reading page sends back with a password, to say whose page it is."""
    return TimestampSigner(salt=_SALT).sign(str(user.pk))


def _whose(request: HttpRequest, page: object) -> int:
    """Primary key of the person whose page asks. Raises ValueError or BadSignature when the page cannot say."""
    if isinstance(page, str) and page:
        return int(TimestampSigner(salt=_SALT).unsign(page, max_age=_SECONDS))
    return int(request.get_signed_cookie(COOKIE, salt=_SALT, max_age=_SECONDS) or "")


@require_http_methods(["GET", "POST"])
@ensure_csrf_cookie
@sensitive_variables("body", "password")
def session(request: HttpRequest) -> HttpResponse:
    """POST {"password", "page"}: log the person of this page in again. GET: only a CSRF cookie, where it was deleted.

    Rate limits are those of the log-in page. Whoever has logged in in another tab meanwhile needs no password here; the
    API notices when it is somebody else.
    """
    if request.method == "GET":
        return HttpResponse(status=204)
    if isinstance(request.user, User):
        return JsonResponse({"reader": request.user.username})
    try:
        body = json.loads(request.body)
        password, pk = body["password"], _whose(request, body.get("page"))
    except (AttributeError, ValueError, KeyError, TypeError, RecursionError, BadSignature):
        return _problem("Log in on the log-in page in another tab, then try again here.", 400)
    user = User.objects.filter(pk=pk, is_active=True).first()
    if user is None:
        return _problem("The server does not know this account any more.", 403, "account_unknown")
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


def _problem(detail: str, status: int, code: str = "password_refused") -> JsonResponse:
    body = {"title": "Not logged in", "detail": detail, "status": status, "code": code}
    return JsonResponse(body, status=status, content_type="application/problem+json")
