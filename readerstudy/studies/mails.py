"""MailPlan: which mails a study sends its readers, when, and with what texts.

No part of the protocol: no answer hangs on them, and they may be changed while the study is open. The history is kept.
"""

import re
from collections.abc import Mapping

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from readerstudy.common.limits import LIMITS, Within

PLACEHOLDERS = {
    "study": "the study's title for readers",
    "code": "the reader's code",
    "address": "where reading goes on",
}
_PLACEHOLDER = re.compile(r"\{(\w*)\}")

WASHOUT_SUBJECT = "Your next read is open: {study}"
WASHOUT_TEXT = """\
Dear reader {code},

the pause is over: your next read in “{study}” is open. Start it when it suits you:

{address}

Thank you for reading."""
REMINDER_SUBJECT = "Some examples are left to read: {study}"
REMINDER_TEXT = """\
Dear reader {code},

you have not read in “{study}” for a while, and some examples are left. Every answer that you gave is kept. Go on \
where you stopped:

{address}

If you want to stop taking part, tell the person who invited you.

Thank you for reading."""


def fill(text: str, values: Mapping[str, str]) -> str:
    """`text` with each placeholder replaced by its value; what else stands in braces stays."""
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), text)


def known_placeholders(text: str) -> None:
    """Validator: ValidationError for a placeholder that there is none of."""
    unknown = sorted({name for name in _PLACEHOLDER.findall(text) if name not in PLACEHOLDERS})
    if unknown:
        raise ValidationError(
            f"There is no placeholder {', '.join(f'{{{name}}}' for name in unknown)}. There are "
            f"{', '.join(f'{{{name}}} ({meaning})' for name, meaning in PLACEHOLDERS.items())}."
        )


def leads_there(text: str) -> None:
    """Validator: ValidationError for a text that does not say where reading goes on."""
    if "{address}" not in text:
        raise ValidationError("Put {address} where the mail shall say where reading goes on.")


class MailPlan(models.Model):
    """The mails of one study. A study without a plan sends none: those made before there were mails."""

    study = models.OneToOneField("studies.Study", on_delete=models.CASCADE, related_name="mail_plan")
    sends_washout_end = models.BooleanField("send a mail when a washout is over", default=True)
    washout_subject = models.CharField(
        "its subject", max_length=150, default=WASHOUT_SUBJECT, validators=[known_placeholders]
    )
    washout_text = models.TextField("its text", default=WASHOUT_TEXT, validators=[known_placeholders, leads_there])
    idle_days = models.PositiveSmallIntegerField(
        "remind after so many days without reading", default=14, validators=[Within("idle_days")]
    )
    most_reminders = models.PositiveSmallIntegerField(
        "reminders for one read, at most", default=2, validators=[Within("most_reminders")], help_text="0: none."
    )
    reminder_subject = models.CharField(
        "subject of a reminder", max_length=150, default=REMINDER_SUBJECT, validators=[known_placeholders]
    )
    reminder_text = models.TextField(
        "text of a reminder", default=REMINDER_TEXT, validators=[known_placeholders, leads_there]
    )
    history = HistoricalRecords()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(idle_days__gte=LIMITS["idle_days"].least, idle_days__lte=LIMITS["idle_days"].most)
                & Q(most_reminders__lte=LIMITS["most_reminders"].most),
                name="mail_plan_within_limits",
            )
        ]

    def __str__(self) -> str:
        return f"mails of {self.study}"
