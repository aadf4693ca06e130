"""export_reads: a study's answers as a table."""

import json
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from readerstudy.common.counting import counted
from readerstudy.common.refusals import Refusal
from readerstudy.exchange.export import (
    FORMATS,
    TABLES,
    Hashed,
    data_dictionary,
    export,
    imrmc_question,
    provenance,
    table_named,
)
from readerstudy.exchange.tables import completeness
from readerstudy.studies.commands import study_named
from readerstudy.studies.looking import record_look
from readerstudy.studies.models import Study


class Command(BaseCommand):
    help = (
        "Export answers with truth, or measures of explanations, for researchers. Beside FILE come "
        "FILE.dictionary.csv and FILE.provenance.json. "
        "Example: python manage.py export_reads --study pilot --format long --output reads.csv"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--study", required=True, help="slug of the study")
        parser.add_argument(
            "--format",
            choices=FORMATS,
            default="long",
            help="; ".join(f"{table.name}: {table.about}" for table in TABLES) + " (default: long)",
        )
        parser.add_argument("--output", required=True, help="file to write, or - for standard output")
        parser.add_argument("--question", default="", help="imrmc: whose scores (default: the first question)")
        parser.add_argument("--why", default="", help="why you look, recorded; needed until the study is closed")

    def handle(self, *args: Any, **options: Any) -> None:
        study = study_named(options["study"])
        try:
            content = Hashed(export(study, options["format"], options["question"]))
            if table_named(options["format"]).with_truth:
                record_look(study, f"export {options['format']}", None, options["why"])
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        except Refusal as refusal:
            raise CommandError(str(refusal)) from refusal
        if options["output"] == "-":
            for chunk in content:
                self.stdout.write(chunk, ending="")
            self.stderr.write(f"Exported {study.slug}: {_summary(study, options, content)}.")
            return
        target = Path(options["output"])
        temporary = target.with_name(f".{target.name}.writing")
        try:
            with temporary.open("w", encoding="utf-8", newline="") as file:
                file.writelines(content)
            temporary.replace(target)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise CommandError(f"{target} cannot be written: {error.strerror}.") from error
        described = provenance(study, options["format"], content.sha256, max(content.lines - 1, 0))
        target.with_name(f"{target.name}.provenance.json").write_text(json.dumps(described, indent=1), encoding="utf-8")
        with target.with_name(f"{target.name}.dictionary.csv").open("w", encoding="utf-8", newline="") as file:
            file.writelines(data_dictionary(study))
        self.stdout.write(
            f"Exported {study.slug} as {options['format']} to {target}: {_summary(study, options, content)}."
        )


def _summary(study: Study, options: dict[str, Any], written: Hashed) -> str:
    """What was exported: of tables of answers, how many of those that a complete study has."""
    table = table_named(options["format"])
    if not table.of_answers:
        return counted(max(written.lines - 1, 0), "row")
    only = imrmc_question(study, options["question"]) if table.of_one_question else ""
    answered, expected = completeness(study, only)
    said = f"{answered} of {expected} answers" + (f" to the question “{only}”" if only else "")
    return said + ("" if answered < expected else " (complete)")
