"""Job: one piece of background work. WorkerSeen: which workers there are, by their own word."""

from django.conf import settings
from django.db import models
from django.db.models import Q


class Job(models.Model):
    """Who asked for what, how far it is, what came out.

    A running job is held by a lease: a number, and a time until which its worker has been heard of. Every write of the
    work names the number, so that a worker that lost its lease can change nothing (running.py).
    """

    class State(models.TextChoices):
        QUEUED = "queued", "waiting"
        RUNNING = "running", "running"
        DONE = "done", "done"
        FAILED = "failed", "failed"
        CANCELLED = "cancelled", "cancelled"

    UNDER_WAY = (State.QUEUED, State.RUNNING)

    kind = models.CharField(max_length=40, help_text="predict, precompute, analyze ... (kinds.py)")
    about = models.CharField(max_length=120, help_text="What it works on: study/pilot, batch/ward.")
    title = models.CharField(max_length=200)
    arguments = models.JSONField(default=dict, blank=True)
    queue = models.CharField(max_length=32)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    asked_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    lease = models.PositiveIntegerField(default=1, help_text="Raised whenever the job is handed to a worker anew.")
    lease_until = models.DateTimeField(null=True, blank=True)
    worker = models.CharField(max_length=120, blank=True)

    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    doing = models.CharField(max_length=200, blank=True, help_text="What is being done now, in words.")
    cancel_asked = models.BooleanField(default=False)
    cancelled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    outcome = models.CharField(max_length=300, blank=True, help_text="One line on what came out.")
    error = models.TextField(blank=True, help_text="What went wrong and what to do.")

    class Meta:
        ordering = ["-asked_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "about"],
                condition=Q(state__in=["queued", "running"]),
                name="job_one_at_a_time",
            ),
            models.CheckConstraint(condition=~Q(state="failed", error=""), name="job_failed_says_why"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def under_way(self) -> bool:
        return self.state in self.UNDER_WAY


class WorkerSeen(models.Model):
    """A worker, for the pages that say whether there is one. Its row goes when it has long been silent."""

    name = models.CharField(max_length=120, unique=True, help_text="host:process")
    queues = models.CharField(max_length=200)
    torch = models.BooleanField(default=False)
    seen_at = models.DateTimeField()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
