"""Panels of jobs, in templates."""

from typing import Any

from django import template
from django.urls import reverse

from readerstudy.jobs import panel as panels
from readerstudy.jobs.kinds import kinds, named_function

register = template.Library()
register.filter("job_words", panels.words)


@register.inclusion_tag("jobs/panels.html", takes_context=True)
def job_panels(context: dict[str, Any], page: str, about: str, why_not: str = "", label: str = "") -> dict[str, Any]:
    """A panel for each kind of job whose button stands on `page`, about this thing.

    why_not: why none can start now; label: of the button, else the kind's verb.
    """
    return {
        "panels": [
            {
                "panel": panels.panel(kind.name, about),
                "start": reverse("job_start", args=[kind.name, about]),
                "form": named_function(kind.form)() if kind.form else None,
            }
            for kind in kinds().values()
            if kind.page == page
        ],
        "why_not": why_not,
        "label": label,
        "csrf_token": context["csrf_token"],
        "back": context["request"].get_full_path(),
    }
