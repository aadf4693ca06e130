"""Forms of the power page: one for mean scores, one for areas and shares; both give the rows of a table."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django import forms

from readerstudy.common.limits import form_field
from readerstudy.statistics.mrmc.data import MRMCError
from readerstudy.statistics.mrmc.power import AIMS as AREA_AIMS
from readerstudy.statistics.mrmc.power import MODES as AREA_MODES
from readerstudy.statistics.mrmc.power import Pilot
from readerstudy.statistics.mrmc.power import power_table as area_table
from readerstudy.statistics.scores.power import AIMS as SCORE_AIMS
from readerstudy.statistics.scores.power import MODES as SCORE_MODES
from readerstudy.statistics.scores.power import ScoreVariance
from readerstudy.statistics.scores.power import power_table as score_table

AIM_LABELS = {
    "difference": "the methods differ (two-sided)",
    "superiority": "the new method is better by more than the margin",
    "non_inferiority": "the new method is not worse by more than the margin",
    "equivalence": "the methods differ by less than the margin",
}
MODE_LABELS = {
    "random_readers": "to other readers and cases like these",
    "readers_and_patients": "to other readers and patients like these",
    "fixed_readers": "to other cases, read by the same readers",
    "fixed_cases": "to other readers of the same cases",
}
LAYOUTS = {
    "crossed": "every reader reads every case with both methods",
    "nested": "each method has readers of its own, who read every case",
}
NAMES = {
    "scores_TP": "points, on true positives",
    "scores_FP": "points, on false positives",
    "auc": "AUC",
    "sensitivity": "sensitivity of trust",
    "specificity": "specificity of trust",
}


@dataclass(frozen=True)
class Cell:
    """A power, and whether it reaches the one wanted."""

    value: float
    enough: bool


@dataclass(frozen=True)
class Row:
    """Power with so many readers by number of cases, and the fewest cases that suffice (None: none do)."""

    readers: int
    power: list[Cell]
    needed: int | None


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


def _choices(names: tuple[str, ...], labels: dict[str, str]) -> list[tuple[str, str]]:
    return [(name, labels[name]) for name in names]


class _PowerForm(forms.Form):
    """What both forms ask. `sizes` counts cases, or patients of one truth."""

    aim = forms.ChoiceField(label="The study is to show that")
    mode = forms.ChoiceField(label="Its conclusion is to extend")
    alpha = form_field("alpha", label="Significance level", initial=0.05)
    target = form_field("target", label="Power wanted", initial=0.8)
    readers = WholeNumbers(label="Readers", least=2, most=200, initial="3, 5, 8, 10, 15, 20")

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("aim") in ("non_inferiority", "equivalence") and not values.get("margin"):
            self.add_error("margin", f"{AIM_LABELS[values['aim']].capitalize()}: that needs a margin above 0.")
        return values

    def options(self, *names: str) -> dict[str, Any]:
        shared = ("aim", "mode", "alpha", "target", "readers", "margin")
        return {name: self.cleaned_data[name] for name in (*shared, *names)}


def _row(readers: int, power: dict[int, float], needed: int | None, target: float) -> Row:
    return Row(readers, [Cell(value, value >= target) for value in power.values()], needed)


_OF_CROSSED = "Needed where every reader reads with both methods."


class AreaForm(_PowerForm):
    """An area or share: inputs of statistics.mrmc.power; variances on its scale, for the pilot's number of cases."""

    effect = form_field("effect", label="Difference worth finding", initial=0.05, help_text="New method minus "
        "reference, as a share of 1. Take one that would matter, not the one a study happened to find.")  # fmt: skip
    margin = form_field("aim_margin", label="Margin", initial=0, help_text="For aims that have one.")
    cases = WholeNumbers(label="Cases", least=4, most=100_000, initial="60, 120, 240, 480", help_text="Of an AUC: true "
        "and false positives together. Of sensitivity: true positives. Of specificity: false positives.")  # fmt: skip
    layout = forms.ChoiceField(
        label="In the planned study", choices=list(LAYOUTS.items()), initial="crossed", required=False,
        help_text="With readers of its own for each method, “readers” counts those of one method.",
    )  # fmt: skip
    n_cases = form_field("n_cases", label="Cases in the pilot")
    var_tr = form_field("var_tr", label="Var(TR): method by reader", required=False, help_text=_OF_CROSSED)
    error = form_field("error", label="Error variance")
    cov1 = form_field("cov1", label="Cov1: same reader, other method", required=False, help_text=_OF_CROSSED)
    cov2 = form_field("cov2", label="Cov2: other reader, same method")
    cov3 = form_field("cov3", label="Cov3: both differ")

    var_r_in_t = form_field("var_r_in_t", label="Var(R) + Var(TR): readers of one method", required=False,
        help_text="Needed where each method has readers of its own.")  # fmt: skip

    PILOT = ("n_cases", "var_tr", "error", "cov1", "cov2", "cov3", "var_r_in_t")
    field_order = ("effect", "aim", "margin", "mode", "alpha", "target", "layout", "readers", "cases", *PILOT)
    about = "Variances on the scale of the share or area. A negative Var(TR) counts as 0."
    counted = "cases"

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["aim"].choices = _choices(AREA_AIMS, AIM_LABELS)  # type: ignore[attr-defined]
        self.fields["mode"].choices = _choices(AREA_MODES, MODE_LABELS)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        values = super().clean()
        nested = values.get("layout") == "nested"
        between = () if values.get("mode") == "fixed_readers" else ("var_r_in_t",)
        for name in between if nested else ("var_tr", "cov1"):
            if values.get(name) is None and name not in self.errors:
                self.add_error(name, "This variance is needed for a study so laid out.")
        if values.get("error") is not None and values.get("cov1") is not None and values["cov1"] > values["error"]:
            self.add_error("cov1", "Cov1 is a covariance within one reader: it cannot exceed the error variance.")
        return values

    def rows(self) -> list[Row]:
        pilot = Pilot(**{name: self.cleaned_data[name] for name in self.PILOT})
        paired = self.cleaned_data["layout"] != "nested"
        try:
            found = area_table(pilot, self.cleaned_data["effect"], paired_readers=paired, **self.options("cases"))
        except MRMCError as problem:
            self.add_error(None, str(problem))
            return []
        return [_row(row.readers, row.power, row.cases_needed, self.cleaned_data["target"]) for row in found]

    def sizes(self) -> list[int]:
        return list(self.cleaned_data["cases"])


