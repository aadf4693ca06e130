"""Batch, Case, Truth, Prediction: what was loaded, before any study uses it. BatchRemoval: what was removed again.
UploadVersion: which state of an upload is its last, before it is loaded."""

from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from readerstudy.common.identity import file_name, opaque_id


class Batch(models.Model):
    """One load of cases, with its source, who, when, and the report of what was checked."""

    name = models.SlugField(max_length=80, unique=True)
    source = models.CharField(max_length=200, help_text="What was loaded: a file's or folder's name, or xrv:<dataset>.")
    content_sha256 = models.CharField(max_length=64, blank=True, db_index=True)
    keeps_source_ids = models.BooleanField(default=False, help_text="Public data only: source ids are kept.")
    simulated = models.BooleanField(default=False, help_text="Synthetic images, marked so everywhere.")
    report = models.JSONField(default=dict, blank=True)
    loaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT)
    loaded_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "batches"
        ordering = ["-loaded_at"]

    def __str__(self) -> str:
        return self.name


class Case(models.Model):
    """One radiograph. Images are absent only in cases made from spreadsheets of reads."""

    class Sex(models.TextChoices):
        FEMALE = "F"
        MALE = "M"
        OTHER = "O"
        UNKNOWN = ""

    public_id = models.CharField(max_length=16, unique=True, default=opaque_id, editable=False)
    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="cases")
    patient_key = models.CharField(max_length=24, blank=True, db_index=True)
    source_id = models.CharField(max_length=200, blank=True, help_text="Public data only.")
    dataset = models.CharField(max_length=80, blank=True)
    view = models.CharField(max_length=16, blank=True)
    sex = models.CharField(max_length=1, blank=True, choices=Sex.choices)
    age = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Whole years; 90 stands for 90 and over.")
    practice = models.BooleanField(default=False, help_text="The manifest keeps this case for practice.")
    # Both files are display images of explain.render: 8-bit grey PNG, or RGB PNG with the high byte in R, the low in G.
    # `pixels`: the radiograph at full resolution, what models and masks refer to; never sent to a browser.
    pixels = models.FileField(upload_to="cases", blank=True, max_length=200)
    # `display`: what browsers show; the same file unless the radiograph is larger than a browser should load.
    display = models.FileField(upload_to="cases", blank=True, max_length=200)
    display_sha256 = models.CharField(max_length=64, blank=True)
    display_width = models.PositiveIntegerField(default=0)
    display_height = models.PositiveIntegerField(default=0)
    pixel_sha256 = models.CharField(max_length=64, blank=True, db_index=True)
    bits = models.PositiveSmallIntegerField(default=8)
    # The grey window the file asks to be shown first, in pixel values; empty means the whole range.
    window_low = models.FloatField(null=True, blank=True)
    window_high = models.FloatField(null=True, blank=True)
    width = models.PositiveIntegerField(default=0, help_text="Of the full-resolution radiograph, pixels.")
    height = models.PositiveIntegerField(default=0)
    # The model's field of view: a square in full-resolution pixels.
    crop_x = models.PositiveIntegerField(default=0)
    crop_y = models.PositiveIntegerField(default=0)
    crop_size = models.PositiveIntegerField(default=0)

    # What was done to the file's pixels (explain.images.as_read). Rows from before these fields were kept have rule 0:
    # they took the range their file declared, and are never rescaled.
    range_rule = models.PositiveSmallIntegerField(default=0, help_text="Version of the rule for the grey range.")
    range_low = models.IntegerField(null=True, blank=True, help_text="First stored value of the range taken: black.")
    range_high = models.IntegerField(null=True, blank=True)
    range_replaced = models.BooleanField(default=False, help_text="Not the range that the file declares.")
    file_width = models.PositiveIntegerField(default=0, help_text="Of the file; other than width: not square pixels.")
    file_height = models.PositiveIntegerField(default=0)
    shown_by = models.CharField(max_length=16, blank=True, help_text="First shown by: range, window, sigmoid, table.")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=Q(age__isnull=True) | Q(age__lte=90), name="case_age_at_most_90"),
            models.UniqueConstraint(
                fields=["batch", "pixel_sha256"], condition=~Q(pixel_sha256=""), name="case_pixels_once_per_batch"
            ),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def age_label(self) -> str:
        if self.age is None:
            return ""
        return "90+" if self.age >= 90 else str(self.age)


class Truth(models.Model):
    """The reference label of one pathology in one case. No reader-facing query touches this table."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="truths")
    pathology = models.CharField(max_length=80)
    label = models.BooleanField(help_text="Present or absent. An uncertain label has no row.")
    # Grey PNG, 255 inside, at the radiograph's full resolution.
    mask = models.FileField(upload_to="truth", blank=True, max_length=200)
    # The same form: where something lies that only goes with the pathology (a tube, a marker) and is not it.
    confounder = models.FileField(upload_to="truth", blank=True, max_length=200)
    provenance = models.CharField(max_length=200, blank=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ["case_id", "pathology"]
        constraints = [models.UniqueConstraint(fields=["case", "pathology"], name="truth_once_per_case_pathology")]

    def __str__(self) -> str:
        return f"{self.pathology} in case {self.case_id}"


class Prediction(models.Model):
    """One classifier's probability for one pathology in one case."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="predictions")
    pathology = models.CharField(max_length=80)
    model = models.CharField(max_length=120, help_text="Registered name, or the name the manifest gives.")
    weights_sha256 = models.CharField(max_length=64, blank=True, help_text="Empty when loaded from a manifest.")
    probability = models.FloatField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["case_id", "pathology"]
        constraints = [
            models.UniqueConstraint(fields=["case", "pathology", "model"], name="prediction_once_per_model"),
            models.CheckConstraint(
                condition=Q(probability__gte=0) & Q(probability__lte=1), name="prediction_probability_in_0_1"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pathology} {self.probability:.2f}"


class BatchRemoval(models.Model):
    """What is kept of a batch that was removed: its name, how much it held, who removed it, when and why."""

    name = models.CharField(max_length=80)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    why = models.CharField(max_length=300)
    counts = models.JSONField(default=dict, help_text="How many rows of each sort were removed.")
    files_left = models.JSONField(default=list, blank=True, help_text="Names of files still to be removed.")

    class Meta:
        ordering = ["-at"]
        constraints = [models.CheckConstraint(condition=~Q(why=""), name="batch_removal_says_why")]

    def __str__(self) -> str:
        return self.name


class UploadVersion(models.Model):
    """How often the state of an upload was saved. All else of it lies in its folder (loading/staged.py), since it may
    identify patients; this number is raised by one conditional UPDATE, so that who is late can save nothing."""

    token = models.CharField(max_length=32, unique=True)
    version = models.PositiveIntegerField()
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-changed_at"]

    def __str__(self) -> str:
        return self.token


def save_file(field: Any, content: bytes, suffix: str, salt: str = "") -> str:
    """Store `content` under an opaque keyed-hash name on a model's file field; the row is not saved. Returns the name.

    The same content under the same salt is stored once: a repeat finds it and writes nothing.
    """
    name: str = field.field.generate_filename(field.instance, file_name(content, suffix, salt))
    if not field.storage.exists(name):
        name = field.storage.save(name, ContentFile(content))
    field.name = name
    return name
