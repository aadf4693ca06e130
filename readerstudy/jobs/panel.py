"""What a page says about the jobs of one kind: the button, how far the present one is, how earlier ones ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from readerstudy.common.counting import counted
from readerstudy.jobs.kinds import JobKind, kind_named
from readerstudy.jobs.models import Job
from readerstudy.jobs.queueing import missing_worker

_HISTORY = 5


@dataclass(frozen=True)
class Panel:
    """kind; current: the job under way, or None; past: those that ended, newest first; missing: of a worker, or ""."""

    kind: JobKind
    current: Job | None
    past: tuple[Job, ...]
    missing: str


def panel(kind: str, about: str) -> Panel:
    """Three queries at most."""
    jobs = list(Job.objects.filter(kind=kind, about=about).select_related("asked_by", "cancelled_by")[: _HISTORY + 1])
    current = next((job for job in jobs if job.under_way), None)
    missing = missing_worker(kind, current.queue if current else "")
    return Panel(kind_named(kind), current, tuple(job for job in jobs if not job.under_way), missing)


def words(job: Job) -> str:
    """How far the job is, in a sentence."""
    if job.state == Job.State.QUEUED:
        return "Waiting for a worker."
    if job.state == Job.State.RUNNING:
        if job.cancel_asked:
            return "Being stopped."
        said = [job.doing or "Under way"]
        if job.total:
            said.append(f"{job.done} of {job.total}")
        if pace := rate(job):
            said.append(pace)
        if left := time_left(job):
            said.append(f"about {left} left")
        return ", ".join(said) + "."
    return {
        Job.State.DONE: job.outcome or "Done.",
        Job.State.FAILED: job.error,
        Job.State.CANCELLED: "Cancelled. What was stored before is kept; ask again to do the rest.",
    }[Job.State(job.state)]


def rate(job: Job) -> str:
    """By the pace so far; "" before there is one."""
    if not job.started_at or not job.done or not job.total:
        return ""
    a_minute = job.done / max(1.0, (timezone.now() - job.started_at).total_seconds()) * 60
    return f"{round(a_minute)} a minute" if a_minute >= 1 else f"{max(1, round(a_minute * 60))} an hour"


def time_left(job: Job) -> str:
    """By the pace so far; "" before there is one."""
    if not job.started_at or not job.done or job.done >= job.total:
        return ""
    left = (timezone.now() - job.started_at) / job.done * (job.total - job.done)
    if left < timedelta(seconds=90):
        return counted(max(1, round(left.total_seconds())), "second")
    if left < timedelta(minutes=90):
        return counted(round(left.total_seconds() / 60), "minute")
    return counted(round(left.total_seconds() / 3600), "hour")
