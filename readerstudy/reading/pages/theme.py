"""Which pages are dark: all on a reader's way, so that no bright page meets eyes that are used to a dark room."""

from django.http import HttpRequest

READING = "/reading/"


def theme(request: HttpRequest) -> dict[str, str]:
    """For every template: "dark" where readers read or are on the way there. A view's own `theme` goes first."""
    on_the_way = request.POST.get("next") or request.GET.get("next") or request.path
    return {"theme": "dark" if on_the_way.startswith(READING) else "light"}
