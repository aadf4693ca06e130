"""Running an analysis and keeping what comes out: results, report and ZIP, or the sentence that says why not."""

from __future__ import annotations

import io
import logging
import os
import tempfile
import zipfile
from pathlib import Path

from django.core.files.base import ContentFile
from django.utils import timezone

from readerstudy.accounts.models import User
from readerstudy.analysis.background import TimeIsUp, over_time
from readerstudy.analysis.gathering import study_data, study_results
from readerstudy.analysis.models import Analysis
from readerstudy.analysis.report import write_report
from readerstudy.common.identity import opaque_id
from readerstudy.statistics.plan import AnalysisError
from readerstudy.statistics.rows import Results
from readerstudy.statistics.stored import to_json
from readerstudy.studies.models import Study

logger = logging.getLogger(__name__)


def store_analysis(study: Study, user: User | None = None, analysis: Analysis | None = None) -> Analysis:
    """Analyse the study now and keep the results, report and ZIP; a failure is kept too, as status and sentence.

    `analysis` is the row to fill, where one was made to show that a run was asked for.
    """
    analysis = analysis or Analysis(study=study, started_by=user)
    analysis.status, analysis.process_id = Analysis.Status.RUNNING, os.getpid()
    analysis.save()
    try:
        data = study_data(study)
        results = study_results(study, data)
        report, archive = _files(results)
        name = opaque_id()
        analysis.report.save(f"{name}.html", ContentFile(report), save=False)
        analysis.archive.save(f"{name}.zip", ContentFile(archive), save=False)
        analysis.results, analysis.responses, analysis.data_sha256 = to_json(results), data.rows, data.sha256
        analysis.status = Analysis.Status.DONE
    except TimeIsUp:
        analysis.status, analysis.error = Analysis.Status.FAILED, over_time()
    except Exception as error:  # whatever it is, the page must not show a run for ever
        if not isinstance(error, AnalysisError):
            logger.exception("The analysis of %s failed", study.slug)
        analysis.status = Analysis.Status.FAILED
        analysis.error = str(error) if isinstance(error, AnalysisError) else f"{type(error).__name__}: {error}"
    analysis.finished_at = timezone.now()
    analysis.save()
    return analysis


def _files(results: Results) -> tuple[bytes, bytes]:
    """The report, and everything as a ZIP."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "report"
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
            for path in write_report(results, folder):
                packed.write(path, path.relative_to(folder).as_posix())
        return (folder / "report.html").read_bytes(), archive.getvalue()
