"""How allauth behaves here."""

import math
import time
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter, get_adapter
from allauth.account.models import EmailAddress
from allauth.core.internal import ratelimit
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from readerstudy.accounts.models import User
from readerstudy.common.counting import counted

FAILED: dict[str, str] = {"app": "allauth.account", "action": "login_failed"}


class ClosedSignupAdapter(DefaultAccountAdapter):
    """Nobody signs up by themselves: people come by invitation, or an administrator makes their account."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Raises ValidationError after too many wrong passwords, saying how long and what helps at once."""
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError as error:
            minutes = self._minutes_left(request, **credentials)
            raise ValidationError(
                f"Too many wrong passwords: for {counted(minutes, 'more minute')} none is taken, not "
                "even the right one. To get in at once, have a link sent to your address (“Forgotten your password?” "
                "on the log-in page): a new password works right away.",
                code=error.code,
            ) from None

    def _minutes_left(self, request: HttpRequest, **credentials: Any) -> int:
        key, left = self._get_login_attempts_cache_key(request, **credentials), 0.0
        for rate in ratelimit.get_rates(**FAILED):
            tries = cache.get(ratelimit.get_cache_key(request, rate=rate, key=key, **FAILED), [])
            if len(tries) >= rate.amount:
                left = max(left, tries[-1] + rate.duration - time.time())
        return max(1, math.ceil(left / 60))


def forget_wrong_passwords(sender: Any, request: HttpRequest, user: User, **_: Any) -> None:
    """A password chosen by a mailed link works at once, by whichever name; receives allauth's password_reset."""
    adapter = get_adapter(request)
    addresses = {user.email, *EmailAddress.objects.filter(user=user).values_list("email", flat=True)}
    for name in [{"username": user.username}, *({"email": address} for address in addresses)]:
        adapter._delete_login_attempts_cached_email(request, **name)
