"""build_demo: make fixtures/demo anew."""

from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from readerstudy.cases.models import Batch
from readerstudy.common.counting import counted
from readerstudy.demo.building import build
from readerstudy.demo.fixtures import FOLDER
from readerstudy.demo.measured import FILE, measure_fixtures
from readerstudy.explanations.evaluating import chosen_metrics


class Command(BaseCommand):
    help = (
        "Make the demo's fixtures with the demo models (needs torch), in an empty database. Example: "
        "DATABASE_URL=sqlite:////tmp/build.sqlite3 MEDIA_ROOT=/tmp/build DEBUG=true python manage.py build_demo"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--output", type=Path, default=FOLDER, help="folder to write (default fixtures/demo)")
        parser.add_argument(
            "--measures",
            metavar="METRICS",
            help="only measure the explanations that are there, as evaluate --metrics does; others' values stay",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if Batch.objects.exists():
            raise CommandError("This database holds batches: set DATABASE_URL to an empty one, and migrate it first.")
        if options["measures"]:
            try:
                metrics = chosen_metrics(options["measures"].split(","))
            except ValidationError as error:
                raise CommandError(" ".join(error.messages)) from None
            count = measure_fixtures(options["output"], metrics, self.stderr.write)
            self.stdout.write(f"Wrote {counted(count, 'value')} to {options['output'] / FILE}.")
            return
        count = build(options["output"], self.stderr.write)
        size = sum(path.stat().st_size for path in options["output"].rglob("*") if path.is_file()) / 2**20
        self.stdout.write(f"Wrote {count} explanations to {options['output']} ({size:.1f} MB in all).")
