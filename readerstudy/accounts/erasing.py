"""Erasing who a person was from their account. The row stays, under its number: what it did refers to it."""

import re

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.admin.models import LogEntry
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q

from readerstudy.accounts.models import Erasure, ExportToken, User


@transaction.atomic
def erase_account(user: User, why: str, by: User | None) -> Erasure:
    """Replace name and address by the account's number, close it, and remove all that logs in with it.

    ValidationError, and nothing is erased, for an administrator, a second time, or without a reason.
    """
    user = User.objects.select_for_update().get(pk=user.pk)
    why = why.replace("\0", "").strip()
    if not why or len(why) > 300:
        raise ValidationError("Say why the data are erased (at most 300 characters); the reason is kept.")
    if user.is_staff:
        raise ValidationError("This account is an administrator's: take its staff rights away first.")
    if Erasure.objects.filter(user=user).exists():
        raise ValidationError("The personal data of this account were erased already.")
    nobody = f"erased-{user.pk}"
    _forget_in_log(user, nobody)
    user.username, user.email = nobody, f"{nobody}@erased.invalid"
    user.first_name = user.last_name = ""
    user.is_active = False
    user.set_unusable_password()
    user.save()
    for model in (EmailAddress, Authenticator, ExportToken):
        model._base_manager.filter(user=user).delete()
    return Erasure.objects.create(user=user, by=by, why=why)


def _forget_in_log(user: User, nobody: str) -> None:
    """The administration's log names people by user name or address."""
    names = [name for name in (user.email, user.username) if name]  # "" would be found in every entry
    words = re.compile("|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in names), re.I)
    for field in ("object_repr", "change_message"):
        said = Q(*((f"{field}__icontains", name) for name in names), _connector=Q.OR)
        for entry in LogEntry.objects.filter(said):
            setattr(entry, field, words.sub(nobody, getattr(entry, field)))
            entry.save(update_fields=[field])
