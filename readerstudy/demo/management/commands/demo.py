"""demo: the demo study, accounts and all."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from readerstudy.demo.studies import ACCOUNTS, PASSWORD, make_demo


class Command(BaseCommand):
    help = (
        "Load the demo: synthetic cases, a study to read in, a finished simulated study, and accounts. Only where DEMO "
        "is set, since its passwords are published. Example: DEMO=true DEBUG=true python manage.py demo"
    )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("The demo's passwords are published: it loads only where DEMO=true is set.")
        studies = make_demo()
        if studies:
            self.stdout.write("Loaded " + " and ".join(f"“{study.title}”" for study in studies) + ".")
        else:
            self.stdout.write("The demo is loaded already.")
        self.stdout.write("Log-ins (or one click on the first page), all with the password " + PASSWORD + ":")
        for role in ACCOUNTS:
            self.stdout.write(f"  demo-{role}")
