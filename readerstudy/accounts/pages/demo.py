"""One-click entry to the demo study. The URL exists only where DEMO is set, and the view checks again."""

from django.conf import settings
from django.contrib.auth import login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from readerstudy.accounts.models import User

# Role in the URL -> what its button says. The account is called demo-<role>; `manage.py demo` makes it.
ROLES = {
    "reader": "Enter as reader 1, from the beginning",
    "reader-2": "Enter as reader 2, half-way through",
    "researcher": "Enter as researcher",
    "admin": "Enter as administrator",
}


@require_POST
def enter(request: HttpRequest, role: str) -> HttpResponse:
    user = User.objects.filter(username=f"demo-{role}", is_active=True).first()
    if not settings.DEMO or role not in ROLES or user is None:
        raise Http404
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return redirect("/")
