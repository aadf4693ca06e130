"""Who is asking. Views call one access helper on their first line; this app's helpers know people, not studies.

The same helpers serve pages and the API: a page sends whoever is not logged in to the log-in page (middleware.py), the
API answers 401 with code `login_required` (readerstudy.common.api_errors).
"""

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.http import HttpRequest
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request

from readerstudy.accounts.models import User
from readerstudy.common.refusals import NotAllowed

AnyRequest = HttpRequest | Request


class LoginRequired(NotAuthenticated):
    default_code = "login_required"
    default_detail = "Log in first."


def signed_in(request: AnyRequest) -> User:
    """The person asking; LoginRequired when nobody is logged in."""
    if not isinstance(request.user, User):
        raise LoginRequired
    return request.user


def lacks_second_factor(user: User) -> bool:
    """Whether this is an administrator who must set up a second factor before anything else."""
    return settings.REQUIRE_MFA_FOR_STAFF and user.is_staff and not is_mfa_enabled(user)


def administrator(request: AnyRequest) -> User:
    """The administrator asking; NotAllowed for anybody else."""
    user = signed_in(request)
    if not user.is_administrator:
        raise NotAllowed("Only administrators may open this.")
    return user
