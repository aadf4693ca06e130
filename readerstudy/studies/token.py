"""The key with which a researcher's own scripts use the API. Readers have none: they answer in the browser only."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from rest_framework.authtoken.models import Token

from readerstudy.studies.access import may_create_study, signed_in


@never_cache
def token(request: HttpRequest) -> HttpResponse:
    """Make (replacing an older one) or revoke the token. It is shown once, in answer to making it."""
    user = signed_in(request)
    if not may_create_study(user):
        raise PermissionDenied("API tokens are for people who run a study.")
    made = None
    if request.method == "POST":
        Token.objects.filter(user=user).delete()
        if request.POST.get("action") == "make":
            made = Token.objects.create(user=user)
    current = made or Token.objects.filter(user=user).first()
    return render(request, "studies/token.html", {"made": made, "current": current})
