"""Analyses run from the browser: in a process of their own, so that no web request waits for one.

Each has settings.ANALYSIS_TIME_LIMIT seconds. The process ends itself (`limited`); where it could not, whoever looks at
the results page next does, which also records the end of runs that were killed.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from readerstudy.accounts.models import User
from readerstudy.analysis.models import Analysis
from readerstudy.studies.models import Study

STARTS_WITHIN = timedelta(minutes=1)
# What a run that is over its time gets to record that, before it is ended from outside.
GRACE = timedelta(seconds=60)
DIED = "The analysis ended without a result: the server was restarted, or ran out of memory. Run it again."


class TimeIsUp(BaseException):
    """The run is over its time. No Exception, so that nothing on the way takes it for a failure of its own."""


def over_time() -> str:
    """What the results page says of a run that took too long."""
    limit = settings.ANALYSIS_TIME_LIMIT
    return (
        f"The analysis was ended after {limit} seconds, the longest that a run may take here. Run "
        "`python manage.py analyze` on the command line, which has no limit, or have the setting ANALYSIS_TIME_LIMIT "
        "raised; a plan with fewer bootstrap samples takes less."
    )


@contextmanager
def limited() -> Iterator[None]:
    """Raises TimeIsUp in the code within once the time is up; what does not listen is ended after GRACE.

    For the main thread of a process of its own: it uses the process's alarm clock.
    """

    def ring(*_: object) -> None:
        raise TimeIsUp

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(settings.ANALYSIS_TIME_LIMIT)
    # A thread in C that needs no Python to run: it ends also a process that is stuck in one long computation.
    faulthandler.dump_traceback_later(
        settings.ANALYSIS_TIME_LIMIT + GRACE.total_seconds(), exit=True, file=sys.__stderr__ or 2
    )
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
        faulthandler.cancel_dump_traceback_later()


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
        late = timezone.now() - analysis.started_at > _limit()
        if late:
            _end(analysis)
        if late or not _alive(analysis):
            # Only if it is still running: it may have finished between the two looks.
            Analysis.objects.filter(pk=analysis.pk, status=Analysis.Status.RUNNING).update(
                status=Analysis.Status.FAILED, error=over_time() if late else DIED, finished_at=timezone.now()
            )
    return study.analyses.filter(status=Analysis.Status.RUNNING).first()


def _alive(analysis: Analysis) -> bool:
    age = timezone.now() - analysis.started_at
    if analysis.process_id is None:
        return age < STARTS_WITHIN
    try:
        os.kill(analysis.process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _limit() -> timedelta:
    return timedelta(seconds=settings.ANALYSIS_TIME_LIMIT) + 2 * GRACE


def _end(analysis: Analysis) -> None:
    """Kill the run's process, if the number is still its own: after a restart it may be another program's."""
    try:
        command = Path(f"/proc/{analysis.process_id}/cmdline").read_bytes().split(b"\0")
    except OSError:  # it has ended, or this system has no /proc: then only its own alarm clock ends it
        return
    if analysis.process_id and command[-3:-1] == [b"--analysis", str(analysis.pk).encode()]:
        os.kill(analysis.process_id, signal.SIGKILL)
