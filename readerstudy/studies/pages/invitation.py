"""The page behind an invitation link: join with a new account, or with one's own."""

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.forms import SetPasswordForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from readerstudy.accounts.models import User
from readerstudy.studies import invitations
from readerstudy.studies.models import Invitation, Membership, Study
from readerstudy.studies.navigation import address


@never_cache
@sensitive_post_parameters()
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Behind the link: choose a password (new here), log in (known here) or confirm (logged in).

    What is refused goes on to the page of refusals: 410 for the link, 409 for the person.
    """
    found = invitations.find(token)
    if isinstance(request.user, User):
        return _join_as(request, token, found, request.user)
    if User.objects.filter(email__iexact=found.email).exists():
        return render(request, "studies/invitation.html", {"invitation": found, "study": found.study, "known": True})
    user = User(username=_free_username(found), email=found.email)
    form = SetPasswordForm(user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        form.save(commit=False)  # accept stores the account, so that two clicks make one
        membership = invitations.accept(token, user)
        login(request, user, backend="django.contrib.auth.backends.ModelBackend")
        return _welcome(request, membership)
    return render(request, "studies/invitation.html", {"invitation": found, "study": found.study, "form": form})


def _free_username(found: Invitation) -> str:
    """The address itself, which people remember; they can log in with either."""
    name = found.email[:130]
    return f"{name}-{found.pk}" if User.objects.filter(username__iexact=name).exists() else name


def _join_as(request: HttpRequest, token: str, found: Invitation, user: User) -> HttpResponse:
    if request.method == "POST":
        return _welcome(request, invitations.accept(token, user))
    context = {"invitation": found, "study": found.study, "user": user, "confirm": True}
    return render(request, "studies/invitation.html", context)


def _welcome(request: HttpRequest, membership: Membership) -> HttpResponse:
    study = membership.study
    messages.success(request, f"You have joined “{study.reader_title}” as {membership.role}.")
    if membership.role == Membership.Role.READER and study.state == Study.State.OPEN:
        return redirect(address("reading", study.slug))
    return redirect("home")
