"""What a reader fills in before reading: consent and profile."""

from django import forms

from readerstudy.reading.models import Reader


class ConsentForm(forms.Form):
    agree = forms.BooleanField(
        label="I have read this and agree to take part.",
        error_messages={"required": "Tick the box to take part, or close this page if you do not want to."},
    )


class ProfileForm(forms.ModelForm):
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
