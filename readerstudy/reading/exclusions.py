"""Leaving something out of the analysis, and taking it in again: both say who, when and why, and neither is erased."""

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from readerstudy.accounts.models import User
from readerstudy.reading.models import Exclusion, Read, Reader, Response
from readerstudy.studies.models import Example, Study

Thing = Example | Reader | Read | Response


@transaction.atomic
def exclude(study: Study, thing: Thing, why: str, user: User | None = None) -> Exclusion:
    """Exclude an example, a reader, a read or an answer of the study. Refused while an exclusion of it is in force."""
    field = {Example: "example", Reader: "reader", Read: "read", Response: "response"}[type(thing)]
    if _study_of(thing) != study.pk:
        raise ValidationError(f"{thing} is not of the study “{study.title}”.")
    if Exclusion.objects.filter(study=study, lifted_at=None, **{field: thing}).exists():
        raise ValidationError(f"{thing} is excluded already.")
    if not why.strip():
        raise ValidationError("Say why it is excluded.")
    return Exclusion.objects.create(study=study, why=why.strip(), by=user, **{field: thing})


def _study_of(thing: Thing) -> int:
    if isinstance(thing, Read):
        return thing.reader.study_id
    return thing.question.study_id if isinstance(thing, Response) else thing.study_id


@transaction.atomic
def lift(exclusion: Exclusion, why: str, user: User | None = None) -> Exclusion:
    """End an exclusion; its row stays, with who lifted it, when and why."""
    exclusion = Exclusion.objects.select_for_update().get(pk=exclusion.pk)
    if exclusion.lifted_at is not None:
        raise ValidationError("This exclusion is lifted already.")
    if not why.strip():
        raise ValidationError("Say why it is lifted.")
    exclusion.lifted_at, exclusion.lifted_by, exclusion.lifted_why = timezone.now(), user, why.strip()
    exclusion.save()
    return exclusion
