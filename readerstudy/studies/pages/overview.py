"""The researcher's first pages of a study: a new one, where it stands, its protocol as a file."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from readerstudy.common.downloads import disposition
from readerstudy.common.refusals import NotAllowed
from readerstudy.studies import drafting
from readerstudy.studies.access import administrates, may_create_study, researcher_study, run_by, signed_in
from readerstudy.studies.blinding import READS_THERE, cases_of, reads_of
from readerstudy.studies.checklist import checklist_for
from readerstudy.studies.composition import composition
from readerstudy.studies.models import Study
from readerstudy.studies.pages import forms
from readerstudy.studies.presets import PRESETS
from readerstudy.studies.protocol import published_protocol


def new(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    if not may_create_study(user):
        raise NotAllowed("New studies are made by administrators and by people who run a study.")
    form = forms.NewStudyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        study = drafting.new_study(user=user, **form.cleaned_data)
        warn_of_twins(request, study)
        return redirect("study", study.slug)
    return render(request, "studies/new.html", {"form": form})


def overview(request: HttpRequest, slug: str) -> HttpResponse:
    """Where the study stands: what is missing before it can open, what it is composed of, who looked at results."""
    study = researcher_study(request, slug)
    user = signed_in(request)
    checks = checklist_for(study, user) if study.is_draft else []
    hidden = READS_THERE if reads_of(user, cases_of(study), but=study) else ""
    context = {
        "study": study,
        "preset": PRESETS.get(study.preset),
        "checks": checks,
        "ready": all(check.state != "missing" for check in checks),
        "methods": study.methods.all(),
        "rows": [] if hidden else composition(study),
        "hidden": hidden,
        "practice": study.examples.filter(practice=True).count(),
        "looks": study.looks.select_related("user"),
        "reopenings": () if study.is_draft else study.reopenings.select_related("by"),
        "may_reopen": study.state == Study.State.CLOSED and administrates(user, study),
        "next_version": Study.objects.filter(previous_version=study).first(),
    }
    return render(request, "studies/overview.html", context)


@require_safe
def protocol_file(request: HttpRequest, slug: str) -> HttpResponse:
    """The protocol as JSON, with every draw: seed, parameters and the candidates considered."""
    study = researcher_study(request, slug)
    headers = {"Content-Disposition": disposition(f"{study.slug}-protocol.json")}
    return JsonResponse(published_protocol(study), json_dumps_params={"indent": 1}, headers=headers)


def warn_of_twins(request: HttpRequest, study: Study) -> None:
    """Two studies of one title look alike on every page; only those that this person may see are named."""
    twins = run_by(signed_in(request)).filter(title__iexact=study.title).exclude(pk=study.pk)
    addresses = ", ".join(twins.order_by("created_at").values_list("slug", flat=True)[:3])
    if addresses:
        messages.warning(
            request,
            f"You have another study called “{study.title}” ({addresses}); this one is {study.slug}. "
            "Give one of them another title, so that nobody takes one for the other.",
        )
