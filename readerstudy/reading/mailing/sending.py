"""Sending the mails that are due, each at most once.

The row is stored before the mail goes out. A process that is killed in between leaves a row of a mail that may not have
gone, and nobody sends it again: a reader who misses one gets a reminder, but one who gets a mail twice stops reading
them. Only what the server has refused for certain is tried again.
"""

import logging
import smtplib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db.models import F
from django.utils import timezone

from readerstudy.accounts.mail import sends_email
from readerstudy.common.counting import counted
from readerstudy.common.refusals import Refusal
from readerstudy.reading.mailing.due import Due, due_mails
from readerstudy.reading.mailing.texts import site_address, written
from readerstudy.reading.models import Mail, Reader
from readerstudy.studies.models import Study

logger = logging.getLogger(__name__)
# Any other error may come after the server has taken the mail.
_NOT_TAKEN = (
    smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused, smtplib.SMTPNotSupportedError, ValueError,
)  # fmt: skip


@dataclass
class Sent:
    """How many mails were sent (on the demo: shown), were not taken, and wait because this server sends none."""

    sent: int = 0
    failed: int = 0
    waiting: int = 0


def send_due(stop: Callable[[], bool] = lambda: False) -> Sent:
    """Send what is due in all open studies, until stop(). Raises Refusal when nothing can be sent at all."""
    done, now = Sent(), timezone.now()
    due = [mail for study in Study.objects.filter(state=Study.State.OPEN) for mail in due_mails(study, now)]
    if settings.DEMO:
        done.sent = sum(_claim(one, now, Mail.State.SHOWN) is not None for one in due)
        return done
    if not sends_email():
        done.waiting = len(due)
    if done.waiting or not due:
        return done
    site, connection = site_address(), get_connection()
    try:
        for number, one in enumerate(due):
            if stop():
                break
            _open(connection, len(due) - number)
            _send(one, site, connection, done)
    finally:
        connection.close()
    return done


def send_round(stop: Callable[[], bool]) -> None:
    """What a worker does again and again (jobs/rounds.py)."""
    send_due(stop)


def _open(connection: Any, left: int) -> None:
    """Reach the mail server, if the connection is not open already, before a mail is taken in hand."""
    try:
        connection.open()
    except OSError as error:
        raise Refusal(
            f"The mail server of EMAIL_URL cannot be used ({type(error).__name__}); {counted(left, 'mail')} left. "
            "They stay due: see that the server runs and that EMAIL_URL is right."
        ) from error


def _send(due: Due, site: str, connection: Any, done: Sent) -> None:
    """One mail, if it is still wanted and nobody else has taken it in hand."""
    takes_part = Reader.objects.filter(withdrawn_at=None, wants_mails=True, study__state=Study.State.OPEN)
    if not takes_part.filter(pk=due.read.reader_id).exists():
        return
    mail = _claim(due, timezone.now(), Mail.State.SENDING)
    if mail is None:
        return
    try:
        _message(due, site, connection).send()
    except Exception as error:  # the text of an error may name the reader's address: only its kind is kept
        connection.close()  # it may be in any state; the next mail opens it anew
        code = getattr(error, "smtp_code", "")
        mail.error = f"{type(error).__name__} {code}".strip()[:100]
        if isinstance(error, _NOT_TAKEN):
            mail.state = Mail.State.FAILED
        done.failed += 1
        logger.warning("Mail %s was not sent: %s", mail.pk, mail.error)
    else:
        mail.state, mail.error = Mail.State.SENT, ""
        done.sent += 1
    mail.save(update_fields=["state", "error"])


def _claim(due: Due, now: datetime, state: str) -> Mail | None:
    """The mail's row, for whoever may send it now: who makes it, or takes up one that failed. One of many gets it."""
    mail, made = Mail.objects.get_or_create(
        read=due.read, kind=due.kind, number=due.number, defaults={"state": state, "at": now}
    )
    if made:
        return mail
    failed = Mail.objects.filter(pk=mail.pk, state=Mail.State.FAILED, tries=mail.tries)
    if not failed.update(state=state, at=now, tries=F("tries") + 1):
        return None
    mail.refresh_from_db()
    return mail


def _message(due: Due, site: str, connection: Any) -> EmailMessage:
    """List-Unsubscribe: mail programs offer a button of their own, which posts to the link."""
    reader = due.read.reader
    text, runs = written(due.plan, due.kind, reader, site), reader.study.opened_by
    return EmailMessage(
        text.subject,
        text.body,
        to=[reader.membership.user.email],  # type: ignore[union-attr]  # why_none has looked
        reply_to=[runs.email] if runs and runs.is_active and runs.email else [],
        headers={"List-Unsubscribe": f"<{text.no_mail}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
        connection=connection,
    )
