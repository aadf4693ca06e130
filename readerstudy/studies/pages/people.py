"""The page of a study's people: members, invitations, inviting."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from readerstudy.accounts.mail import sends_email
from readerstudy.studies import invitations
from readerstudy.studies.access import administrates, researcher_study, signed_in
from readerstudy.studies.invitations import InvitationError
from readerstudy.studies.models import Invitation, Membership, Study
from readerstudy.studies.pages.attempts import attempt

Link = dict[str, str]  # email, link


class InviteForm(forms.Form):
    addresses = forms.CharField(
        label="Email addresses",
        widget=forms.Textarea(attrs={"rows": 3, "autocomplete": "off"}),
        help_text="One or many, separated by commas, spaces or line breaks.",
    )
    role = forms.ChoiceField(choices=Membership.Role.choices, initial=Membership.Role.READER)

    def __init__(self, *args: object, may_invite_administrators: bool, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        if not may_invite_administrators:
            self.fields["role"].choices = [  # type: ignore[attr-defined]
                choice for choice in Membership.Role.choices if choice[0] != Membership.Role.ADMINISTRATOR
            ]

    def clean_addresses(self) -> list[str]:
        try:
            return invitations.addresses_in(self.cleaned_data["addresses"])
        except InvitationError as error:
            raise forms.ValidationError(str(error)) from error


def people(request: HttpRequest, slug: str) -> HttpResponse:
    """Members and invitations of a study; POST invites."""
    study = researcher_study(request, slug)
    user = signed_in(request)
    form = InviteForm(request.POST or None, may_invite_administrators=administrates(user, study))
    if request.method == "POST" and form.is_valid():
        try:
            invited = invitations.invite(study, form.cleaned_data["addresses"], form.cleaned_data["role"], user)
        except InvitationError as error:
            form.add_error(None, str(error))
        else:
            if invited.already:
                messages.info(request, f"Already in this study: {', '.join(invited.already)}.")
            return _sent(request, study, invited.sent)
    return _page(request, study, form)


def _page(request: HttpRequest, study: Study, form: InviteForm, links: list[Link] | None = None) -> HttpResponse:
    """links: those to be copied now. Whoever has a link can take the place of the person it is for, so no other page
    shows one, and this page shows it once."""
    user = signed_in(request)
    context = {
        "study": study,
        "form": form,
        "members": study.memberships.select_related("user", "reader"),
        "waiting": invitations.pending(study),
        "past": study.invitations.exclude(accepted_at=None, revoked_at=None).select_related("accepted_by"),
        "now": timezone.now(),
        "links": links or [],
        "sends_no_email": not sends_email(),
        "erases": administrates(user, study) and user.is_administrator,  # as reading's erase_page asks
    }
    return render(request, "studies/people.html", context)


@require_POST
def resend(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    study = researcher_study(request, slug)
    invitation = get_object_or_404(study.invitations, pk=pk)
    administrators = administrates(signed_in(request), study)
    if invitation.role == Membership.Role.ADMINISTRATOR and not administrators:
        messages.error(request, "Only an administrator can invite an administrator again.")
    elif attempt(request, lambda: invitations.renew(invitation)):
        return _sent(request, study, [invitation])
    return redirect("people", slug)


@require_POST
def revoke(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    study = researcher_study(request, slug)
    invitation = get_object_or_404(study.invitations, pk=pk)
    attempt(request, lambda: invitations.revoke(invitation), f"The invitation of {invitation.email} no longer works.")
    return redirect("people", slug)


@require_POST
def remove(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """End the membership of somebody who runs the study. Readers withdraw instead, and stay on record."""
    study = researcher_study(request, slug)
    user = signed_in(request)
    member = get_object_or_404(study.memberships.exclude(role=Membership.Role.READER), pk=pk)
    own = study.memberships.filter(user=user).first()
    if member.user_id == user.pk:
        messages.error(request, "You cannot remove yourself; ask somebody else who runs this study.")
    elif member.role == Membership.Role.ADMINISTRATOR and own and own.role != Membership.Role.ADMINISTRATOR:
        messages.error(request, "Only an administrator can remove an administrator.")
    else:
        member.delete()
        messages.success(request, f"{member.user.email} no longer runs this study.")
    return redirect("people", slug)


def _sent(request: HttpRequest, study: Study, to: list[Invitation]) -> HttpResponse:
    """Email the links. Those that cannot be sent are on the page that answers, to be copied, and on no other."""
    unsent: list[Link] = []
    for invitation in to:
        link = request.build_absolute_uri(invitations.link_path(invitation))
        try:
            if not sends_email():
                raise OSError
            invitations.send_email(invitation, link)
        except OSError:
            unsent.append({"email": invitation.email, "link": link})
    failed = {each["email"] for each in unsent}
    if len(to) > len(unsent):
        messages.success(request, f"Invited: {', '.join(i.email for i in to if i.email not in failed)}.")
    if not unsent:
        return redirect("people", study.slug)
    if sends_email():
        messages.warning(request, f"The email could not be sent to {', '.join(failed)}: copy the link below instead.")
    form = InviteForm(may_invite_administrators=administrates(signed_in(request), study))
    return _page(request, study, form, unsent)
