"""The reading room's pages. `me = reader(request, slug)` is the first line of every view.

A new reader goes consent -> profile -> instructions -> practice -> reads; starting.py is the one place that says so.
"""

import hashlib

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_POST

from readerstudy.reading import progress
from readerstudy.reading.access import reader
from readerstudy.reading.api.session import page_of, remember
from readerstudy.reading.models import Read
from readerstudy.reading.pages.forms import ConsentForm, KeysForm, ProfileForm
from readerstudy.reading.starting import next_step, start_next
from readerstudy.studies.asking import asked_counts
from readerstudy.studies.pages.attempts import attempt


def reading_list(request: HttpRequest, slug: str) -> HttpResponse:
    """Reads and their state, progress by pathology, time left, and one button to go on."""
    me = reader(request, slug)
    step = next_step(me)
    if step != "reading_list":
        return redirect(step, slug)
    reads = progress.reads_of(me)
    now = progress.current(reads)
    pace = progress.seconds_per_example(me)
    context = {
        "study": me.study,
        "me": me,
        "reads": reads,
        "current": now,
        "pathologies": progress.by_pathology(now.read, asked_counts(me.study)) if now else [],
        "minutes_left": round(now.remaining * pace / 60) if now and pace else None,
        "finished": all(item.state == "finished" for item in reads) if reads else False,
        "closed": me.study.state == me.study.State.CLOSED,
    }
    return render(request, "reading/list.html", context)


def consent(request: HttpRequest, slug: str) -> HttpResponse:
    me = reader(request, slug)
    form = ConsentForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if me.consented_at is None:
            me.consented_at = timezone.now()
            me.consent_sha256 = hashlib.sha256(me.study.consent.encode()).hexdigest()
            me.save(update_fields=["consented_at", "consent_sha256"])
        return redirect(next_step(me), slug)
    return render(request, "reading/consent.html", {"study": me.study, "me": me, "form": form})


def profile(request: HttpRequest, slug: str) -> HttpResponse:
    me = reader(request, slug)
    if me.consented_at is None:
        return redirect("reading_consent", slug)
    about_keys = "keys" in request.POST
    form = ProfileForm(None if about_keys else request.POST or None, instance=me)
    usual = request.POST.get("keys") == "usual"
    keys_form = KeysForm(request.POST if about_keys and not usual else None, me.keys)
    if about_keys and (usual or keys_form.is_valid()):
        me.keys = {} if usual else keys_form.cleaned_data
        me.save(update_fields=["keys"])
        messages.success(request, "You have the usual keys again." if usual else "Your keys are kept.")
        return redirect("reading_profile", slug)
    if not about_keys and request.method == "POST" and form.is_valid():
        form.save()
        return redirect(next_step(me), slug)
    context = {"study": me.study, "me": me, "form": form, "keys_form": keys_form}
    return render(request, "reading/profile.html", context)


def instructions(request: HttpRequest, slug: str) -> HttpResponse:
    me = reader(request, slug)
    if request.method == "POST":
        if me.instructions_read_at is None:
            me.instructions_read_at = timezone.now()
            me.save(update_fields=["instructions_read_at"])
        return redirect(next_step(me), slug)
    methods = list(me.study.methods.all())
    return render(request, "reading/instructions.html", {"study": me.study, "me": me, "methods": methods})


@require_POST
def start(request: HttpRequest, slug: str) -> HttpResponse:
    """Open the read that is next, or go on with it; the server decides whether it may open."""
    me = reader(request, slug)
    step = next_step(me)
    if step != "reading_list":
        return redirect(step, slug)
    started: list[Read] = []
    if not attempt(request, lambda: started.append(start_next(me))):
        return redirect("reading_list", slug)
    return redirect("reading_practice" if started[0].number == Read.PRACTICE else "reading_read", slug)


@require_POST
def shortcuts(request: HttpRequest, slug: str) -> HttpResponse:
    """Switch single-key shortcuts on or off for this reader."""
    me = reader(request, slug)
    me.single_key_shortcuts = request.POST.get("on") == "1"
    me.save(update_fields=["single_key_shortcuts"])
    return redirect("reading_list", slug)


@ensure_csrf_cookie
def read(request: HttpRequest, slug: str, practice: bool = False) -> HttpResponse:
    """The reading page itself: an empty room that its modules fill from the API."""
    me = reader(request, slug)
    now = progress.current(progress.reads_of(me))
    is_practice = now is not None and now.read.number == Read.PRACTICE
    if next_step(me) != "reading_list" or now is None or now.state != "open" or is_practice != practice:
        return redirect("reading_list", slug)
    if me.study.state != me.study.State.OPEN:
        return redirect("reading_list", slug)
    api = reverse("api_reading_practice_state" if practice else "api_reading_state", args=[slug])
    context = {
        "study_slug": slug,
        "api_url": api.removesuffix("state/"),
        "session_url": reverse("api_session"),
        "list_url": reverse("reading_list", args=[slug]),
        "practice": practice,
        "page_of": page_of(request.user),  # type: ignore[arg-type]
    }
    response = render(request, "reading/read.html", context)
    remember(response, request.user, secure=request.is_secure())  # type: ignore[arg-type]
    return response
