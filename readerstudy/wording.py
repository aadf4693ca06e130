"""Counts and times as people read them: one form each, for pages, commands and messages."""

from datetime import datetime

from django import template
from django.utils import timezone

register = template.Library()  # built into every template: {{ 3|counted:"reader" }}, {{ at|when }}


@register.filter
def counted(n: int, noun: str, plural: str = "") -> str:
    """ "1 example", "2 examples", "1,250 examples"; plural: where it is not the noun and an s."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


@register.filter
def when(moment: datetime | str | None) -> str:
    """ "3 Nov 2026, 14:05 UTC": in the server's time zone, which is named. Empty for no time."""
    if not isinstance(moment, datetime):
        return ""
    local = timezone.localtime(moment)
    return f"{local.day} {local:%b %Y, %H:%M %Z}"
