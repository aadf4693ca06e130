"""allocate: draw reads for readers of an open study who have none."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from readerstudy.common.counting import counted
from readerstudy.reading.allocation.drawing import allocate_study
from readerstudy.studies.commands import study_named
from readerstudy.studies.models import Study


class Command(BaseCommand):
    help = (
        "Draw sequences and orders for readers who have none; opening a study and joining it do the same. "
        "Example: python manage.py allocate --study pilot"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--study", required=True, help="slug of an open study")

    def handle(self, *args: Any, **options: Any) -> None:
        study = study_named(options["study"])
        if study.state != Study.State.OPEN:
            raise CommandError(f"“{study.slug}” is {study.state}: readers are allocated when a study is open.")
        try:
            readers = allocate_study(study)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        codes = ", ".join(reader.code for reader in readers)
        self.stdout.write(
            f"Allocated {counted(len(readers), 'reader')}{': ' + codes if codes else '; everyone has their reads'}."
        )
