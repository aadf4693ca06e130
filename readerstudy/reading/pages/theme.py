"""Which pages are dark: all on a reader's way, so that no bright page meets eyes that are used to a dark room."""

from django.http import HttpRequest
from django.urls import reverse


def theme(request: HttpRequest) -> dict[str, str]:
    """For every template: "dark" where readers read or are on the way there. A view's own `theme` goes first."""
    on_the_way = request.POST.get("next") or request.GET.get("next") or request.path
    reading = reverse("reading_list", args=["-"]).removesuffix("-/")  # what its pages begin with, of whatever study
    return {"theme": "dark" if on_the_way.startswith(reading) else "light"}
