"""The researcher's pages of a study that is being read: progress, withdrawal, allocation, exclusions."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from readerstudy.common.counting import counted
from readerstudy.common.csv_downloads import csv_response
from readerstudy.common.refusals import NotAllowed
from readerstudy.reading import erasing, exclusions, reopening, study_progress
from readerstudy.reading.allocation import tables as allocation_tables
from readerstudy.reading.models import Read
from readerstudy.reading.withdrawing import reinstate, withdraw
from readerstudy.studies import looking
from readerstudy.studies.access import administered_study, researcher_study, signed_in
from readerstudy.studies.models import Study
from readerstudy.studies.pages.attempts import attempt
from readerstudy.studies.pages.forms import ReasonForm


@require_safe
def progress_page(request: HttpRequest, slug: str) -> HttpResponse:
    study = researcher_study(request, slug)
    found = study_progress.study_progress(study, timezone.now())
    without = [reader for reader in found.readers if reader.pk not in {row.reader.pk for row in found.rows}]
    context = {"study": study, "found": found, "without_reads": without}
    return render(request, "reading/progress.html", context)


@require_safe
def progress_csv(request: HttpRequest, slug: str) -> HttpResponse:
    study = researcher_study(request, slug)
    found = study_progress.study_progress(study, timezone.now())
    name = f"{study.slug}-progress.csv"
    return csv_response(name, study_progress.csv_columns(found), study_progress.csv_rows(study, found))


def withdraw_page(request: HttpRequest, slug: str, code: str) -> HttpResponse:
    """Say what withdrawing a reader does, ask why, and do it; `action=return` takes it back."""
    study = researcher_study(request, slug)
    reader = get_object_or_404(study.readers, code=code)
    if request.POST.get("action") == "return":
        attempt(request, lambda: reinstate(reader), f"{code} takes part again.")
        return redirect("people", slug)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        done = f"{code} has withdrawn; answers given are kept."
        attempt(request, lambda: withdraw(reader, form.cleaned_data["why"]), done)
        return redirect("people", slug)
    context = {
        "study": study,
        "title": f"Withdraw reader {reader.code}",
        "possible": reader.withdrawn_at is None,
        "impossible": f"{reader.code} has withdrawn already.",
        "sentences": [
            f"{reader.code} can no longer open the reading room.",
            "Answers given so far stay, and are analysed; to leave them out, exclude the reader as well.",
            "The next reader who joins takes this reader's place in the allocation, so that methods stay balanced.",
        ],
        "form": form,
        "button": "Withdraw the reader",
        "danger": True,
    }
    return render(request, "studies/confirm.html", context)


class ErasureForm(ReasonForm):
    keeps_profile = forms.BooleanField(
        label="Keep the profile",
        required=False,
        help_text="Specialty and experience: only where they do not tell this reader from others.",
    )


def erase_page(request: HttpRequest, slug: str, code: str) -> HttpResponse:
    """An administrator of the site erases a reader's personal data and says why."""
    study = administered_study(request, slug)
    if not signed_in(request).is_administrator:
        raise NotAllowed("This closes the person's account for every study: ask an administrator of the site.")
    reader = get_object_or_404(study.readers.select_related("membership"), code=code)
    form = ErasureForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        user, why, keeps = signed_in(request), form.cleaned_data["why"], form.cleaned_data["keeps_profile"]
        attempt(request, lambda: erasing.erase(reader, why, user, keeps), f"The personal data of {code} are erased.")
        return redirect("people", slug)
    refused = erasing.why_not(reader)
    others = reader.membership.user.memberships.exclude(study=study).count() if reader.membership else 0
    context = {
        "study": study,
        "title": f"Erase the personal data of {code}",
        "possible": not refused,
        "impossible": refused,
        "sentences": [
            "Erased for good: name, address, password and second factor; the profile, unless you keep it; reasons of a "
            "withdrawal; the same in invitations, in histories and in the administration's log. The account is closed.",
            f"Kept under the code {code}: answers with their times and comments, and when consent was given. Reports "
            "made before keep what they say about readers, by code. Backups keep all until they expire.",
            "The person is withdrawn from studies that are not closed, and leaves "
            f"{counted(others, 'other study', 'other studies')}.",
            "A new account of the same person would not be recognised: do not invite them to read these images again.",
        ],
        "form": form,
        "button": "Erase",
        "danger": True,
    }
    return render(request, "studies/confirm.html", context)


