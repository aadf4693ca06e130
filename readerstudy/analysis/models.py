"""Analysis: one stored run of `analyze` over one state of the answers."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from readerstudy.studies.models import Study


class Analysis(models.Model):
    """A run: which data it used (hash and count), what came out, or why it failed."""

    class Status(models.TextChoices):
        DONE = "done"
        FAILED = "failed"

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="analyses")
    status = models.CharField(max_length=8, choices=Status.choices)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)
    responses = models.PositiveIntegerField(default=0, help_text="Responses used, all revisions: more now means news.")
    data_sha256 = models.CharField(max_length=64, blank=True)
    results = models.JSONField(null=True, blank=True)
    report = models.FileField(upload_to="reports", blank=True, max_length=200)
    archive = models.FileField(upload_to="reports", blank=True, max_length=200, help_text="Everything as a ZIP.")
    error = models.TextField(blank=True)

    class Meta:
        verbose_name_plural = "analyses"
        ordering = ["-started_at"]

    def __str__(self) -> str:
        return f"{self.study} {self.started_at:%Y-%m-%d %H:%M}"
