"""Who sees the truth never reads, in this study or another of its radiographs; and roles do not change."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db.models.signals import pre_save
from django.utils import timezone

from readerstudy.accounts.models import User
from readerstudy.studies import blinding
from readerstudy.studies.models import Membership

STAFF_CANNOT_READ = "An administrator sees the truth and cannot be a reader: use an account without staff rights."


def _refuse_new_role(sender: type, instance: Membership, raw: bool = False, **_: Any) -> None:
    if not raw and instance.role == Membership.Role.READER and instance.user.is_staff:
        raise ValidationError(STAFF_CANNOT_READ)
    if not raw and instance._state.adding:
        blinding.refuse_role(instance.study, instance.user, instance.role)


def _refuse_change(sender: type, instance: Membership, raw: bool = False, **_: Any) -> None:
    before = Membership.objects.filter(pk=instance.pk).first() if instance.pk and not raw else None
    if before and (before.study_id, before.user_id, before.role) != (
        instance.study_id,
        instance.user_id,
        instance.role,
    ):
        raise ValidationError(f"{before.user.email} is {before.role} of this study: a membership does not change.")


def _refuse_reader_as_staff(sender: type, instance: User, raw: bool = False, **_: Any) -> None:
    if raw or not instance.pk or not (instance.is_staff or instance.is_superuser):
        return
    reads_in = Membership.objects.filter(user=instance, role=Membership.Role.READER).select_related("study").first()
    if reads_in is not None:
        raise ValidationError(f"{instance.username} reads in “{reads_in.study.title}”. {STAFF_CANNOT_READ}")


def _remember_administrator(sender: type, instance: User, raw: bool = False, **_: Any) -> None:
    """Administrators may see every truth, so when they stop being one is kept (blinding.py)."""
    was = not raw and not instance.is_staff and User.objects.filter(pk=instance.pk, is_staff=True)
    if was and was.update(administrator_until=(now := timezone.now())):
        instance.administrator_until = now


def connect() -> None:
    """Attach the rule; called once, when the app is ready."""
    pre_save.connect(_refuse_new_role, sender=Membership, dispatch_uid="roles-membership")
    pre_save.connect(_refuse_change, sender=Membership, dispatch_uid="roles-change")
    pre_save.connect(_refuse_reader_as_staff, sender=User, dispatch_uid="roles-user")
    pre_save.connect(_remember_administrator, sender=User, dispatch_uid="roles-administrator")
