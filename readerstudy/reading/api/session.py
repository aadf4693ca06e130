"""Logging in again in place: an expired session costs a password, not the page and what is on it.

The reading page says in a signed word whose it is (pages of earlier versions: in a signed, http-only cookie): only that
person's password helps. Nothing here needs a cookie, for a browser may have deleted all of them.
"""

from allauth.account.adapter import get_adapter
from allauth.mfa.utils import is_mfa_enabled
from django.contrib.auth import login
from django.core.exceptions import ValidationError
from django.core.signing import BadSignature, TimestampSigner
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.debug import sensitive_variables
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view, permission_classes
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response as ApiResponse

from readerstudy.accounts.models import User
from readerstudy.common.api_errors import problems
from readerstudy.common.refusals import Refusal
from readerstudy.reading.api.answers import LoggedIn
from readerstudy.reading.api.requests import AnyPassword, Password

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


class PasswordRefused(Refusal):
    """No log-in came of it; the sentence is for the dialog."""

    code, status = "password_refused", 403


def _whose(request: HttpRequest, page: str | None) -> int:
    """Primary key of the person whose page asks. Raises PasswordRefused when the page cannot say."""
    try:
        if page:
            return int(TimestampSigner(salt=_SALT).unsign(page, max_age=_SECONDS))
        return int(request.get_signed_cookie(COOKIE, salt=_SALT, max_age=_SECONDS) or "")
    except (ValueError, KeyError, BadSignature):
        raise PasswordRefused("Log in on the log-in page in another tab, then try again here.", status=400) from None


@extend_schema(methods=["GET"], request=None, responses={204: None})
@extend_schema(
    methods=["POST"],
    request=Password,
    responses={200: LoggedIn, **problems(400, 403, 429)},
)
@api_view(["GET", "POST"])
@permission_classes([AllowAny])
@sensitive_variables("body")
def session(request: Request) -> ApiResponse:
    """POST: log the person of this page in again, by password. GET: only a CSRF cookie, where it was deleted.

    Rate limits are those of the log-in page. Whoever has logged in in another tab meanwhile needs no password here; the
    API notices when it is somebody else.
    """
    asked = request._request
    if request.method == "GET":
        return ApiResponse(status=204)
    here_already = isinstance(asked.user, User)
    body = (AnyPassword if here_already else Password)(data=request.data)
    body.is_valid(raise_exception=True)
    if isinstance(asked.user, User):
        return ApiResponse({"reader": asked.user.username})
    user = User.objects.filter(pk=_whose(asked, body.validated_data.get("page")), is_active=True).first()
    if user is None:
        raise PasswordRefused("The server does not know this account any more.", "account_unknown")
    if is_mfa_enabled(user):
        raise PasswordRefused("Your account has a second factor: log in in another tab, then try again here.")
    _log_in(asked, user, body.validated_data["password"])
    return ApiResponse({"reader": user.username})


session.csrf_exempt = False  # api_view leaves the token to the session of who is logged in; nobody is, here
session = ensure_csrf_cookie(session)


@sensitive_variables("password")
def _log_in(request: HttpRequest, user: User, password: str) -> None:
    try:
        known = get_adapter(request).authenticate(request, username=user.username, password=password)
    except ValidationError as error:
        raise PasswordRefused(" ".join(error.messages), status=429) from error
    if known is None or known.pk != user.pk:
        raise PasswordRefused("That password is not right.")
    login(request, known, backend="django.contrib.auth.backends.ModelBackend")
