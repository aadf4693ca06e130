"""Who can log in. What a person may do is said per study, in studies.Membership; is_staff marks administrators."""

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """A person with a log-in. Administrators (is_staff) load cases and manage accounts; all else is per study."""

    email = models.EmailField("email address", unique=True)

    @property
    def is_administrator(self) -> bool:
        return self.is_active and self.is_staff