def reopen_read_page(request: HttpRequest, slug: str, code: str, number: int) -> HttpResponse:
    """An administrator opens a finished read again and says why."""
    study = administered_study(request, slug)
    reads = Read.objects.select_related("reader__study")
    read = get_object_or_404(reads, reader__study=study, reader__code=code, number=number)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        user, why = signed_in(request), form.cleaned_data["why"]
        attempt(request, lambda: reopening.reopen_read(read, why, user), f"{read} of {code} is open again.")
        return redirect("study_progress", slug)
    refused = reopening.why_not(read)
    context = {
        "study": study,
        "title": f"Reopen {str(read).lower()} of {code}",
        "possible": not refused,
        "impossible": refused,
        "sentences": [
            f"{code} can change the answers of this read, and finishes it again.",
            "Washout before the next read counts from the new finish.",
            "The reason stands in the report, and so does which answers came afterwards.",
        ],
        "form": form,
        "button": "Reopen the read",
        "danger": True,
    }
    return render(request, "studies/confirm.html", context)


@require_safe
def allocation_page(request: HttpRequest, slug: str) -> HttpResponse:
    """Which method was allocated how often: pathology x truth x read."""
    study = researcher_study(request, slug)
    looking.refuse_readers(study, signed_in(request))
    methods = list(study.methods.all())
    context = {
        "study": study,
        "methods": methods,
        "rows": allocation_tables.method_table(study, methods),
        "readers": study.readers.filter(withdrawn_at=None).exclude(reads=None).order_by("id"),
        "reads": range(1, len(methods) + 1),
    }
    return render(request, "reading/allocation.html", context)


@require_safe
def allocation_csv(request: HttpRequest, slug: str) -> HttpResponse:
    study = researcher_study(request, slug)
    name = f"{study.slug}-allocation.csv"
    return csv_response(name, allocation_tables.CSV_COLUMNS, allocation_tables.csv_rows(study))


class ExclusionForm(forms.Form):
    """One thing to leave out: an example by its number, or a reader, or a read."""

    example = forms.IntegerField(label="Example number", required=False, min_value=1)
    other = forms.ChoiceField(label="or a reader or a read", required=False)
    why = forms.CharField(label="Reason", max_length=300, help_text="It is printed in the report.")

    def __init__(self, *args: Any, study: Study, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.study = study
        choices: list[tuple[str, str]] = [("", "—")]
        for reader in study.readers.prefetch_related("reads").order_by("id"):
            choices.append((f"reader {reader.pk}", f"{reader.code}, everything"))
            reads = [read for read in reader.reads.all() if read.number != Read.PRACTICE]
            choices += [(f"read {read.pk}", f"{reader.code}, {str(read).lower()}") for read in reads]
        self.fields["other"].choices = choices  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        number, other = values.get("example"), values.get("other")
        if bool(number) == bool(other):
            raise forms.ValidationError("Name one thing: an example, or a reader, or a read.")
        if number:
            self.thing: exclusions.Thing | None = self.study.examples.filter(practice=False, number=number).first()
            if self.thing is None:
                self.add_error("example", f"This study has no example {number}.")
        elif other:
            kind, pk = other.split()
            rows: Any = self.study.readers if kind == "reader" else Read.objects.filter(reader__study=self.study)
            self.thing = rows.get(pk=pk)
        return values


def exclusions_page(request: HttpRequest, slug: str) -> HttpResponse:
    """List what is left out of the analysis, and leave something out."""
    study = researcher_study(request, slug)
    form = ExclusionForm(request.POST or None, study=study)
    if request.method == "POST" and form.is_valid() and form.thing is not None:
        thing, why, user = form.thing, form.cleaned_data["why"], signed_in(request)
        if attempt(request, lambda: exclusions.exclude(study, thing, why, user), f"{thing} is excluded."):
            return redirect("study_exclusions", slug)
    rows = study.exclusions.select_related("example", "reader", "read__reader", "response", "by", "lifted_by")
    return render(request, "reading/exclusions.html", {"study": study, "form": form, "rows": rows})


@require_POST
def lift_exclusion(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    study = researcher_study(request, slug)
    exclusion = get_object_or_404(study.exclusions, pk=pk)
    form, user = ReasonForm(request.POST), signed_in(request)
    if form.is_valid():
        why = form.cleaned_data["why"]
        attempt(request, lambda: exclusions.lift(exclusion, why, user), "The exclusion is lifted.")
    else:
        messages.error(request, "Say in at most 300 characters why it is lifted.")
    return redirect("study_exclusions", slug)
