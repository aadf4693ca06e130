"""What a mail says: the study's text, and below it how to get no more of them. Nothing about a case or an answer."""

from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse

from readerstudy.common.refusals import Refusal
from readerstudy.reading.mailing.wanted import link_path
from readerstudy.reading.models import Mail, Reader
from readerstudy.studies.mails import MailPlan, fill

_ENDING = """

--
You get this mail because you read in “{study}” as {code}. To get no more of them, open this address:
{no_mail}
"""


@dataclass(frozen=True)
class Written:
    subject: str
    body: str
    no_mail: str


def site_address() -> str:
    """https://host, without a slash at the end. Raises Refusal where the settings name none."""
    address: str = settings.SITE_ADDRESS
    if address:
        return address.rstrip("/")
    raise Refusal(
        "Mails need an address to lead to, and the settings name none: set SITE_ADDRESS, for example to "
        "https://reads.example.org"
    )


def written(plan: MailPlan, kind: str, reader: Reader, site: str) -> Written:
    """The mail for one reader. site: as site_address() gives it."""
    no_mail = site + link_path(reader)
    values = {
        "study": " ".join(reader.study.reader_title.split()),
        "code": reader.code,
        "address": site + reverse("reading_list", args=[reader.study.slug]),
        "no_mail": no_mail,
    }
    washout = kind == Mail.Kind.WASHOUT
    subject = fill(plan.washout_subject if washout else plan.reminder_subject, values)
    text = plan.washout_text if washout else plan.reminder_text
    return Written(" ".join(subject.split()), fill(text.rstrip() + _ENDING, values), no_mail)
