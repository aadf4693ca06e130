"""Erasing a reader's personal data. Answers stay under the code, in every study that the person reads in."""

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from readerstudy.accounts.erasing import erase_account
from readerstudy.accounts.models import Erasure, User
from readerstudy.reading.models import Reader
from readerstudy.studies.models import Invitation, Study

WITHDRAWN = "Personal data erased."


def why_not(reader: Reader) -> str:
    """The sentence that says why there is nothing to erase, or ""."""
    if reader.membership is None:
        return f"{reader.code} was loaded from elsewhere and has no account: there is nothing to erase."
    if Erasure.objects.filter(user=reader.membership.user_id).exists():
        return f"The personal data of {reader.code} were erased already."
    return ""


@transaction.atomic
def erase(reader: Reader, why: str, by: User | None, keeps_profile: bool = False) -> Erasure:
    """Close the account, forget name and address, and withdraw the person from studies that are not closed.

    keeps_profile: specialty and experience stay, where they tell nobody apart. ValidationError as in erase_account.
    """
    if refused := why_not(reader):
        raise ValidationError(refused)
    user = User.objects.get(memberships__reader=reader)
    address = user.email
    erasure = erase_account(user, why, by)
    invitations = Invitation.objects.filter(Q(accepted_by=user) | Q(email__iexact=address))
    invitations.filter(accepted_at=None, revoked_at=None).update(revoked_at=timezone.now())
    invitations.update(email=erasure.user.email)
    forgotten = {} if keeps_profile else {"specialty": "", "years_experience": None, "ai_experience": ""}
    mine = Reader.objects.filter(membership__user=user)
    for each in mine.select_related("study"):
        if each.study.state != Study.State.CLOSED:  # who read to the end of a closed study has not withdrawn from it
            each.withdrawn_at = each.withdrawn_at or timezone.now()
        each.withdrawn_why = WITHDRAWN if each.withdrawn_at else ""
        for name, value in forgotten.items():
            setattr(each, name, value)
        each.save()
    past = Reader.history.filter(id__in=mine.values("pk"))
    past.exclude(withdrawn_why="").update(withdrawn_why=WITHDRAWN)
    if forgotten:
        past.update(**forgotten)
    return erasure
