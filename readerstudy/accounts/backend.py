"""Checks a password with the same work whether or not there is such an account."""

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest

from readerstudy.accounts.models import User


class OneHash(AuthenticationBackend):
    """By user name or address. One hash is computed for a try, the slow part of it: for the account there is, or for
    none. (Two, where one person's user name is another's address.)

    PermissionDenied instead of None: Django then asks no further backend, which would hash again. The others stay in
    the settings for sessions that began with them.
    """

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> User | None:
        password = credentials.get("password") or ""
        names = {str(credentials[key]) for key in ("username", "email") if credentials.get(key)}
        if not password or not names:
            return None
        wanted = Q(pk=None)
        for name in names:
            wanted |= Q(username__iexact=name) | Q(email__iexact=name)
        users = list(User.objects.filter(wanted).order_by("pk"))
        for user in users:
            if user.check_password(password):
                if self.user_can_authenticate(user):
                    return user
                self._stash_user(user)  # allauth then says that the account is inactive
                break
        if not users:
            User().set_password(password)
        raise PermissionDenied
