"""The tabs of a study, and the pages of the apps above that a study's own pages link to.

Each app declares its own on its AppConfig: `study_tabs`, a list of Tab, and `study_pages`, names of URLs by what they
are ("preview", "results" ...). An app that is not installed has no tab and no link.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.urls import reverse


@dataclass(frozen=True)
class Tab:
    """key: what a page calls itself; url_name: of a page that takes the slug alone; place: from left to right."""

    key: str
    title: str
    url_name: str
    place: int


def tabs() -> list[Tab]:
    """The tabs of all apps, from left to right."""
    return sorted(_declared("study_tabs"), key=lambda tab: tab.place)


def address(page: str, *args: object) -> str:
    """The address of the page called `page` in an AppConfig's `study_pages`; "" where no installed app has it."""
    for pages in _configured("study_pages"):
        if page in pages:
            return reverse(pages[page], args=args)
    return ""


def _declared(name: str) -> Iterator[Tab]:
    for declared in _configured(name):
        yield from declared


def _configured(name: str) -> Iterator[Any]:
    for config in apps.get_app_configs():
        if hasattr(config, name):
            yield getattr(config, name)
