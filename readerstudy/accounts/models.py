"""Who can log in. What a person may do is said per study, in studies.Membership; is_staff marks administrators."""

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """A person with a log-in. Administrators (is_staff) load cases and manage accounts; all else is per study."""

    email = models.EmailField("email address", unique=True)
    administrator_until = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="When staff rights were last taken away: until then truth was open.",
    )

    @property
    def is_administrator(self) -> bool:
        return self.is_active and self.is_staff


class Erasure(models.Model):
    """An account whose personal data were erased: whose number, by whom, when and why. Nothing says who it was."""

    user = models.OneToOneField(User, on_delete=models.PROTECT, related_name="erasure")
    by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    why = models.CharField(max_length=300)

    class Meta:
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"account {self.user_id}"


class ExportToken(models.Model):
    """With what a researcher's script asks for exports (tokens.py). Its key is not stored."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="export_token")
    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the key.")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"Export token of {self.user} until {self.expires_at:%Y-%m-%d}"
