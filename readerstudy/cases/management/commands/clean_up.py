"""clean_up: remove expired uploads, and what killed processes left behind."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand

from readerstudy.cases.cleaning import clean_up


class Command(BaseCommand):
    help = (
        "Remove uploads that are over a day old, files that killed processes left half-written or half-loaded, and "
        "sessions that have ended. Run it every hour (docs/deployment.md). Example: python manage.py clean_up"
    )

    def handle(self, *args: Any, **options: Any) -> None:
        cleaned = clean_up()
        call_command("clearsessions")
        self.stdout.write(f"Removed: {cleaned}.")
