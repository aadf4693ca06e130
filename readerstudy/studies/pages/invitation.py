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
from readerstudy.studies.invitations import InvitationError
from readerstudy.studies.models import Invitation, Membership, Study
from readerstudy.studies.navigation import address


@never_cache
@sensitive_post_parameters()
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Behind the link: choose a password (new here), log in (known here) or confirm (logged in)."""
    try:
        found = invitations.find(token)
    except InvitationError as error:
        return render(request, "studies/invitation_refused.html", {"error": error}, status=410)
    if isinstance(request.user, User):
        return _join_as(request, token, found, request.user)
    if User.objects.filter(email__iexact=found.email).exists():
        return render(request, "studies/invitation.html", {"invitation": found, "study": found.study, "known": True})
    user = User(username=_free_username(found), email=found.email)
    form = SetPasswordForm(user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            form.save(commit=False)  # accept stores the account, so that two clicks make one
            membership = invitations.accept(token, user)
        except InvitationError as error:
            return render(request, "studies/invitation_refused.html", {"error": error}, status=410)
        login(request, user, backend="django.contrib.auth.backends.ModelBackend")
        return _welcome(request, membership)
    return render(request, "studies/invitation.html", {"invitation": found, "study": found.study, "form": form})


def _free_username(found: Invitation) -> str:
    """The address itself, which people remember; they can log in with either."""
    name = found.email[:130]
    return f"{name}-{found.pk}" if User.objects.filter(username__iexact=name).exists() else name


def _join_as(request: HttpRequest, token: str, found: Invitation, user: User) -> HttpResponse:
    error = None
    if request.method == "POST":
        try:
            return _welcome(request, invitations.accept(token, user))
        except InvitationError as refused:
            error = refused
    context = {"invitation": found, "study": found.study, "user": user, "error": error, "confirm": True}
    return render(request, "studies/invitation.html", context, status=409 if error else 200)


def _welcome(request: HttpRequest, membership: Membership) -> HttpResponse:
    study = membership.study
    messages.success(request, f"You have joined “{study.reader_title}” as {membership.role}.")
    if membership.role == Membership.Role.READER and study.state == Study.State.OPEN:
        return redirect(address("reading", study.slug))
    return redirect("home")
