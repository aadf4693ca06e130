"""Tokens of researchers' own scripts: kept as a hash, for a while, and for exports only.

One view offers them (`authentication_classes`, analysis/pages/downloads.py); nothing else of the API takes one, so no
token can answer as a reader. A new password, another token, or the loss of every role that may export ends it
(studies/pages/token.py).
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from readerstudy.accounts.access import lacks_second_factor
from readerstudy.accounts.models import ExportToken, User

WHERE = "Make one on the page /accounts/token/."


def digest(key: str) -> str:
    """What is stored of a key. A key is 40 random characters, so a plain hash cannot be guessed back."""
    return hashlib.sha256(key.encode()).hexdigest()


def make(user: User) -> str:
    """A new key, replacing an older one; it is told only now."""
    key = secrets.token_urlsafe(30)
    expires = timezone.now() + timedelta(days=settings.EXPORT_TOKEN_DAYS)
    fresh = {"digest": digest(key), "expires_at": expires, "created_at": timezone.now(), "used_at": None}
    ExportToken.objects.update_or_create(user=user, defaults=fresh)
    return key


def end(user: User) -> None:
    ExportToken.objects.filter(user=user).delete()


class ExportTokenAuthentication(BaseAuthentication):
    """`Authorization: Token KEY`. Raises AuthenticationFailed with what to do."""

    def authenticate(self, request: Request) -> tuple[User, ExportToken] | None:
        words = get_authorization_header(request).split()
        if not words or words[0].lower() != b"token":
            return None
        if len(words) != 2:
            raise AuthenticationFailed("Send the header as: Authorization: Token KEY.")
        found = ExportToken.objects.select_related("user").filter(digest=digest(words[1].decode("latin-1"))).first()
        if found is None:
            raise AuthenticationFailed(f"This token was replaced, revoked or ended by a new password. {WHERE}")
        if refusal := why_refused(found):
            raise AuthenticationFailed(refusal)
        found.used_at = timezone.now()
        found.save(update_fields=["used_at"])
        return found.user, found

    def authenticate_header(self, request: Request) -> str:
        return "Token"


def why_refused(token: ExportToken) -> str:
    if token.expires_at <= timezone.now():
        return f"This token ended on {token.expires_at:%Y-%m-%d}. {WHERE}"
    if not token.user.is_active:
        return "The account of this token is not active. Ask an administrator."
    if lacks_second_factor(token.user):
        return "Administrators need a second factor here: log in and set one up, then the token works."
    return ""


class ExportTokenScheme(OpenApiAuthenticationExtension):
    """For the API's description; drf-spectacular finds it by being defined."""

    target_class = ExportTokenAuthentication
    name = "exportToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        words = "`Token KEY`, with a key made on the page /accounts/token/."
        return {"type": "apiKey", "in": "header", "name": "Authorization", "description": words}
