"""Forms of the composer. What they cannot check alone (freezing, shortages) the functions they call refuse."""

from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError

from readerstudy.cases.models import Batch, Prediction
from readerstudy.common.counting import counted
from readerstudy.common.limits import bounded, form_field
from readerstudy.explanations.chosen import CHOOSABLE, can_be_had, choices, chosen_models
from readerstudy.explanations.kinds import known_kinds
from readerstudy.studies.drafting import YES_NO, MethodRow, QuestionRow
from readerstudy.studies.models import KEY, MOST_KINDS, Study
from readerstudy.studies.presets import PRESETS, RECOMMENDED
from readerstudy.studies.selection import Draw
from readerstudy.studies.shown import Fact

_PANELS = [f"panel_{number}" for number in range(1, MOST_KINDS + 1)]


class NewStudyForm(forms.Form):
    preset = forms.ChoiceField(
        label="Begin with",
        choices=[(preset.name, f"{preset.title}. {preset.about}") for preset in PRESETS.values()],
        widget=forms.RadioSelect,
        initial=RECOMMENDED,
        required=False,
        help_text="Everything can be changed until the study opens.",
    )
    title = forms.CharField(max_length=200, help_text="It can be changed until the study opens.")
    public_title = forms.CharField(
        label="Title for readers",
        max_length=200,
        required=False,
        help_text="What readers see, in its addresses too. Empty: the title above.",
    )

    def clean_preset(self) -> str:
        return self.cleaned_data["preset"] or RECOMMENDED


class ReasonForm(forms.Form):
    why = forms.CharField(label="Reason", max_length=300, widget=forms.TextInput(attrs={"placeholder": "Reason"}))


