"""What counts as looking at an example: the time the page was visible, less the time without any input."""

from django.db.models import Sum
from django.db.models.functions import Coalesce

# Over the visits of one assignment, in milliseconds; null where none has a time.
LOOKING_MS = Sum("visible_ms") - Coalesce(Sum("idle_ms"), 0)
