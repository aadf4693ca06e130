"""A person's own account."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from readerstudy.accounts.access import signed_in


def account(request: HttpRequest) -> HttpResponse:
    """Who one is here, with links to password and second factor. An address is changed by an administrator only."""
    signed_in(request)
    return render(request, "accounts/account.html")
