"""Who is due which mail now. Computed from stored rows alone, so that it does not matter who asks, or how often."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max

from readerstudy.reading.mailing.wanted import why_none
from readerstudy.reading.models import Mail, Read, Reader, ReadReopening
from readerstudy.reading.study_progress import ReadRow, StudyProgress, study_progress
from readerstudy.studies.journal import Reopening
from readerstudy.studies.mails import MailPlan
from readerstudy.studies.models import Study

MOST_TRIES = 5  # of a mail that the server does not take
TRY_AGAIN_AFTER = timedelta(hours=1)


@dataclass(frozen=True)
class Due:
    """number: 1, 2, ... of this kind for this read."""

    plan: MailPlan
    read: Read
    kind: str
    number: int


def due_mails(study: Study, now: datetime) -> list[Due]:
    """At most one for each reader. None for a study that is not open or has no plan, and for readers who are done."""
    plan = MailPlan.objects.filter(study=study).first()
    if plan is None or study.state != Study.State.OPEN:
        return []
    mails: dict[int, list[Mail]] = defaultdict(list)
    for mail in Mail.objects.filter(read__reader__study=study):
        mails[mail.read_id].append(mail)
    again = dict(
        ReadReopening.objects.filter(read__reader__study=study).order_by().values_list("read").annotate(last=Max("at"))
    )
    study_again = Reopening.objects.filter(study=study).aggregate(last=Max("at"))["last"]
    found = []
    for reader, row in unfinished(study_progress(study, now)):
        if row is None or why_none(reader):
            continue
        due = _due(plan, row, mails[row.read.pk], (study_again, again.get(row.read.pk)), now)
        if due:
            row.read.reader = row.reader
            found.append(Due(plan, row.read, *due))
    return found


def unfinished(found: StudyProgress) -> list[tuple[Reader, ReadRow | None]]:
    """Each reader with the first read that is not finished; None where there is none."""
    first: dict[int, ReadRow] = {}
    for row in found.rows:
        if row.state != "finished":
            first.setdefault(row.reader.pk, row)
    return [(reader, first.get(reader.pk)) for reader in found.readers]


def _due(
    plan: MailPlan, row: ReadRow, mails: list[Mail], again: tuple[datetime | None, ...], now: datetime
) -> tuple[str, int] | None:
    """Kind and number of the mail that is due for this read, if any. again: when study and read were last reopened."""
    if row.state not in ("ready", "paused"):
        return None
    mails = [mail for mail in mails if not _may_try_again(mail, now)]
    opens_at, study = row.progress.opens_at, row.reader.study
    told = any(mail.kind == Mail.Kind.WASHOUT for mail in mails)
    if row.state == "ready" and opens_at and study.washout and plan.sends_washout_end and not told:
        return Mail.Kind.WASHOUT, 1
    reminders = sum(mail.kind == Mail.Kind.REMINDER for mail in mails)
    if not row.progress.remaining:  # all is answered; reminders say how many examples are left
        return None
    heard = (study.opened_at, row.reader.joined_at, opens_at, row.read.opened_at, row.last_activity, *again)
    last = max(at for at in (*heard, *(mail.at for mail in mails)) if at)
    if reminders < plan.most_reminders and now - last >= timedelta(days=plan.idle_days):
        return Mail.Kind.REMINDER, reminders + 1
    return None


def _may_try_again(mail: Mail, now: datetime) -> bool:
    return mail.state == Mail.State.FAILED and mail.tries < MOST_TRIES and now - mail.at >= TRY_AGAIN_AFTER
