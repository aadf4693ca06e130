"""A person's own account."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from readerstudy.accounts.access import signed_in


def account(request: HttpRequest) -> HttpResponse:
    """Links to password, second factor and API token."""
    signed_in(request)
    return render(request, "accounts/account.html")
