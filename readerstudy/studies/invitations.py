"""Invitations: who may join a study, by a signed, expiring, single-use link."""

import re
from dataclasses import dataclass
from datetime import timedelta

from django.core import signing
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Lower
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from readerstudy.accounts.models import User
from readerstudy.common.refusals import Refusal
from readerstudy.studies import blinding
from readerstudy.studies.models import Invitation, Membership, Study
from readerstudy.studies.roles import STAFF_CANNOT_READ
from readerstudy.studies.signals import invitation_accepted

VALID_FOR = timedelta(days=14)
AT_ONCE = 200
_SALT = "readerstudy.invitation"
Role = Membership.Role


class InvitationError(Refusal):
    """Why somebody cannot be invited or cannot join."""

    code, title = "invitation_refused", "This invitation does not work"


class LinkError(InvitationError):
    """The link itself leads nowhere any more."""

    status = 410


@dataclass(frozen=True)
class Invited:
    """What came of one pasted list: new and renewed invitations, and addresses that need none."""

    sent: list[Invitation]
    already: list[str]


def addresses_in(text: str) -> list[str]:
    """Email addresses pasted with commas, semicolons, spaces or line breaks, each once, in lower case.

    Raises InvitationError naming every entry that is not an address, so that nothing is sent on a typo.
    """
    entries = list(dict.fromkeys(entry.strip("<>\"'").lower() for entry in re.split(r"[\s,;]+", text) if entry))
    wrong = [entry for entry in entries if not _is_address(entry)]
    if wrong:
        raise InvitationError(f"Not an email address: {', '.join(wrong[:5])}. Nobody was invited; correct it and send.")
    if not entries:
        raise InvitationError("Write at least one email address.")
    if len(entries) > AT_ONCE:
        raise InvitationError(f"{len(entries)} addresses at once; send at most {AT_ONCE} at a time.")
    return entries


def _is_address(entry: str) -> bool:
    try:
        validate_email(entry)
    except ValidationError:
        return False
    return len(entry) <= 254  # what the database takes


@transaction.atomic
def invite(study: Study, addresses: list[str], role: str, by: User) -> Invited:
    """Invite each address once: members are left alone, a pending invitation in the same role is renewed.

    All or nothing. Raises InvitationError when the study takes no such member, or an address cannot have the role.
    """
    _refuse_by_study(study, role)
    members = {member.user.email.lower() for member in study.memberships.select_related("user")}
    if role == Role.READER:
        staff = User.objects.filter(is_staff=True, email__in=addresses).values_list("email", flat=True)
        if staff:
            raise InvitationError(f"{', '.join(staff)}: {STAFF_CANNOT_READ}")
    _refuse_by_roles(study, [address for address in addresses if address not in members], role)
    waiting = {invitation.email.lower(): invitation for invitation in pending(study)}
    sent = []
    for address in addresses:
        if address in members:
            continue
        known = waiting.get(address)
        if known is not None and known.role == role:
            sent.append(renew(known))
            continue
        if known is not None:
            raise InvitationError(f"{address} is already invited as {known.role}: revoke that invitation first.")
        sent.append(
            Invitation.objects.create(
                study=study, email=address, role=role, created_by=by, expires_at=timezone.now() + VALID_FOR
            )
        )
    return Invited(sent=sent, already=[address for address in addresses if address in members])


def pending(study: Study) -> QuerySet[Invitation]:
    """Not accepted and not revoked; expired ones too, for they can be renewed."""
    return study.invitations.filter(accepted_at=None, revoked_at=None)


def renew(invitation: Invitation) -> Invitation:
    """A new expiry date and with it a new link; the old link stops working."""
    if invitation.accepted_at or invitation.revoked_at:
        raise InvitationError("This invitation was accepted or revoked already. Send a new one.")
    invitation.expires_at = timezone.now() + VALID_FOR
    invitation.save(update_fields=["expires_at"])
    return invitation


def revoke(invitation: Invitation) -> None:
    if invitation.accepted_at:
        raise InvitationError(f"{invitation.email} has already joined; an accepted invitation cannot be revoked.")
    if not invitation.revoked_at:
        invitation.revoked_at = timezone.now()
        invitation.save(update_fields=["revoked_at"])


def token(invitation: Invitation) -> str:
    """The signed part of the link. It names the expiry date too, so that renewing retires older links."""
    return signing.Signer(salt=_SALT).sign_object([invitation.pk, int(invitation.expires_at.timestamp())])


