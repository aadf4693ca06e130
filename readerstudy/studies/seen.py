"""SeenTruth: who could see the truth of which cases, in whatever study."""

from django.conf import settings
from django.db import models

from readerstudy.cases.models import Case


class SeenTruth(models.Model):
    """A person could see the truth of a case, in whatever study; kept, so that they never read it (blinding.py)."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "seen truth"
        constraints = [models.UniqueConstraint(fields=["user", "case"], name="seen_truth_once")]

    def __str__(self) -> str:
        return f"{self.case_id} by {self.user_id}"
