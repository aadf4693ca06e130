"""send_mails: send the mails to readers that are due."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from readerstudy.common.counting import counted
from readerstudy.common.refusals import Refusal
from readerstudy.reading.mailing.sending import send_due


class Command(BaseCommand):
    help = (
        "Send readers the mails that are due: a washout is over, or they have not read for some days. A worker does so "
        "by itself; where none runs, do it every hour. Nobody gets a mail twice. Example: python manage.py send_mails"
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            done = send_due()
        except Refusal as refusal:
            raise CommandError(str(refusal)) from refusal
        waiting = f" {counted(done.waiting, 'mail')} wait: this server sends none (EMAIL_URL)." if done.waiting else ""
        self.stdout.write(f"Sent {counted(done.sent, 'mail')}, {done.failed} not sent.{waiting}")
        if done.failed:
            raise CommandError("Some mails were not sent; the page Mails of their study says which.")
