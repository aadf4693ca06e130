"""What a reader fills in before reading: consent and profile."""

from django import forms
from django.http import QueryDict

from readerstudy.reading import keys
from readerstudy.reading.models import Reader


class ConsentForm(forms.Form):
    agree = forms.BooleanField(
        label="I have read this and agree to take part.",
        error_messages={"required": "Tick the box to take part, or close this page if you do not want to."},
    )


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]
    AI_EXPERIENCE = [
        ("", "Choose one"),
        ("none", "None"),
        ("tried", "Have tried it"),
        ("sometimes", "Use it sometimes"),
        ("daily", "Use it daily"),
    ]
    specialty = forms.CharField(max_length=80, help_text="For example: thoracic radiology, resident in radiology.")
    years_experience = forms.IntegerField(
        label="Years of experience reading chest X-rays", min_value=0, max_value=70, help_text="Whole years."
    )
    ai_experience = forms.ChoiceField(label="Experience with AI in reading images", choices=AI_EXPERIENCE)

    class Meta:
        model = Reader
        fields = ["specialty", "years_experience", "ai_experience"]


class KeysForm(forms.Form):
    """One field for each action of the reading room: its keys, with spaces between them."""

    def __init__(self, data: QueryDict | None, own: dict[str, list[str]]) -> None:
        super().__init__(data, prefix="key")
        for row in keys.table(own):
            self.fields[row["action"]] = forms.CharField(
                label=row["says"].capitalize(),
                required=False,
                max_length=20,
                initial=" ".join(row["keys"]),
                widget=forms.TextInput(attrs={"size": 6, "autocomplete": "off", "autocapitalize": "off"}),
            )

    def clean(self) -> dict[str, list[str]]:
        try:
            return keys.checked({action: str(text).split() for action, text in self.cleaned_data.items()})
        except keys.KeysRefused as refused:
            raise forms.ValidationError(str(refused)) from refused
