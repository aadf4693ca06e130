"""Open, close, new version: each a page that says what will happen, and a button."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from readerstudy.studies import lifecycle
from readerstudy.studies.access import administered_study, researcher_study, signed_in
from readerstudy.studies.checklist import checklist_for
from readerstudy.studies.models import Study
from readerstudy.studies.pages.attempts import attempt
from readerstudy.studies.pages.forms import ReasonForm
from readerstudy.studies.signals import closing_asked


def open_page(request: HttpRequest, slug: str) -> HttpResponse:
    study = researcher_study(request, slug)
    if request.method == "POST":
        user = signed_in(request)
        attempt(request, lambda: lifecycle.open_study(study, user), f"“{study.title}” is open for reading.")
        return redirect("study", slug)
    checks = checklist_for(study, signed_in(request)) if study.is_draft else []
    context = {
        "study": study,
        "title": f"Open “{study.title}”",
        "possible": study.is_draft and all(check.state != "missing" for check in checks),
        "checks": [check for check in checks if check.state != "ok"],
        "sentences": [
            "Texts, settings, methods, questions, examples, explanations and the analysis plan can no longer be "
            "changed. A change then needs a new version of the study.",
            "Every reader who has joined gets their reads; whoever joins later gets theirs on joining.",
            "Readers can start.",
        ],
        "button": "Open the study",
        "impossible": "This study cannot open yet: see what is missing."
        if study.is_draft
        else f"This study is {study.state} already.",
    }
    return render(request, "studies/confirm.html", context)


def close_page(request: HttpRequest, slug: str) -> HttpResponse:
    study = researcher_study(request, slug)
    if request.method == "POST":
        user = signed_in(request)
        attempt(request, lambda: lifecycle.close_study(study, user), f"“{study.title}” is closed.")
        return redirect("study", slug)
    context = {
        "study": study,
        "title": f"Close “{study.title}”",
        "possible": study.state == Study.State.OPEN,
        "sentences": [
            *(sentence for _, sentence in closing_asked.send(sender=Study, study=study)),
            "Reading ends: unfinished reads stay unfinished, and no answer is taken any more. Only an "
            "administrator can open the study again, for a reason that stands in the report.",
            "Everything answered so far is kept. Results may then be looked at freely.",
        ],
        "button": "Close the study",
        "danger": True,
        "impossible": f"Only an open study can be closed; this one is {study.state}.",
    }
    return render(request, "studies/confirm.html", context)


def reopen_page(request: HttpRequest, slug: str) -> HttpResponse:
    """An administrator opens a closed study again and says why."""
    study = administered_study(request, slug)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        user, why = signed_in(request), form.cleaned_data["why"]
        attempt(request, lambda: lifecycle.reopen_study(study, why, user), f"“{study.title}” is open again.")
        return redirect("study", slug)
    context = {
        "study": study,
        "title": f"Reopen “{study.title}”",
        "possible": study.state == Study.State.CLOSED and not study.from_spreadsheets,
        "sentences": [
            "Readers can go on with reads that are not finished. A finished read stays finished, unless it is reopened "
            "too (page Progress).",
            "The reason stands in the report, with the time; so does that results could be seen before.",
            "The protocol stays as it is.",
        ],
        "form": form,
        "button": "Reopen the study",
        "danger": True,
        "impossible": "Its reads were loaded from elsewhere: nobody can read in it."
        if study.from_spreadsheets
        else f"Only a closed study can be reopened; this one is {study.state}.",
    }
    return render(request, "studies/confirm.html", context)


def archive_page(request: HttpRequest, slug: str) -> HttpResponse:
    """Archive a closed study or a draft; `action=return` brings it back."""
    study = researcher_study(request, slug, changes_archived=True)
    user = signed_in(request)
    if request.POST.get("action") == "return":
        attempt(request, lambda: lifecycle.bring_back_study(study), f"“{study.title}” is back in the lists.")
        return redirect("study", slug)
    if request.method == "POST":
        attempt(request, lambda: lifecycle.archive_study(study, user), f"“{study.title}” is archived.")
        return redirect("study", slug)
    context = {
        "study": study,
        "title": f"Archive “{study.title}”",
        "possible": study.state != Study.State.OPEN and not study.archived_at,
        "sentences": [
            "It leaves everybody's list of studies. Those who run it find it under “Archived”; its addresses work.",
            "It can only be looked at and exported: nothing of it can be changed until it is brought back.",
            "Everything is kept.",
        ],
        "button": "Archive the study",
        "impossible": "It is archived already."
        if study.archived_at
        else f"This study is {study.state}: close it first.",
    }
    return render(request, "studies/confirm.html", context)


def new_version_page(request: HttpRequest, slug: str) -> HttpResponse:
    study = researcher_study(request, slug)
    if request.method == "POST":
        user = signed_in(request)
        done = f"Version {study.protocol_version + 1} is a draft."
        attempt(request, lambda: lifecycle.new_version(study, user), done)
        draft = Study.objects.filter(previous_version=study).first()
        return redirect("study", draft.slug if draft else slug)
    has_next = Study.objects.filter(previous_version=study).exists()
    context = {
        "study": study,
        "title": f"New version of “{study.title}”",
        "possible": not study.is_draft and not has_next,
        "sentences": [
            "A draft is made with the same texts, settings, methods, questions, examples and explanations, to change "
            "what must change.",
            "Researchers come along; readers are invited, and give their consent, anew.",
            f"This version stays as it is: {study.state}, with all its answers.",
        ],
        "button": "Make the new version",
        "impossible": "There is a next version already." if has_next else "A draft can be changed as it is.",
    }
    return render(request, "studies/confirm.html", context)
