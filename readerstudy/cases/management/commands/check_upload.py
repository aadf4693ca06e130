"""check_upload: what the web server runs to check an upload apart from itself."""

from typing import Any

from django.core.management.base import BaseCommand

from readerstudy.cases.loading.upload_check import check_within_limits


class Command(BaseCommand):
    help = (
        "Check an upload within limits of memory and time. The web server runs it; it is of no use by "
        "hand. To check a batch: python manage.py load_cases SOURCE --batch NAME --dry-run"
    )
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        check_within_limits()
