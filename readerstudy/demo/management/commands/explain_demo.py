"""explain_demo: render the demo's explanations live."""

import sys
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser

from explain.models.allocator import restart_keeping_memory
from readerstudy.demo.studies import live_study


class Command(BaseCommand):
    help = (
        "Render every explanation of the demo cases with the demo models, in a draft study of their own. "
        "Needs torch. Example: DEMO=true DEBUG=true python manage.py explain_demo"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")

    def handle(self, *args: Any, **options: Any) -> None:
        if sys.argv[1:2] == ["explain_demo"]:
            restart_keeping_memory()
        study = live_study()
        call_command("precompute", study=study.slug, device=options["device"], force=True, stdout=self.stdout)
