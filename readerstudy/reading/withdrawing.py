"""A reader stops taking part. Answers stay: leaving them out of analysis is an Exclusion, with its own reason.

Their place in the square of method orders is free for the next who joins (allocation.next_rotation keeps balance).
"""

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from readerstudy.accounts.models import Erasure
from readerstudy.reading.allocation.drawing import allocate_reader
from readerstudy.reading.models import Reader
from readerstudy.studies.models import Study


@transaction.atomic
def withdraw(reader: Reader, why: str) -> Reader:
    """Note the withdrawal; the reading room refuses the reader from now on. ValidationError without a reason."""
    reader = Reader.objects.select_for_update().get(pk=reader.pk)
    if reader.withdrawn_at is not None:
        raise ValidationError(f"{reader.code} has withdrawn already.")
    if not why.strip():
        raise ValidationError(f"Say why {reader.code} withdraws.")
    reader.withdrawn_at, reader.withdrawn_why = timezone.now(), why.strip()
    reader.save(update_fields=["withdrawn_at", "withdrawn_why"])
    return reader


@transaction.atomic
def reinstate(reader: Reader) -> Reader:
    """Take a withdrawal back; both stay in the reader's history."""
    reader = Reader.objects.select_for_update(of=("self",)).select_related("study", "membership").get(pk=reader.pk)
    if reader.membership and Erasure.objects.filter(user=reader.membership.user_id).exists():
        raise ValidationError(f"The personal data of {reader.code} were erased: nobody can read in this place again.")
    reader.withdrawn_at, reader.withdrawn_why = None, ""
    reader.save(update_fields=["withdrawn_at", "withdrawn_why"])
    if reader.study.state == Study.State.OPEN and not reader.reads.exists():
        allocate_reader(reader)  # the study opened in the meantime
    return reader