class DesignForm(forms.ModelForm):  # type: ignore[type-arg]
    """A draft's texts and settings."""

    class Meta:
        model = Study
        fields = (
            "title",
            "public_title",
            "instructions",
            "consent",
            "registration",
            "ethics",
            "sample_size_reason",
            "washout_days",
            "allocation",
            "order",
            "seed",
            "allow_changes",
            "show_probability",
            "show_frame_predictions",
            "facts",
            "panel_titles",
            "animation_frames",
            "heatmap_scale",
            "overlay_at_first",
            "needs_large_screen",
            "drag_direction",
        )
        labels = {
            "washout_days": "Washout, days",
            "allow_changes": "Answers can be changed until the read is finished",
            "show_probability": "Show the model's probability",
            "show_frame_predictions": "Show the prediction for each frame of an animation",
            "panel_titles": "Titles of the panels",
            "animation_frames": "Frames of an animation",
            "heatmap_scale": "Colours of heat maps",
            "overlay_at_first": "Heat maps are on when an example opens",
            "needs_large_screen": "No reading on phones",
            "drag_direction": "Dragging to set the grey window",
        }
        help_texts = {
            "instructions": "Readers see this before their first example, and can open it again at any time.",
            "consent": "Use the text that your ethics committee approved. Its hash is stored with each consent.",
            "washout_days": "From the end of one read to the opening of the next; the server enforces it.",
            "order": "The published scheme always reads in blocks.",
            "seed": "Of the split into groups and of the reading orders.",
            "allow_changes": "Every change is kept as a revision.",
            "public_title": "On everything that readers get, from the invitation on. Empty: the title.",
            "show_probability": "Where it separates right from wrong predictions, the checklist warns.",
            "show_frame_predictions": "Off in the published study: the figures may sway a reader. Off, too, where the "
            "probability is not shown exactly.",
            "panel_titles": "The title of a technique tells what is behind a method.",
            "needs_large_screen": "A reader with a phone is told to take a larger screen; tablets and zoomed pages do.",
            "animation_frames": "Where an animation is shorter than another, its first or last frame is repeated.",
            "heatmap_scale": "Over a radiograph the published reds are the harder to see the stronger they are. "
            "Explanations that were loaded stay as they came.",
            "overlay_at_first": "Off: in every example the radiograph is seen alone first. On: whether they are on, "
            "and how strong, stays as the reader set it.",
        }
        widgets = {
            "instructions": forms.Textarea(attrs={"rows": 14}),
            "consent": forms.Textarea(attrs={"rows": 9}),
            "sample_size_reason": forms.Textarea(attrs={"rows": 3}),
        }

    facts = forms.MultipleChoiceField(
        label="Readers are told of each case",
        choices=Fact.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="The view tells whether the heart may look too large.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["facts"] = self.instance.facts.split()
        for name in ("washout_days", "seed"):
            bounded(self.fields[name], name)
        for name in ("show_probability", "panel_titles", "animation_frames", "heatmap_scale"):
            field = cast("forms.TypedChoiceField", self.fields[name])
            field.choices = [choice for choice in cast("list[tuple[str, str]]", field.choices) if choice[0]]

    def clean_facts(self) -> str:
        return " ".join(self.cleaned_data["facts"])


class MethodForm(forms.Form):
    """One method; its panels are chosen from left to right."""

    key = forms.CharField(max_length=32, validators=[KEY], widget=forms.TextInput(attrs={"size": 6}))
    label = forms.CharField(label="Label readers see", max_length=60)

    def __init__(self, *args: Any, kinds: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for number, name in enumerate(_PANELS, start=1):
            offered = [("", "—"), *kinds]
            self.fields[name] = forms.ChoiceField(label=f"Panel {number}", choices=offered, required=False)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        kinds = [values[name] for name in _PANELS if values.get(name)]
        if len(set(kinds)) < len(kinds):
            raise ValidationError("A method shows each kind of explanation once.")
        return {**values, "kinds": tuple(kinds)}

    def row(self) -> MethodRow:
        return MethodRow(self.cleaned_data["key"], self.cleaned_data["label"], self.cleaned_data["kinds"])


def kind_choices(study: Study) -> list[tuple[str, str]]:
    """(name, title) of the kinds that a study may show: those whose models can be had, and what its methods show."""
    chosen, shown = chosen_models(study.chosen_models), {name for row in study.methods.all() for name in row.kinds}
    had = {need: can_be_had(need, chosen) for need in CHOOSABLE}
    return [
        (name, kind.title)
        for name, kind in known_kinds().items()
        if name in shown or all(had.get(need, True) for need in kind.needs)
    ]


class ChosenModelsForm(forms.Form):
    """The autoencoder of the study's Latent Shift kinds, and the map generator of those that need one."""

    autoencoder = forms.ChoiceField(
        required=False,
        help_text="It redraws the radiographs of all Latent Shift kinds; other weights give other pictures, so what "
        "another one made is not shown any more. One of your own comes from python -m explain.training autoencoder.",
    )

    generator = forms.ChoiceField(
        label="Map generator",
        required=False,
        help_text="It makes the maps of the kinds named after VA-GAN, from what it learned of images with a finding "
        "and images without; it is shown for no other finding than the one named beside it.",
    )
    NO_GENERATOR = (
        "There is none here, so kinds that need one are not offered. python -m explain.training vagan trains one on "
        "images with a finding and images without; its folder belongs below MODEL_ROOT (docs/training.md)."
    )

    def __init__(self, data: Any, study: Study) -> None:
        super().__init__(data)
        chosen = chosen_models(study.chosen_models)
        for need in CHOOSABLE:
            present = chosen.get(need)
            self.fields[need].choices = choices(need, present)  # type: ignore[attr-defined]
            self.initial[need] = present.name if present else ""
        if not can_be_had("generator", chosen):
            self.fields["generator"].help_text = self.NO_GENERATOR


def method_initial(study: Study) -> list[dict[str, Any]]:
    return [
        {"key": method.key, "label": method.label, **dict(zip(_PANELS, method.kinds, strict=False))}
        for method in study.methods.all()
    ]


class QuestionForm(forms.Form):
    key = forms.CharField(max_length=32, validators=[KEY], widget=forms.TextInput(attrs={"size": 10}))
    text = forms.CharField(max_length=300, widget=forms.Textarea(attrs={"rows": 2}))
    answered = forms.ChoiceField(
        label="Answered", choices=[("", "on the scale beside"), ("yes_no", "no or yes")], required=False
    )
    minimum = form_field("minimum", initial=1)
    maximum = form_field("maximum", initial=5)
    low_label = forms.CharField(label="At the low end", max_length=60, required=False)
    high_label = forms.CharField(label="At the high end", max_length=60, required=False)
    about_explanation = forms.BooleanField(label="Asks about the explanation", required=False)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("answered") == "yes_no":
            for name in YES_NO:
                self.errors.pop(name, None)
            return values | YES_NO
        if values.get("minimum", 0) >= values.get("maximum", 1):
            self.add_error("maximum", "The maximum must be above the minimum.")
        return values

    def row(self) -> QuestionRow:
        names = ("key", "text", "low_label", "high_label", "minimum", "maximum", "about_explanation")
        return QuestionRow(**{name: self.cleaned_data[name] for name in names})


def question_initial(study: Study) -> list[dict[str, Any]]:
    names = ("key", "text", "minimum", "maximum", "low_label", "high_label", "about_explanation")
    rows = study.questions.values(*names)
    return [row | {"answered": "yes_no" if row.items() >= YES_NO.items() else ""} for row in rows]


class RowsFormSet(forms.BaseFormSet):  # type: ignore[type-arg]
    """Rows in the order of their place, blank and removed ones left out; keys and labels differ."""

    least = 1
    noun = "row"

    def clean(self) -> None:
        if any(self.errors) or not self.management_form.is_valid():
            return
        rows = self.rows()
        if len(rows) < self.least:
            raise ValidationError(f"At least {counted(self.least, self.noun)} must stay.")
        for name in ("key", "label"):
            values = [str(getattr(row, name)).casefold() for row in rows if hasattr(row, name)]
            if len(set(values)) < len(values):
                raise ValidationError(f"Two {self.noun}s have the same {name}.")

    def rows(self) -> list[Any]:
        return [form.row() for form in self.ordered_forms]


class _Methods(RowsFormSet):
    least, noun = 2, "method"


class _Questions(RowsFormSet):
    noun = "question"


def _row_formset(form: type[forms.Form], formset: type[RowsFormSet], most: int) -> type[RowsFormSet]:
    made = forms.formset_factory(
        form, formset=formset, extra=1, max_num=most, validate_max=True, can_order=True, can_delete=True
    )
    return cast("type[RowsFormSet]", made)


MethodFormSet = _row_formset(MethodForm, _Methods, most=4)
QuestionFormSet = _row_formset(QuestionForm, _Questions, most=8)


class SelectionForm(forms.Form):
    """What selection.Draw needs, and the batch to draw from."""

    batch = forms.ModelChoiceField(Batch.objects.all(), empty_label="Choose one")
    per_pathology = form_field(
        "per_pathology", label="Examples per pathology", initial=40,
        help_text="Half true, half false positives; the published study had 40.",
    )  # fmt: skip
    practice = form_field(
        "practice", label="Practice examples", initial=4,
        help_text="In all; of patients who are in no scored example.",
    )  # fmt: skip
    threshold = form_field(
        "operating_point", label="Operating point", help_text="A prediction above it counts as positive."
    )
    seed = form_field("seed", initial=0, help_text="Of this draw.")
    model = forms.ChoiceField(
        label="Predictions of", required=False, help_text="Needed where a batch has predictions of several models."
    )
    pathologies = forms.MultipleChoiceField(
        required=False, widget=forms.CheckboxSelectMultiple, help_text="None ticked: all that have candidates."
    )
    caliper = form_field(
        "caliper", label="Match on probability within", required=False,
        help_text="0.05: each example has one of the other truth within five percentage points. Empty: not matched.",
    )  # fmt: skip
    vary_halves = form_field(
        "vary_halves", label="Halves differ by up to", required=False,
        help_text="From half of a pathology, by chance: readers cannot count down what is left. 0: always half.",
    )  # fmt: skip
    one_per_patient = forms.BooleanField(label="At most one example per patient", required=False, initial=True)
    why = forms.CharField(
        label="Why you draw", max_length=300, required=False,
        help_text="Only where an open study shows radiographs of this batch: a draw tells about their truth, so the "
        "reason is recorded in that study.",
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        models = Prediction.objects.order_by("model").values_list("model", flat=True).distinct()
        names = Prediction.objects.order_by("pathology").values_list("pathology", flat=True).distinct()
        self.fields["model"].choices = [("", "the batch's only model"), *((name, name) for name in models)]  # type: ignore[attr-defined]
        self.fields["pathologies"].choices = [(name, name) for name in names]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        for name in ("per_pathology", "practice"):
            if values.get(name, 0) % 2:
                self.add_error(name, "Give an even number: half are true, half false positives.")
        return values

    def draw(self) -> Draw:
        names = ("per_pathology", "practice", "threshold", "seed", "model", "one_per_patient")
        return Draw(
            **{name: self.cleaned_data[name] for name in names},
            pathologies=tuple(self.cleaned_data["pathologies"]),
            caliper=self.cleaned_data["caliper"],
            vary_halves=self.cleaned_data["vary_halves"] or 0,
        )
