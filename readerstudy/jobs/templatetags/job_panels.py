"""The panel of a kind of job, in templates."""

from typing import Any

from django import template

from readerstudy.jobs import panel as panels

register = template.Library()
register.filter("job_words", panels.words)


@register.inclusion_tag("jobs/panel.html", takes_context=True)
def job_panel(
    context: dict[str, Any], kind: str, about: str, start: str, why_not: str = "", label: str = ""
) -> dict[str, Any]:
    """The jobs of `kind` about this thing.

    start: where a POST starts one; why_not: why it cannot start now; label: of the button, else the kind's verb.
    """
    return {
        "panel": panels.panel(kind, about),
        "start": start,
        "why_not": why_not,
        "label": label,
        "csrf_token": context["csrf_token"],
        "back": context["request"].get_full_path(),
    }
