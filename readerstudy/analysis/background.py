"""Analyses run from the browser: in a process of their own, so that no web request waits for one."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from datetime import timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from readerstudy.accounts.models import User
from readerstudy.analysis.models import Analysis
from readerstudy.studies.models import Study

STARTS_WITHIN = timedelta(minutes=1)
# A process id may belong to another program by then (after a restart of the machine, say).
GIVEN_UP_AFTER = timedelta(hours=1)
DIED = "The analysis ended without a result: the server was restarted, or ran out of memory. Run it again."


def start_analysis(study: Study, user: User) -> Analysis:
    """Start `analyze --store` for the study; ValidationError while one is running."""
    with transaction.atomic():
        Study.objects.select_for_update().get(pk=study.pk)
        if running_analysis(study) is not None:
            raise ValidationError("An analysis of this study is running already.")
        analysis = Analysis.objects.create(study=study, started_by=user)
        transaction.on_commit(lambda: _launch(study, analysis))  # the process must find the row
    return analysis


def _launch(study: Study, analysis: Analysis) -> None:
    command = [
        *(sys.executable, "-m", "readerstudy", "analyze", "--store"),
        *("--study", study.slug, "--analysis", str(analysis.pk)),
    ]
    # A session of its own: the end of the web worker that started it does not end it.
    process = subprocess.Popen(  # noqa: S603 - no user text
        command, stdin=subprocess.DEVNULL, start_new_session=True, cwd=settings.BASE_DIR
    )
    Analysis.objects.filter(pk=analysis.pk, process_id=None).update(process_id=process.pid)
    # Somebody must wait for it, or it stays a zombie that looks alive.
    threading.Thread(target=process.wait, daemon=True).start()


def running_analysis(study: Study) -> Analysis | None:
    """The run under way, if any. Runs whose process is gone are marked as failed first."""
    for analysis in study.analyses.filter(status=Analysis.Status.RUNNING):
        if not _alive(analysis):
            # Only if it is still running: it may have finished between the two looks.
            Analysis.objects.filter(pk=analysis.pk, status=Analysis.Status.RUNNING).update(
                status=Analysis.Status.FAILED, error=DIED, finished_at=timezone.now()
            )
    return study.analyses.filter(status=Analysis.Status.RUNNING).first()


def _alive(analysis: Analysis) -> bool:
    age = timezone.now() - analysis.started_at
    if analysis.process_id is None:
        return age < STARTS_WITHIN
    if age > GIVEN_UP_AFTER:
        return False
    try:
        os.kill(analysis.process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
