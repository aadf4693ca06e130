"""Running an analysis and keeping what comes out: results, report and ZIP, or the sentence that says why not."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from django.core.files.base import ContentFile
from django.utils import timezone

from readerstudy.accounts.models import User
from readerstudy.analysis.gathering import study_data, study_results
from readerstudy.analysis.models import Analysis
from readerstudy.analysis.report import write_report
from readerstudy.common.identity import opaque_id
from readerstudy.statistics.plan import AnalysisError
from readerstudy.statistics.rows import Results
from readerstudy.statistics.stored import to_json
from readerstudy.studies.models import Study


def store_analysis(
    study: Study, user: User | None = None, writing: Callable[[], AbstractContextManager[None]] = nullcontext
) -> Analysis:
    """Analyse the study now and keep the results, report and ZIP; a failure is kept too, as status and sentence.

    writing: the transaction in which a worker may write (readerstudy.jobs.work).
    """
    analysis = Analysis(study=study, started_by=user, started_at=timezone.now())
    try:
        data = study_data(study)
        results = study_results(study, data)
        report, archive = _files(results)
        analysis.results, analysis.responses, analysis.data_sha256 = to_json(results), data.rows, data.sha256
        analysis.status = Analysis.Status.DONE
    except AnalysisError as error:
        analysis.status, analysis.error = Analysis.Status.FAILED, str(error)
    analysis.finished_at = timezone.now()
    with writing():
        if analysis.status == Analysis.Status.DONE:
            name = opaque_id()
            analysis.report.save(f"{name}.html", ContentFile(report), save=False)
            analysis.archive.save(f"{name}.zip", ContentFile(archive), save=False)
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
