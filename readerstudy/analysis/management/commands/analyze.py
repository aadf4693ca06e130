"""analyze: a study's results as a folder, or stored for its results page."""

from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from readerstudy.analysis.gathering import study_data, study_results
from readerstudy.analysis.models import Analysis
from readerstudy.analysis.report import write_report
from readerstudy.analysis.running import store_analysis
from readerstudy.common.counting import counted
from readerstudy.statistics.plan import AnalysisError
from readerstudy.studies.commands import study_named
from readerstudy.studies.looking import record_look


class Command(BaseCommand):
    help = (
        "Analyse a study by its plan: report.html, results.json, figures and tables into DIR. "
        "Example: python manage.py analyze --study pilot --output results/"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--study", required=True, help="slug of the study")
        parser.add_argument("--output", type=Path, metavar="DIR", help="folder to write; an earlier report is replaced")
        parser.add_argument("--store", action="store_true", help="keep the results for the study's results page")
        parser.add_argument("--why", default="", help="why you look, recorded; needed until the study is closed")

    def handle(self, *args: Any, **options: Any) -> None:
        study = study_named(options["study"])
        if not options["output"] and not options["store"]:
            raise CommandError("Say where the results go: --output DIR, or --store for the study's results page.")
        if options["store"]:
            analysis = store_analysis(study)
            if analysis.status == Analysis.Status.FAILED:
                raise CommandError(f"The analysis of {study.slug} failed. {analysis.error}")
            self.stdout.write(
                f"Analysed {study.slug}: {counted(analysis.responses, 'response')}; see its results page."
            )
        if options["output"]:
            try:
                record_look(study, "analysis", None, options["why"])
                data = study_data(study)
                files = write_report(study_results(study, data), options["output"])
            except ValidationError as error:
                raise CommandError(" ".join(error.messages)) from error
            except (AnalysisError, OSError) as error:
                raise CommandError(str(error)) from error
            self.stdout.write(
                f"Analysed {study.slug}: {counted(data.rows, 'response')}, {counted(len(files), 'file')}; "
                f"open {options['output']}/report.html."
            )
