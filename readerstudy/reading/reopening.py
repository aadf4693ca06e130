"""Opening a finished read again, for a reason: only while no later read of the reader has begun.

Washout then counts from the new finish. Answers given afterwards are marked in the provenance and in the report.
"""

from django.core.exceptions import ValidationError
from django.db import transaction

from readerstudy.accounts.models import User
from readerstudy.reading.models import Read, ReadReopening
from readerstudy.studies.models import Study


def why_not(read: Read) -> str:
    """The sentence that says why this read cannot be reopened now; "" where it can."""
    reader = read.reader
    if reader.study.state != Study.State.OPEN:
        return f"The study is {reader.study.state}: a read is reopened only while the study is open."
    if read.number == Read.PRACTICE:
        return "Practice is not analysed, so there is nothing to reopen."
    if read.finished_at is None:
        return f"{read} of {reader.code} is not finished."
    if reader.withdrawn_at is not None:
        return f"{reader.code} has withdrawn."
    if reader.reads.filter(number__gt=read.number, opened_at__isnull=False).exists():
        return f"{reader.code} has begun a later read: what was shown in it could change the answers of this one."
    return ""


@transaction.atomic
def reopen_read(read: Read, why: str, user: User | None = None) -> Read:
    """Let the reader change answers of a finished read. ValidationError where `why_not` says so or without a reason."""
    read = Read.objects.select_for_update(of=("self",)).select_related("reader__study").get(pk=read.pk)
    if refused := why_not(read):
        raise ValidationError(refused)
    why = why.replace("\0", "").strip()
    if not why or len(why) > 300:
        raise ValidationError("Say why the read is reopened (at most 300 characters); it stands in the report.")
    assert read.finished_at is not None  # why_not
    ReadReopening.objects.create(read=read, by=user, why=why, finished_at=read.finished_at)
    read.finished_at = None
    read.save(update_fields=["finished_at"])
    return read
