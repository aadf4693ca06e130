"""Counts and times as pages write them: filters that every template has."""

from datetime import datetime

from django import template
from django.utils import timezone

from readerstudy.common.counting import counted

register = template.Library()  # built into every template: {{ 3|counted:"reader" }}, {{ at|when }}
register.filter(counted)


@register.filter
def when(moment: datetime | str | None) -> str:
    """ "3 Nov 2026, 14:05 UTC": in the server's time zone, which is named. Empty for no time."""
    if not isinstance(moment, datetime):
        return ""
    local = timezone.localtime(moment)
    return f"{local.day} {local:%b %Y, %H:%M %Z}"


def quoted(text: str) -> str:
    """Short, in quotation marks, and of characters that an answer can carry (half a surrogate cannot be sent)."""
    return "“" + text[:20].encode("utf-8", "replace").decode() + "”"
