"""Look and Reopening: what must be told of a study beside its answers, written as it happens and never changed."""

from django.conf import settings
from django.db import models
from django.db.models import Q


class Look(models.Model):
    """Someone looked at results, truth or answers before the study was closed: who, when, what and why."""

    study = models.ForeignKey("studies.Study", on_delete=models.PROTECT, related_name="looks")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    account = models.CharField(
        max_length=80, blank=True, help_text="On the command line: the account of the operating system."
    )
    at = models.DateTimeField(auto_now_add=True)
    what = models.CharField(max_length=80)
    why = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["study_id", "at"]

    def __str__(self) -> str:
        return f"{self.what} by {self.user_id or 'command line'}"


class Reopening(models.Model):
    """A closed study was opened again: who, when, why, and when and by whom it had been closed."""

    study = models.ForeignKey("studies.Study", on_delete=models.PROTECT, related_name="reopenings")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    why = models.CharField(max_length=300)
    closed_at = models.DateTimeField()
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        ordering = ["study_id", "at"]
        constraints = [models.CheckConstraint(condition=~Q(why=""), name="reopening_says_why")]

    def __str__(self) -> str:
        return self.why
