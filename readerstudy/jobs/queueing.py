"""Asking for jobs, cancelling them, and taking up again those whose worker is gone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from readerstudy.accounts.models import User
from readerstudy.jobs.kinds import kind_named
from readerstudy.jobs.models import Job, WorkerSeen
from readerstudy.jobs.tasks import run_job

GPU = "gpu"  # the queue of what needs torch
MOST_ATTEMPTS = 3
WORKER_SILENT = timedelta(seconds=60)  # a worker not heard of for longer is taken to be gone
GONE = (
    f"The work was begun {MOST_ATTEMPTS} times, and each time its process ended without a word: the host was "
    "restarted, or ran out of memory. What was stored is kept. Look at the worker's log, then ask again."
)


def ask(kind: str, about: str, title: str, user: User | None, *, queue: str = "", **arguments: Any) -> Job:
    """Queue a job; ValidationError while one of the same kind is under way for the same thing.

    The caller has checked who asks and what for: nothing is checked later that could be checked now. queue: where this
    job needs another than its kind's.
    """
    found = kind_named(kind)
    try:
        with transaction.atomic():
            job = Job.objects.create(
                kind=kind,
                about=about,
                title=title[:200],
                arguments=arguments,
                queue=queue or found.queue,
                asked_by=user,
            )
            _hand_over(job)
    except IntegrityError:
        raise ValidationError(f"{title}: this is under way already.") from None
    return job


def cancel(job: Job, user: User | None) -> None:
    """Ask the worker to stop; a job that waits stops at once. ValidationError for one that has ended."""
    waiting = Job.objects.filter(pk=job.pk, state=Job.State.QUEUED)
    running = Job.objects.filter(pk=job.pk, state=Job.State.RUNNING)
    said: dict[str, Any] = {"cancel_asked": True, "cancelled_by": user}
    if waiting.update(state=Job.State.CANCELLED, finished_at=timezone.now(), lease=F("lease") + 1, **said):
        return
    if not running.update(**said):
        raise ValidationError(f"{job.title}: this has ended already.")


def requeue(job: Job, lease: int) -> bool:
    """Hand a running job to the next worker, if `lease` still holds it: one conditional UPDATE, so only one does it."""
    held = Job.objects.filter(pk=job.pk, state=Job.State.RUNNING, lease=lease)
    with transaction.atomic():
        if lease >= MOST_ATTEMPTS:
            return bool(held.update(state=Job.State.FAILED, error=GONE, finished_at=timezone.now(), lease=lease + 1))
        if not held.update(state=Job.State.QUEUED, lease=lease + 1, lease_until=None, worker="", doing=""):
            return False
        _hand_over(Job.objects.get(pk=job.pk))
    return True


def recover() -> int:
    """Take up again the jobs whose lease has run out; returns how many. Workers call it while they wait."""
    late = Job.objects.filter(state=Job.State.RUNNING, lease_until__lt=timezone.now())
    return sum(requeue(job, job.lease) for job in late)


def missing_worker(kind: str, queue: str = "") -> str:
    """The sentence that says which worker is missing for this kind, or for its jobs in `queue`; "" where one has been
    heard of just now."""
    found = kind_named(kind)
    queue, torch = queue or found.queue, found.needs_torch or queue == GPU
    alive = WorkerSeen.objects.filter(seen_at__gte=timezone.now() - WORKER_SILENT)
    here = [worker for worker in alive if queue in worker.queues.split(",")]
    if not here:
        return f"No worker does such work now. On a host with the files, start: manage.py worker --queues {queue}"
    if torch and not any(worker.torch for worker in here):
        return (
            "The workers that are running have no torch, which this needs. On a host with the explain tier installed, "
            f"start: manage.py worker --queues {queue}"
        )
    return ""


def _hand_over(job: Job) -> None:
    run_job.using(queue_name=job.queue).enqueue(job.pk, job.lease)
