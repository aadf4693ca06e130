"""Removing a batch: what goes, what is kept, and why."""

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from readerstudy.accounts.access import administrator
from readerstudy.cases import removing
from readerstudy.cases.models import Batch
from readerstudy.common.counting import counted


class RemovalForm(forms.Form):
    why = forms.CharField(label="Reason", max_length=300, help_text="It is kept.")


def remove(request: HttpRequest, batch: str) -> HttpResponse:
    """An administrator removes a batch that no study uses, and says why."""
    user = administrator(request)
    found = get_object_or_404(Batch, name=batch)
    form = RemovalForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            removal = removing.remove_batch(found, form.cleaned_data["why"], user)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            cases = counted(removal.counts["cases"], "case")
            messages.success(request, f"Batch {found.name} is removed, with {cases} and all that belongs to them.")
            if removal.files_left:
                files = counted(len(removal.files_left), "file")
                messages.info(request, f"The hourly cleaning (clean_up) has {files} of it still to remove.")
            return redirect("batches")
    context = {"batch": found, "form": form, "count": found.cases.count(), "users": removing.users_of(found)}
    return render(request, "cases/remove.html", context)
