"""The power page: how many readers and cases the next study needs, from this study's components or typed ones."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from readerstudy.common.limits import form_field
from readerstudy.statistics.mrmc.power import AIMS, MODES, Pilot, power_table
from readerstudy.statistics.stored import StoredResultsError, from_json
from readerstudy.studies.access import researcher_study, signed_in
from readerstudy.studies.looking import refuse_readers
from readerstudy.studies.models import Study

MODE_LABELS = {
    "random_readers": "to other readers and cases like these",
    "fixed_readers": "to other cases, read by the same readers",
    "fixed_cases": "to other readers of the same cases",
}
AIM_LABELS = {
    "difference": "the methods differ (two-sided)",
    "superiority": "the new method is better by more than the margin",
    "non_inferiority": "the new method is not worse by more than the margin",
}


class WholeNumbers(forms.CharField):
    """Whole numbers separated by commas or spaces, sorted, each within [least, most]."""

    def __init__(self, *, least: int, most: int, **options: Any) -> None:
        super().__init__(**options)
        self.least, self.most = least, most

    def clean(self, value: Any) -> list[int]:
        text = super().clean(value)
        words = [word for word in re.split(r"[,;\s]+", text) if word]
        if not words or not all(re.fullmatch(r"\d{1,7}", word) for word in words):
            raise forms.ValidationError("Give whole numbers separated by commas, for example 5, 8, 10.")
        numbers = sorted({int(word) for word in words})
        if numbers[0] < self.least or numbers[-1] > self.most or len(numbers) > 12:
            raise forms.ValidationError(f"Give at most 12 numbers between {self.least} and {self.most:,}.")
        return numbers


class PowerForm(forms.Form):
    """Inputs of readerstudy.statistics.mrmc.power; variances are on the AUC scale, for the pilot's number of cases."""

    effect = form_field(
        "effect", label="Difference in AUC worth finding", initial=0.05,
        help_text="New method minus reference, on the scale of 0.5 (chance) to 1. Take one that would matter, not the "
        "one this study happened to find.",
    )  # fmt: skip
    aim = forms.ChoiceField(label="The next study is to show that", choices=[(key, AIM_LABELS[key]) for key in AIMS])
    margin = form_field("aim_margin", label="Margin", initial=0, help_text="For aims that have one.")
    mode = forms.ChoiceField(label="Its conclusion is to extend", choices=[(key, MODE_LABELS[key]) for key in MODES])
    alpha = form_field("alpha", label="Significance level", initial=0.05)
    target = form_field("target", label="Power wanted", initial=0.8)
    readers = WholeNumbers(label="Readers", least=2, most=200, initial="3, 5, 8, 10, 15, 20")
    cases = WholeNumbers(label="Cases", least=4, most=100_000, initial="60, 120, 240, 480")
    n_cases = form_field("n_cases", label="Cases in the pilot")
    var_tr = form_field("var_tr", label="Var(TR): method by reader")
    error = form_field("error", label="Error variance")
    cov1 = form_field("cov1", label="Cov1: same reader, other method")
    cov2 = form_field("cov2", label="Cov2: other reader, same method")
    cov3 = form_field("cov3", label="Cov3: both differ")

    PILOT = ("n_cases", "var_tr", "error", "cov1", "cov2", "cov3")

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("error") is not None and values.get("cov1") is not None and values["cov1"] > values["error"]:
            self.add_error("cov1", "Cov1 is a covariance within one reader: it cannot exceed the error variance.")
        if values.get("aim") == "non_inferiority" and not values.get("margin"):
            self.add_error("margin", "Non-inferiority needs a margin above 0.")
        return values


def power_page(request: HttpRequest, slug: str) -> HttpResponse:
    """Power by readers and cases. A closed study's stored components fill the form; an open study's are not shown."""
    study = researcher_study(request, slug)
    refuse_readers(study, signed_in(request))
    pilots = stored_pilots(study)
    question = request.GET.get("question", "") or next(iter(pilots), "")
    pilot = pilots.get(question)
    asked = "effect" in request.GET
    form = PowerForm(request.GET if asked else None, initial=pilot or {})
    rows: list[dict[str, Any]] = []
    if asked and form.is_valid():
        rows = table(form.cleaned_data)
    return render(
        request,
        "analysis/power.html",
        {
            "study": study,
            "form": form,
            "rows": rows,
            "asked": form.cleaned_data if rows else None,
            "questions": list(pilots),
            "question": question,
            "pilot": pilot,
        },
    )


def table(values: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows of the page: readers, a list of (power, whether it reaches the target) by number of cases, cases needed."""
    pilot = Pilot(**{name: values[name] for name in PowerForm.PILOT})
    options = {name: values[name] for name in ("readers", "cases", "target", "alpha", "mode", "aim", "margin")}
    found = power_table(pilot, values["effect"], **options)
    return [
        {
            "readers": row.readers,
            "power": [{"value": value, "enough": value >= values["target"]} for value in row.power.values()],
            "cases_needed": row.cases_needed,
        }
        for row in found
    ]


def stored_pilots(study: Study) -> dict[str, dict[str, float]]:
    """Components by question from the last finished analysis of a closed study: {} while answers are still awaited."""
    if study.state != Study.State.CLOSED:
        return {}
    last = study.analyses.filter(status="done", results__isnull=False).first()
    try:
        parts = from_json(last.results or {}).mrmc if last else []
    except StoredResultsError:  # the results page offers to run it again
        return {}
    return {part.question: asdict(part.power.pilot) for part in parts if part.power}
