"""Explanation: one kind for one prediction, with everything needed to say how it was made. Kinds made elsewhere.
Measurement: one figure of an explanation."""

from django.db import models
from django.db.models import Q

from explain.methods.kind import Kind
from readerstudy.cases.models import Prediction


class ExternalKind(models.Model):
    """A kind that another tool rendered: made when the first batch with its files is loaded. Its texts may be edited;
    a study that is open keeps those it opened with."""

    class Shows(models.TextChoices):
        STILL = "still", "a map"
        ANIMATION = "animation", "an animation"

    name = models.CharField(max_length=40, unique=True, editable=False)
    title = models.CharField(max_length=80, help_text="The heading of its panel.")
    what_is_this = models.TextField(help_text="One or two sentences for readers: what it shows, and what it does not.")
    shows = models.CharField(max_length=10, choices=Shows.choices, editable=False)

    class Meta:
        verbose_name = "kind rendered elsewhere"
        verbose_name_plural = "kinds rendered elsewhere"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.title

    def kind(self) -> Kind:
        return Kind(self.name, self.title, self.what_is_this, shows=self.shows, needs=())  # type: ignore[arg-type]


class Explanation(models.Model):
    """One kind (explain.methods) for one prediction: files, map, parameters, hashes, or the error if it failed."""

    class Status(models.TextChoices):
        DONE = "done"
        FAILED = "failed"

    prediction = models.ForeignKey(Prediction, on_delete=models.PROTECT, related_name="explanations")
    kind = models.CharField(max_length=40)
    # What it was made from: see readerstudy.explanations.parameters.explanation_key.
    key = models.CharField(max_length=64)
    status = models.CharField(max_length=8, choices=Status.choices)
    error = models.TextField(blank=True)
    external = models.BooleanField(default=False, help_text="Rendered by another tool and loaded from a manifest.")
    parameters = models.JSONField(default=dict, blank=True)
    algorithm_version = models.PositiveSmallIntegerField(default=1)
    model = models.CharField(max_length=120, blank=True)
    weights_sha256 = models.CharField(max_length=64, blank=True)
    autoencoder = models.CharField(max_length=120, blank=True)
    autoencoder_sha256 = models.CharField(max_length=64, blank=True)
    generator = models.CharField(max_length=120, blank=True)
    generator_sha256 = models.CharField(max_length=64, blank=True)
    # Lambdas, f at each, stop reasons, evaluations, f(x), f(x'_0), completeness gap ...
    record = models.JSONField(default=dict, blank=True)
    map = models.FileField(upload_to="maps", blank=True, max_length=200, help_text=".npy, float32 224 x 224")
    seconds = models.FloatField(null=True, blank=True)
    device = models.CharField(max_length=80, blank=True)
    libraries = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["prediction_id", "kind", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["prediction", "kind", "key"], name="explanation_once_per_key"),
            models.CheckConstraint(
                condition=Q(status="done", error="") | (Q(status="failed") & ~Q(error="")),
                name="explanation_failed_says_why",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.prediction_id} ({self.status})"


class ExplanationFile(models.Model):
    """One file of an explanation: what the browser shows or a researcher downloads."""

    class Role(models.TextChoices):
        LAYER = "layer", "transparent heat-map layer, 224 x 224 RGBA PNG"
        OVERLAY = "overlay", "flattened overlay, PNG"
        GIF = "gif", "lossless grey animation, GIF"
        STRIP = "strip", "the animation's frames as one PNG strip"
        CURVE = "curve", "prediction over lambda, SVG"

    explanation = models.ForeignKey(Explanation, on_delete=models.CASCADE, related_name="files")
    role = models.CharField(max_length=8, choices=Role.choices)
    file = models.FileField(upload_to="explanations", max_length=200)
    sha256 = models.CharField(max_length=64)
    format = models.CharField(max_length=16, help_text="image/png, image/gif ...")
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()

    class Meta:
        ordering = ["explanation_id", "role"]
        constraints = [models.UniqueConstraint(fields=["explanation", "role"], name="explanation_file_once_per_role")]

    def __str__(self) -> str:
        return f"{self.role} of {self.explanation_id}"


class Measurement(models.Model):
    """One metric (explain.evaluate) of one explanation: its value, or why it could not be measured.

    A metric whose Metric.truth is set tells the truth of its case: whoever shows it asks first.
    """

    explanation = models.ForeignKey(Explanation, on_delete=models.CASCADE, related_name="measurements")
    metric = models.CharField(max_length=40)
    # What it was measured from: see readerstudy.explanations.evidence.measurement_key.
    key = models.CharField(max_length=64)
    value = models.FloatField(null=True, blank=True)
    error = models.TextField(blank=True)
    parameters = models.JSONField(default=dict, blank=True)
    version = models.PositiveSmallIntegerField(default=1)
    seconds = models.FloatField(null=True, blank=True)
    device = models.CharField(max_length=80, blank=True)
    measured_at = models.DateTimeField()

    class Meta:
        ordering = ["explanation_id", "metric"]
        constraints = [
            models.UniqueConstraint(fields=["explanation", "metric"], name="measurement_once_per_metric"),
            models.CheckConstraint(
                condition=Q(value__isnull=False, error="") | (Q(value__isnull=True) & ~Q(error="")),
                name="measurement_failed_says_why",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.metric} of {self.explanation_id}"
