"""Forms that take files of a batch."""

from typing import Any

from django import forms


class ManyFilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class ManyFilesField(forms.FileField):
    """Any number of files, also none; its value is a list."""

    widget = ManyFilesInput

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        return [super(ManyFilesField, self).clean(file, initial) for file in data or ()]


class UploadForm(forms.Form):
    batch = forms.SlugField(
        label="Name of the batch", max_length=80, help_text="Letters, digits, - and _; shown to researchers."
    )
    file = forms.FileField(
        label="ZIP, or manifest CSV",
        widget=forms.FileInput(attrs={"accept": ".zip,.csv"}),
        help_text="A ZIP holds the images and, for truth, manifest.csv.",
    )
    images = ManyFilesField(
        label="Images, beside a CSV",
        required=False,
        help_text="Images and masks, up to 99 files, named in the manifest without folders. For more, make a ZIP.",
    )
    keep_source_ids = forms.BooleanField(
        label="These are public data",
        required=False,
        help_text="Cases keep the names of their images. Otherwise you get a table once that links rows to cases.",
    )
    simulated = forms.BooleanField(
        label="These are synthetic images", required=False, help_text="They are marked so wherever they are shown."
    )


class MendForm(forms.Form):
    corrected = ManyFilesField(
        label="Corrected files",
        required=False,
        help_text="The manifest .csv, images and masks under their names (up to 99 files), or a ZIP of them where "
        "several are called the same and lie in different folders.",
    )
    batch = forms.SlugField(label="Name of the batch", max_length=80)
