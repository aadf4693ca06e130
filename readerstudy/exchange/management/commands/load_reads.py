"""load_reads: reads made elsewhere, as a closed study of their own."""

from collections import Counter
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from readerstudy.accounts.models import User
from readerstudy.common.counting import counted
from readerstudy.exchange.loading.copies import copied_reads
from readerstudy.exchange.loading.long_table import is_long_table, load_long_table
from readerstudy.exchange.loading.shape import LoadedReads, RefusedReads, Skipped
from readerstudy.exchange.loading.spreadsheets import QUESTION_KEYS, load_spreadsheets
from readerstudy.exchange.loading.storing import store_reads


class Command(BaseCommand):
    help = (
        "Load reads kept in spreadsheets (column Example, then one per question), or our own long export, into a new "
        "study; all or nothing. In a spreadsheet's name read0 is read 1 and read1 is read 2 (docs/analysis.md). "
        "Example: python manage.py load_reads --study published --title 'Published reads' "
        "--record trial_record.json.gz read*-reader*.csv"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="CSV files")
        parser.add_argument("--study", required=True, help="slug of the new study")
        parser.add_argument("--title", default="", help="its title (default: that of the export, or the slug)")
        parser.add_argument("--record", type=Path, help="spreadsheets: the trials, as .json or .json.gz")
        parser.add_argument("--reader", default="", help="one spreadsheet, whatever its name: its reader, such as R1")
        parser.add_argument("--read", type=int, help="one spreadsheet, whatever its name: its read, 1 or 2")
        parser.add_argument(
            "--questions",
            nargs="+",
            default=list(QUESTION_KEYS),
            metavar="KEY",
            help="spreadsheets: short names of the questions, in the columns' order, such as --questions certainty "
            f"place (default: {' '.join(QUESTION_KEYS)})",
        )
        parser.add_argument("--protocol", type=Path, help="long export: its .provenance.json (default: beside it)")
        parser.add_argument("--researcher", default="", metavar="USERNAME", help="who may see the study, beside staff")

    def handle(self, *args: Any, **options: Any) -> None:
        researcher = User.objects.filter(username=options["researcher"]).first()
        if options["researcher"] and researcher is None:
            raise CommandError(f"There is no user “{options['researcher']}”.")
        try:
            loaded = _parse(options)
            study = store_reads(loaded, options["study"], title=options["title"], researcher=researcher)
        except RefusedReads as error:
            for problem in error.problems:
                self.stderr.write(problem)
            raise CommandError(f"Nothing was loaded: {counted(len(error.problems), 'problem')}.") from error
        answers = sum(read.assignments.count() for reader in study.readers.all() for read in reader.reads.all())
        self.stdout.write(
            f"Loaded {study.slug}: {counted(study.examples.count(), 'example')}, "
            f"{counted(study.readers.count(), 'reader')}, {counted(answers, 'view')}. "
            f"Next: python manage.py analyze --study {study.slug} --output results/"
        )
        for warning in copied_reads(loaded.answers):
            self.stderr.write(f"Warning: {warning}")
        if loaded.skipped:
            self.stdout.write(skipped_text(loaded.skipped))


def skipped_text(skipped: list[Skipped]) -> str:
    """How many answers are missing, in all and in each read."""
    counts = Counter((answer.reader, answer.read) for answer in skipped)
    reads = ", ".join(f"{reader} read {read}: {count}" for (reader, read), count in sorted(counts.items()))
    return f"{counted(len(skipped), 'answer')} not given, taken as missing ({reads})."


def _parse(options: dict[str, Any]) -> LoadedReads:
    files = options["files"]
    if is_long_table(files[0]):
        return load_long_table(files, options["protocol"])
    if options["protocol"] is not None:
        raise RefusedReads([f"--protocol goes with our own long export, which {files[0].name} is not."])
    if options["record"] is None:
        raise RefusedReads(["Spreadsheets need --record: the file that says what each example is."])
    if (options["reader"] or options["read"] is not None) and len(files) > 1:
        raise RefusedReads(
            ["--reader and --read say whose one file is: load it alone, or name files read0-reader1.csv."]
        )
    return load_spreadsheets(
        files,
        options["record"],
        reader=options["reader"],
        read=options["read"],
        question_keys=options["questions"],
    )