class ScoreForm(_PowerForm):
    """Mean scores of one truth: inputs of statistics.scores.power; standard deviations of a difference, in points."""

    effect = form_field("effect_points", label="Difference worth finding, in points", initial=0.3, help_text="Second "
        "method minus first. Take one that would matter, not the one a study happened to find.")  # fmt: skip
    margin = form_field("aim_margin_points", label="Margin, in points", initial=0, help_text="For aims that have one.")
    patients = WholeNumbers(label="Patients", least=4, most=100_000, initial="30, 60, 120, 240", help_text="Of these "
        "examples only: a study has as many again of the other kind.")  # fmt: skip
    cases = form_field("cases_of_patient", label="Examples of each patient", initial=1)
    sd_reader = form_field("sd_points", label="Readers", help_text="How much the difference varies between readers. A "
        "pilot of few readers tells little of it: try a larger one, too (0.15 is common).")  # fmt: skip
    sd_patient = form_field("sd_points", label="Patients")
    sd_case = form_field("sd_points", label="Examples of one patient", initial=0)
    sd_error = form_field("sd_points", label="Single answers", help_text="What is left of one difference.")

    PILOT = ("sd_reader", "sd_patient", "sd_case", "sd_error")
    field_order = ("effect", "aim", "margin", "mode", "alpha", "target", "readers", "patients", "cases", *PILOT)
    about = "Standard deviations, in points, of the difference between two methods: by what it varies between them."
    counted = "patients"

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["aim"].choices = _choices(SCORE_AIMS, AIM_LABELS)  # type: ignore[attr-defined]
        self.fields["mode"].choices = _choices(SCORE_MODES, MODE_LABELS)  # type: ignore[attr-defined]

    def rows(self) -> list[Row]:
        sds = {name.removeprefix("sd_"): self.cleaned_data[name] for name in self.PILOT}
        variance = ScoreVariance.from_sds(**sds)
        found = score_table(variance, self.cleaned_data["effect"], **self.options("patients", "cases"))
        return [_row(row.readers, row.power, row.patients_needed, self.cleaned_data["target"]) for row in found]

    def sizes(self) -> list[int]:
        return list(self.cleaned_data["patients"])
