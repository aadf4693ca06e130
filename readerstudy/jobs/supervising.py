"""A worker's part: take a job, do it in a process of its own, watch over it, and write down how it ended.

The process may run out of memory, hang or be cancelled; the worker stays. A worker that is killed leaves a lease that
runs out, and another takes the job (queueing.recover).
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from explain.errors import clean
from readerstudy.jobs.kinds import JobKind, kind_named
from readerstudy.jobs.models import Job
from readerstudy.jobs.queueing import requeue

HEARTBEAT_SECONDS = 5.0
LEASE = timedelta(seconds=60)
_LOOK_SECONDS = 0.2

stopping = False  # set by the worker's signal handler: give the job back and end


def worker_name() -> str:
    return f"{platform.node()}:{os.getpid()}"


def supervise(pk: int, lease: int) -> None:
    """Do the job if this hand-over still holds; an earlier hand-over no longer counts."""
    claimed = Job.objects.filter(pk=pk, lease=lease, state=Job.State.QUEUED).update(
        state=Job.State.RUNNING, worker=worker_name(), lease_until=timezone.now() + LEASE, started_at=timezone.now()
    )
    if not claimed:
        return
    job = Job.objects.get(pk=pk)
    try:
        kind = kind_named(job.kind)
    except LookupError as error:
        end(pk, lease, Job.State.FAILED, error=str(error))
        return
    process = subprocess.Popen(  # noqa: S603 - numbers only
        [sys.executable, "-m", "readerstudy", "run_job", str(pk), str(lease), "--parent", str(os.getpid())],
        stdin=subprocess.DEVNULL,
        cwd=settings.BASE_DIR,
    )
    try:
        _watch(process, job, lease, kind)
    finally:
        if process.poll() is None:
            _stop(process)


def _watch(process: subprocess.Popen[bytes], job: Job, lease: int, kind: JobKind) -> None:
    started = heard = time.monotonic()
    limit = getattr(settings, kind.time_limit) if kind.time_limit else None
    while process.poll() is None:
        time.sleep(_LOOK_SECONDS)
        now = time.monotonic()
        if stopping:
            _stop(process)
            requeue(job, lease)
            return
        if limit and now - started > limit:
            _stop(process)
            end(job.pk, lease, Job.State.FAILED, error=_over_time(limit, kind.time_limit))
            return
        if now - heard >= HEARTBEAT_SECONDS:
            heard = now
            held = Job.objects.filter(pk=job.pk, lease=lease, state=Job.State.RUNNING)
            if not held.update(lease_until=timezone.now() + LEASE):
                _stop(process)
                return
            if held.filter(cancel_asked=True).exists():
                _stop(process)
                end(job.pk, lease, Job.State.CANCELLED)
                return
    if process.returncode:  # it ended without a word of its own: killed, or out of memory
        requeue(job, lease)


def end(pk: int, lease: int, state: Job.State, **said: str) -> bool:
    """Write down how a job ended, if the lease still holds it. said: error or outcome, any text."""
    held = Job.objects.filter(pk=pk, lease=lease, state=Job.State.RUNNING)
    return bool(
        held.update(
            state=state,
            finished_at=timezone.now(),
            lease_until=None,
            **{name: clean(text) for name, text in said.items()},
        )
    )


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _over_time(limit: int, setting: str) -> str:
    return (
        f"The work was ended after {limit} seconds, the longest that it may take here. Have the setting {setting} "
        "raised, or run the command on the command line, which has no limit."
    )
