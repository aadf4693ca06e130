"""Draft -> open -> closed (reopened by an administrator, for a reason), and new versions.

Opening runs the checklist, freezes the protocol and draws allocations.
"""

import secrets

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from readerstudy.accounts.models import User
from readerstudy.studies.checklist import checklist
from readerstudy.studies.drafting import free_slug, refuse_archived
from readerstudy.studies.kinds_shown import texts_to_freeze
from readerstudy.studies.models import Example, MailPlan, Membership, Method, Question, Reopening, Study
from readerstudy.studies.protocol import protocol_sha256, truth_commitment
from readerstudy.studies.signals import study_opened


@transaction.atomic
def open_study(study: Study, user: User | None = None) -> Study:
    """Freeze the protocol and open for reading; ValidationError names each missing thing, and nothing changes then."""
    study = Study.objects.select_for_update().get(pk=study.pk)
    if not study.is_draft:
        raise ValidationError(f"“{study.title}” is {study.state} already.")
    refuse_archived(study)
    missing = [check.text for check in checklist(study) if check.state == "missing"]
    if missing:
        raise ValidationError(missing)
    study.state, study.opened_at, study.opened_by = Study.State.OPEN, timezone.now(), user
    study.truth_salt = secrets.token_hex(32)
    study.truth_commitment = truth_commitment(study, study.truth_salt)
    study.kind_texts = texts_to_freeze(study)
    study.protocol_sha256 = protocol_sha256(study)
    study.save()
    study_opened.send(sender=Study, study=study)
    return study


@transaction.atomic
def close_study(study: Study, user: User | None = None) -> Study:
    """End reading. What has been answered stays; nothing more is taken, unless an administrator reopens the study."""
    study = Study.objects.select_for_update().get(pk=study.pk)
    if study.state != Study.State.OPEN:
        raise ValidationError(f"“{study.title}” is {study.state}: only an open study can be closed.")
    study.state, study.closed_at, study.closed_by = Study.State.CLOSED, timezone.now(), user
    study.save()
    return study


@transaction.atomic
def reopen_study(study: Study, why: str, user: User | None = None) -> Study:
    """Open a closed study for reading again. Why is recorded and stands in the report; ValidationError without it."""
    study = Study.objects.select_for_update().get(pk=study.pk)
    if study.state != Study.State.CLOSED or study.closed_at is None:
        raise ValidationError(f"“{study.title}” is {study.state}: only a closed study can be reopened.")
    refuse_archived(study)
    if study.from_spreadsheets:
        raise ValidationError(f"The reads of “{study.title}” were loaded: nobody can read in it.")
    why = why.replace("\0", "").strip()
    if not why or len(why) > 300:
        raise ValidationError("Say why the study is reopened (at most 300 characters); it stands in the report.")
    Reopening.objects.create(study=study, by=user, why=why, closed_at=study.closed_at, closed_by=study.closed_by)
    study.state, study.closed_at, study.closed_by = Study.State.OPEN, None, None
    study.save()
    return study


@transaction.atomic
def archive_study(study: Study, user: User | None = None) -> Study:
    """Take a closed study, or a draft, out of the lists; it can then only be looked at. Nothing is removed."""
    study = Study.objects.select_for_update().get(pk=study.pk)
    if study.state == Study.State.OPEN or study.archived_at:
        raise ValidationError(f"“{study.title}” is {_state(study)}: only a draft or a closed study can be archived.")
    study.archived_at, study.archived_by = timezone.now(), user
    study.save()
    return study


@transaction.atomic
def bring_back_study(study: Study) -> Study:
    """Take an archived study out of the archive; its history says when it was there."""
    study = Study.objects.select_for_update().get(pk=study.pk)
    if not study.archived_at:
        raise ValidationError(f"“{study.title}” is not archived.")
    study.archived_at = study.archived_by = None
    study.save()
    return study


def _state(study: Study) -> str:
    return "archived" if study.archived_at else study.state


@transaction.atomic
def new_version(study: Study, user: User | None = None) -> Study:
    """A draft copy with the next version number, to change the protocol. Readers are invited, and consent, anew."""
    old = Study.objects.select_for_update().get(pk=study.pk)
    if old.is_draft:
        raise ValidationError("A draft can be edited as it is; a new version is made of an open or closed study.")
    if Study.objects.filter(previous_version=old).exists():
        raise ValidationError(f"Version {old.protocol_version} has a next version already.")
    version = old.protocol_version + 1
    base = old.slug.removesuffix(f"-v{old.protocol_version}")
    study = Study.objects.get(pk=old.pk)
    study.pk, study._state.adding = None, True
    study.slug, study.protocol_version, study.previous_version = free_slug(f"{base[:50]}-v{version}"), version, old
    study.state, study.protocol_sha256, study.created_by = Study.State.DRAFT, "", user
    study.truth_commitment = study.truth_salt = ""
    study.kind_texts = {}
    study.opened_at = study.opened_by = study.closed_at = study.closed_by = None
    study.archived_at = study.archived_by = None
    study.save()
    for model in (Method, Question, MailPlan):
        for row in model.objects.filter(study=old):
            row.pk, row.study, row._state.adding = None, study, True
            row.save()
    selections = {}
    for selection in old.selections.all():
        before = selection.pk
        selection.pk, selection.study, selection._state.adding = None, study, True
        selection.save()
        selections[before] = selection
    for example in Example.objects.filter(study=old).prefetch_related("explanations"):
        pinned = list(example.explanations.all())
        copied = Example.objects.create(
            study=study,
            prediction_id=example.prediction_id,
            selection=selections.get(example.selection_id or 0),
            number=example.number,
            practice=example.practice,
        )
        copied.explanations.set(pinned)
    for membership in old.memberships.exclude(role=Membership.Role.READER):
        Membership.objects.create(study=study, user_id=membership.user_id, role=membership.role)
    return study
