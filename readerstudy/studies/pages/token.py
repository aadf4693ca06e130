"""The key with which a researcher's own scripts download exports. Readers have none: they answer on the page only."""

from typing import Any

from django.db.models.signals import post_delete, post_save
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from readerstudy.accounts import tokens
from readerstudy.accounts.models import ExportToken, User
from readerstudy.common.refusals import NotAllowed
from readerstudy.studies.access import may_create_study, signed_in
from readerstudy.studies.models import Membership


def token(request: HttpRequest) -> HttpResponse:
    """Make (replacing an older one) or revoke the token. It is shown once, in answer to making it."""
    user = signed_in(request)
    if not may_create_study(user):
        raise NotAllowed("Export tokens are for people who run a study.")
    made = ""
    if request.method == "POST":
        tokens.end(user)
        if request.POST.get("action") == "make":
            made = tokens.make(user)
    current = ExportToken.objects.filter(user=user).first()
    return render(request, "studies/token.html", {"made": made, "current": current})


token.asks_for_second_factor = True  # type: ignore[attr-defined]  # no other page under /accounts/ does (middleware)


def _end_with_role(sender: type, instance: Membership, **_: Any) -> None:
    """Who runs no study any more has nothing to export."""
    user = User.objects.filter(pk=instance.user_id).first()  # None: the account itself is being deleted
    if user is not None and not may_create_study(user):
        tokens.end(user)


def _end_with_password_or_rights(sender: type, instance: User, raw: bool = False, **_: Any) -> None:
    new_password = instance._password is not None  # type: ignore[attr-defined]  # by set_password, since the last save
    if not raw and (new_password or not instance.is_active or not may_create_study(instance)):
        tokens.end(instance)


def connect() -> None:
    """Attach the rules; called once, when the app is ready."""
    post_delete.connect(_end_with_role, sender=Membership, dispatch_uid="token-membership")
    post_save.connect(_end_with_password_or_rights, sender=User, dispatch_uid="token-user")
