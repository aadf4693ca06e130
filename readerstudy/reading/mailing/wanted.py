"""Whether a reader gets mails, and the signed link with which each mail can be made the last."""

from django.core import signing
from django.urls import reverse

from readerstudy.common.refusals import Refusal
from readerstudy.reading.models import Reader

_SALT = "readerstudy.no-mail"


class MailLinkError(Refusal):
    """The link names no reader."""

    code, title, status = "no_mail_link", "This link does not work", 404


def why_none(reader: Reader) -> str:
    """Why this reader gets no mails, in words; "" for one who does. Needs `membership__user`; asks nothing more."""
    if reader.withdrawn_at is not None:
        return "has withdrawn"
    if reader.membership is None or not reader.membership.user.is_active:
        return "has no account"
    if not reader.membership.user.email:
        return "has no e-mail address"
    return "" if reader.wants_mails else "wants none"


def link_path(reader: Reader) -> str:
    """The link works without a log-in and does not expire: it can do nothing but turn mails off and on."""
    return reverse("no_mail", args=[signing.Signer(salt=_SALT).sign(str(reader.pk))])


def reader_of(signed: str) -> Reader:
    """The reader whom a link names. Raises MailLinkError."""
    try:
        return Reader.objects.select_related("study", "membership__user").get(
            pk=signing.Signer(salt=_SALT).unsign(signed)
        )
    except (signing.BadSignature, Reader.DoesNotExist):
        raise MailLinkError(
            "This link is not complete. Copy all of it from the mail, or turn mails off under “About you” in the study."
        ) from None


def want(reader: Reader, wanted: bool) -> None:
    """Turn mails on or off; the reader's history says when."""
    if reader.wants_mails == wanted:
        return
    reader.wants_mails = wanted
    reader.save(update_fields=["wants_mails"])