def link_path(invitation: Invitation) -> str:
    return reverse("invitation", args=[token(invitation)])


def find(signed: str) -> Invitation:
    """The live invitation of a link. Raises LinkError saying why the link does not work and what to do."""
    try:
        pk, expires = signing.Signer(salt=_SALT).unsign_object(signed)
    except (signing.BadSignature, ValueError, TypeError):
        raise LinkError("This link is not complete. Copy all of it from the email, or ask for a new one.") from None
    invitation = Invitation.objects.select_related("study", "created_by").filter(pk=pk).first()
    if invitation is None or invitation.revoked_at is not None:
        raise LinkError("This invitation was withdrawn. Ask the person who invited you for a new one.")
    if invitation.accepted_at is not None:
        raise LinkError("This invitation was used already. If it was you, log in; if not, ask for a new one.")
    if int(invitation.expires_at.timestamp()) != expires:
        raise LinkError("A newer invitation was sent to you: use the link in the latest email.")
    if invitation.expires_at < timezone.now():
        raise LinkError("This invitation has expired. Ask the person who invited you to send it again.")
    return invitation


@transaction.atomic
def accept(signed: str, user: User) -> Membership:
    """Turn the link into a membership, once; a new `user` is stored with it. On InvitationError nothing has changed."""
    invitation = find(signed)
    Invitation.objects.select_for_update().get(pk=invitation.pk)
    invitation = find(signed)  # again, now that nobody else can be using the same link
    if user.email.lower() != invitation.email.lower():
        raise InvitationError(
            f"This invitation is for {invitation.email}, and you are logged in as {user.email}. Log out and open the "
            "link again, or ask for an invitation to your own address."
        )
    if user.pk is None:
        user.save()
    membership = join(invitation.study, user, invitation.role)
    invitation.accepted_at, invitation.accepted_by = timezone.now(), user
    invitation.save(update_fields=["accepted_at", "accepted_by"])
    return membership


@transaction.atomic
def join(study: Study, user: User, role: str) -> Membership:
    """Make the person a member, and let the apps above do their part (a reader gets a code and reads).

    Raises InvitationError when the person has another role in the study, or one in any study of the same radiographs
    that does not go with it (blinding.py), or would read and is staff.
    """
    study = Study.objects.select_for_update().get(pk=study.pk)  # it does not open meanwhile
    User.objects.select_for_update().get(pk=user.pk)  # the person does not join another study meanwhile
    _refuse_by_study(study, role)
    known = Membership.objects.filter(study=study, user=user).first()
    if known is not None and known.role == role:
        raise InvitationError(f"You are a {role} of “{study.reader_title}” already.")
    if known is not None:
        raise InvitationError(f"You are a {known.role} of “{study.reader_title}”; one person has one role in a study.")
    try:
        membership = Membership.objects.create(study=study, user=user, role=role)
        invitation_accepted.send(sender=Invitation, membership=membership)
    except ValidationError as error:
        raise InvitationError(" ".join(error.messages)) from error
    return membership


def _refuse_by_roles(study: Study, addresses: list[str], role: str) -> None:
    """Say at once what joining would refuse. Other studies are not named: the inviter may not know of them."""
    users = User.objects.annotate(address=Lower("email")).filter(address__in=addresses)
    emails = dict(users.values_list("pk", "address"))
    refused = blinding.conflicts(study, dict.fromkeys(emails, role))
    if refused:
        raise InvitationError(" ".join(f"{emails[pk]} {why}" for pk, why in refused.items()))


def _refuse_by_study(study: Study, role: str) -> None:
    if study.archived_at:
        raise InvitationError(f"“{study.reader_title}” is archived: nobody can join until it is brought back.")
    if role == Role.READER and study.state == Study.State.CLOSED:
        raise InvitationError(f"“{study.reader_title}” is closed: it takes no more readers.")
    if role == Role.READER and study.from_spreadsheets:
        raise InvitationError(f"“{study.reader_title}” was made from spreadsheets: there are no images to read.")


def send_email(invitation: Invitation, link: str) -> None:
    """Send the link. Raises OSError (smtplib's errors are OSErrors) when the mail server refuses."""
    context = {"invitation": invitation, "study": invitation.study, "link": link}
    subject = f"Invitation to “{' '.join(invitation.study.reader_title.split())}”"  # a header is one line
    body = render_to_string("studies/emails/invitation.txt", context)
    reply_to = [invitation.created_by.email] if invitation.created_by else []
    EmailMessage(subject, body, to=[invitation.email], reply_to=reply_to).send()
