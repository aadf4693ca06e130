"""select_examples: draw a study's examples from a batch."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from readerstudy.cases.loading.names import names_apart
from readerstudy.cases.models import Batch
from readerstudy.common.counting import counted
from readerstudy.common.limits import argument
from readerstudy.studies.commands import study_named
from readerstudy.studies.presets import preset_named
from readerstudy.studies.selection import Draw, select_examples, unmatched_sentence


class Command(BaseCommand):
    help = (
        "Draw examples, half true and half false positives per pathology. "
        "Example: python manage.py select_examples --study pilot --batch nih-1 --per-pathology 40 --seed 0 --practice 4"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--study", required=True, help="slug of a draft study")
        parser.add_argument("--batch", required=True, help="name of a loaded batch")
        parser.add_argument(
            "--per-pathology",
            type=argument("per_pathology"),
            default=40,
            help="scored examples per pathology, an even number (default 40)",
        )
        parser.add_argument(
            "--seed",
            type=argument("seed"),
            default=0,
            help="of the draw: the same seed draws the same examples (default 0)",
        )
        parser.add_argument(
            "--threshold",
            type=argument("operating_point"),
            help="probability from 0 to 1 over which a prediction is positive (default: the study's operating point)",
        )
        parser.add_argument(
            "--practice",
            type=argument("practice"),
            default=0,
            help="practice examples in all, an even number (default 0)",
        )
        parser.add_argument("--pathology", action="append", default=[], help="only this pathology (may be repeated)")
        parser.add_argument("--model", default="", help="whose predictions, when the batch has several models'")
        parser.add_argument("--several-per-patient", action="store_true", help="allow several examples of one patient")
        parser.add_argument(
            "--why",
            default="",
            help="why you draw, recorded; needed where an open study shows radiographs of the batch",
        )
        parser.add_argument(
            "--caliper",
            type=float,
            help="match true and false positives on probability within this; 0: do not (default: the study's preset)",
        )
        parser.add_argument(
            "--vary-halves",
            type=argument("vary_halves"),
            help="halves differ from half by up to this (default: the study's preset)",
        )
        parser.add_argument("--replace", action="store_true", help="draw again, discarding the present examples")

    def handle(self, *args: Any, **options: Any) -> None:
        study = study_named(options["study"])
        batch = Batch.objects.filter(name=options["batch"]).first()
        if batch is None:
            raise CommandError(f"There is no batch “{options['batch']}”. Load it with load_cases.")
        begun = preset_named(study.preset).draw
        draw = Draw(
            caliper=(begun["caliper"] if options["caliper"] is None else options["caliper"]) or None,
            vary_halves=begun["vary_halves"] if options["vary_halves"] is None else options["vary_halves"],
            per_pathology=options["per_pathology"],
            seed=options["seed"],
            threshold=options["threshold"],
            practice=options["practice"],
            one_per_patient=not options["several_per_patient"],
            pathologies=tuple(options["pathology"]),
            model=options["model"],
        )
        try:
            selection = select_examples(study, batch, draw, replace=options["replace"], why=options["why"])
        except ValidationError as error:
            raise CommandError(" ".join([*error.messages, *names_apart(batch, draw.model)])) from error
        if left := unmatched_sentence(selection):
            self.stderr.write(self.style.WARNING(left))
        scored = selection.examples.filter(practice=False).count()
        practice = selection.examples.filter(practice=True).count()
        self.stdout.write(
            f"Selected {counted(scored, 'example')} and {counted(practice, 'practice example')} for {study.slug} "
            f"from {counted(len(selection.candidates), 'candidate')} (seed {selection.seed})."
        )
        for sentence in names_apart(batch, draw.model):
            self.stderr.write(f"Warning: {sentence}")
