"""Mails: the researcher's page of a study's mails, and where readers turn them off and on."""

from dataclasses import replace
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from readerstudy.accounts.mail import sends_email
from readerstudy.common.limits import bounded
from readerstudy.reading.access import reader
from readerstudy.reading.mailing.due import unfinished
from readerstudy.reading.mailing.texts import Written, written
from readerstudy.reading.mailing.wanted import reader_of, want, why_none
from readerstudy.reading.models import Mail, Reader
from readerstudy.reading.study_progress import study_progress
from readerstudy.studies.access import researcher_study
from readerstudy.studies.mails import PLACEHOLDERS, MailPlan
from readerstudy.studies.models import Study
from readerstudy.studies.pages.attempts import attempt


class MailPlanForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = MailPlan
        fields = (
            "sends_washout_end",
            "washout_subject",
            "washout_text",
            "idle_days",
            "most_reminders",
            "reminder_subject",
            "reminder_text",
        )
        widgets = {name: forms.Textarea(attrs={"rows": 10}) for name in ("washout_text", "reminder_text")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("idle_days", "most_reminders"):
            bounded(self.fields[name], name)


def study_mails(request: HttpRequest, slug: str) -> HttpResponse:
    """What the study mails its readers, what it has mailed, and who gets nothing."""
    study = researcher_study(request, slug)
    plan = MailPlan.objects.filter(study=study).first()
    form = MailPlanForm(request.POST or None, instance=plan or MailPlan(study=study))
    if request.method == "POST" and form.is_valid() and attempt(request, form.save, "The mails are saved."):
        return redirect("study_mails", slug)
    plan = MailPlan.objects.filter(study=study).first()  # the form has written what was typed into the other instance
    context = {
        "study": study,
        "form": form,
        "placeholders": PLACEHOLDERS,
        "planned": plan is not None,
        "previews": _previews(request, study, plan or MailPlan(study=study)),
        "mails": [
            (mail, _as_got(request, plan, mail.kind, mail.read.reader).body if settings.DEMO and plan else "")
            for mail in Mail.objects.filter(read__reader__study=study).select_related("read__reader__study")
        ],
        "without": _without(study),
        "sends_no_email": not sends_email(),
        "no_address": not settings.SITE_ADDRESS,
        "demo": settings.DEMO,
    }
    return render(request, "reading/mails.html", context)


def _previews(request: HttpRequest, study: Study, plan: MailPlan) -> list[tuple[str, Written]]:
    """What each kind of mail is called, and what it says to the study's first reader."""
    first = study.readers.order_by("id").first() or Reader(pk=0, code="R1")
    first.study = study
    return [(kind.label, _as_got(request, plan, kind, first)) for kind in Mail.Kind]


def _as_got(request: HttpRequest, plan: MailPlan, kind: str, to: Reader) -> Written:
    """What the reader gets, but for the link that turns mails off: that is the reader's own."""
    text = written(plan, kind, to, request.build_absolute_uri("/").rstrip("/"))
    return replace(text, body=text.body.replace(text.no_mail, "…"), no_mail="")


def _without(study: Study) -> list[tuple[Reader, str]]:
    """Readers who get no mails, and why."""
    found = study_progress(study, timezone.now())
    with_reads = {row.reader.pk for row in found.rows}
    whys = [
        (each, why_none(each) or ("has finished" if row is None and each.pk in with_reads else ""))
        for each, row in unfinished(found)
    ]
    return [(each, why) for each, why in whys if why]


@require_POST
def reader_mails(request: HttpRequest, slug: str) -> HttpResponse:
    """On the page “About you”: the reader wants mails, or none."""
    me = reader(request, slug)
    want(me, request.POST.get("wanted") == "1")
    messages.success(request, "You get mails again." if me.wants_mails else "You get no more mails.")
    return redirect("reading_profile", slug)


@csrf_exempt  # mail programs post to it, without a cookie; the link itself says who may
def no_mail(request: HttpRequest, token: str) -> HttpResponse:
    """Behind the link in each mail, without a log-in. Only a POST changes anything: programs open links unasked."""
    me = reader_of(token)
    if request.method == "POST":
        want(me, request.POST.get("wanted") == "1")
    closed = me.study.state != Study.State.OPEN
    return render(request, "reading/no_mail.html", {"study": me.study, "me": me, "closed": closed, "why": why_none(me)})
