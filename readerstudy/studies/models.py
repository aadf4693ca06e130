"""Study, Method, Question, Membership, Invitation, Selection, Example, Look: the design, fixed before reading."""

from datetime import timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from simple_history.models import HistoricalRecords

from readerstudy.cases.models import Batch, Prediction
from readerstudy.common import limits
from readerstudy.common.limits import KeptOutsideLimits, Within
from readerstudy.explanations.chosen import chosen_models
from readerstudy.explanations.kinds import known_kinds
from readerstudy.explanations.models import Explanation
from readerstudy.explanations.parameters import RenderParameters
from readerstudy.statistics.plan import AnalysisError, AnalysisPlan
from readerstudy.studies.journal import Look as Look  # Django looks for models here
from readerstudy.studies.journal import Reopening as Reopening
from readerstudy.studies.mails import MailPlan as MailPlan
from readerstudy.studies.seen import SeenTruth as SeenTruth
from readerstudy.studies.shown import FIRST_FACTS, AnimationFrames, Fact, HeatmapScale, PanelTitles, Probability

MOST_KINDS = 6  # panels of a method; more are too small to read side by side
KEY = RegexValidator(r"^[A-Za-z][A-Za-z0-9_]{0,31}$", "Use a letter, then letters, digits or underscores (at most 32).")


class Study(KeptOutsideLimits):
    """One protocol version of a reader study. Opening freezes it; a changed protocol is a new version."""

    class State(models.TextChoices):
        DRAFT = "draft"
        OPEN = "open"
        CLOSED = "closed"

    class Allocation(models.TextChoices):
        RANDOM = "random", "halves counterbalanced across readers, order random per reader and read"
        PUBLISHED = "published", "as in the published study: same halves and order for all readers"

    class Order(models.TextChoices):
        BLOCKS = "blocks", "pathology by pathology"
        MIXED = "mixed", "pathologies mixed"

    class DragDirection(models.TextChoices):
        STANDARD = "standard", "right widens the window, down darkens"
        INVERTED = "inverted", "right narrows the window, down brightens"

    slug = models.SlugField(max_length=60, unique=True)
    title = models.CharField(max_length=200)
    public_title = models.CharField(
        "title for readers", max_length=200, blank=True, help_text="Empty: readers see the study's own title."
    )
    preset = models.CharField(max_length=20, blank=True, help_text="The preset (presets.py) that the draft began with.")
    state = models.CharField(max_length=8, choices=State.choices, default=State.DRAFT)
    protocol_version = models.PositiveSmallIntegerField(default=1)
    previous_version = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="next_version"
    )
    simulated = models.BooleanField(default=False, help_text="Answers were made by a program; marked so everywhere.")
    from_spreadsheets = models.BooleanField(
        default=False, help_text="Reads were loaded: no images, log-ins or timings."
    )

    instructions = models.TextField(blank=True)
    consent = models.TextField(blank=True)
    registration = models.CharField(
        "registration number", max_length=120, blank=True, help_text="In a public registry."
    )
    ethics = models.CharField(
        "ethics reference", max_length=200, blank=True, help_text="Committee and number of its approval, or the waiver."
    )
    sample_size_reason = models.TextField(
        "reason for the sample size", blank=True, help_text="How the numbers of readers and examples were chosen."
    )
    seed = models.PositiveIntegerField(default=0, validators=[Within("seed")])
    allocation = models.CharField(max_length=12, choices=Allocation.choices, default=Allocation.RANDOM)
    order = models.CharField(max_length=8, choices=Order.choices, default=Order.BLOCKS)
    washout_days = models.PositiveSmallIntegerField(default=14, validators=[Within("washout_days")])
    operating_point = models.FloatField(default=0.5, validators=[Within("operating_point")])
    # readerstudy.statistics.plan.AnalysisPlan as a dict; empty means the published study's defaults.
    analysis_plan = models.JSONField(default=dict, blank=True)
    # What is set of the kinds' parameters (explanations.parameters); empty: their defaults.
    render_parameters = models.JSONField(default=dict, blank=True)
    # Models chosen beside the classifier (explanations.chosen); empty: its own partners.
    chosen_models = models.JSONField(default=dict, blank=True)
    # Title, text and form of each kind shown, fixed when the study opens (kinds_shown.py).
    kind_texts = models.JSONField(default=dict, blank=True, editable=False)

    show_probability = models.CharField(
        max_length=8, choices=Probability.choices, default=Probability.EXACT, blank=True
    )
    show_frame_predictions = models.BooleanField(default=False)
    facts = models.CharField(
        max_length=60, default=FIRST_FACTS, blank=True, help_text="What readers are told of a case: some of Fact."
    )
    panel_titles = models.CharField(
        max_length=12, choices=PanelTitles.choices, default=PanelTitles.TECHNIQUES, blank=True
    )
    animation_frames = models.CharField(
        max_length=8, choices=AnimationFrames.choices, default=AnimationFrames.RENDERED, blank=True
    )
    heatmap_scale = models.CharField(
        max_length=16, choices=HeatmapScale.choices, default=HeatmapScale.PUBLISHED, blank=True
    )
    overlay_at_first = models.BooleanField(default=True, help_text="Off: every example starts without its heat maps.")
    needs_large_screen = models.BooleanField(
        default=False, help_text="On a phone readers are told to take a larger screen."
    )
    allow_changes = models.BooleanField(default=True, help_text="Answers can be changed until the read is finished.")
    drag_direction = models.CharField(max_length=8, choices=DragDirection.choices, default=DragDirection.STANDARD)

    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    opened_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    closed_at = models.DateTimeField(null=True, blank=True)
    archived_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    archived_at = models.DateTimeField(null=True, blank=True)
    protocol_sha256 = models.CharField(max_length=64, blank=True, help_text="Hash of the protocol frozen at opening.")
    # The protocol names the truth by a digest that tells nothing without the salt, which is secret until closing.
    truth_commitment = models.CharField(max_length=64, blank=True, editable=False)
    truth_salt = models.CharField(max_length=64, blank=True, editable=False)
    history = HistoricalRecords(excluded_fields=["truth_salt"])

    class Meta:
        verbose_name_plural = "studies"
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="draft", opened_at=None) | Q(state__in=["open", "closed"], opened_at__isnull=False),
                name="study_opened_at_matches_state",
            ),
            models.CheckConstraint(
                condition=Q(state="closed", closed_at__isnull=False) | (~Q(state="closed") & Q(closed_at=None)),
                name="study_closed_at_matches_state",
            ),
            models.CheckConstraint(condition=Q(archived_at=None) | ~Q(state="open"), name="study_archived_is_not_open"),
            limits.constraint(
                "study_within_limits", {name: name for name in ("washout_days", "seed", "operating_point")}
            ),
            limits.constraint("study_plan_within_limits", {f"analysis_plan__{name}": name for name in limits.PLAN}),
        ]

    def __str__(self) -> str:
        return f"{self.title} (version {self.protocol_version})"

    def clean(self) -> None:
        """What the Django admin lets people write as JSON must be a plan and parameters that can be used."""
        self.analysis_plan, self.render_parameters = self.analysis_plan or {}, self.render_parameters or {}
        self.chosen_models = self.chosen_models or {}
        try:
            AnalysisPlan.from_dict(self.analysis_plan)
            RenderParameters.from_people(self.render_parameters)
            chosen_models(self.chosen_models)
        except (AnalysisError, TypeError) as error:
            raise ValidationError(f"The analysis plan or the render parameters cannot be used: {error}") from error
        if unknown := sorted(set(self.facts.split()) - set(Fact.values)):
            raise ValidationError(f"Readers can be told {', '.join(Fact.values)} of a case, not {', '.join(unknown)}.")
        for choice in self._meta.concrete_fields:
            if choice.choices and choice.blank and not getattr(self, choice.attname):
                setattr(self, choice.attname, choice.get_default())
        if outside := limits.problems(self.analysis_plan):
            raise ValidationError(list(outside.values()))

    @property
    def reader_title(self) -> str:
        """The title on everything a reader gets."""
        return self.public_title or self.title

    @property
    def frame_predictions_shown(self) -> bool:
        """Frame predictions include the prediction itself, so they are off where that is not shown exactly."""
        return self.show_frame_predictions and self.show_probability == Probability.EXACT

    @property
    def washout(self) -> timedelta:
        """At most a century: a study older than the limits may have more days than calendars."""
        return timedelta(days=min(self.washout_days, 36_500))

    def outside_limits(self) -> list[str]:
        """A sentence for each number of the design and the plan that is outside its limit."""
        own = {name: getattr(self, name) for name in ("washout_days", "seed", "operating_point")}
        return [*limits.problems(own).values(), *limits.problems(self.analysis_plan or {}).values()]

    @property
    def is_draft(self) -> bool:
        return self.state == self.State.DRAFT


class Method(models.Model):
    """What a reader is shown: a neutral label and an ordered set of explanation kinds, possibly none."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="methods")
    key = models.CharField(max_length=32, validators=[KEY])
    label = models.CharField(max_length=60)
    kinds = models.JSONField(default=list, blank=True, help_text="Names of kinds in panel order; [] = prediction only.")
    position = models.PositiveSmallIntegerField()
    history = HistoricalRecords()

    class Meta:
        ordering = ["study_id", "position"]
        constraints = [
            models.UniqueConstraint(fields=["study", "key"], name="method_key_once_per_study"),
            models.UniqueConstraint(fields=["study", "position"], name="method_position_once_per_study"),
        ]

    def __str__(self) -> str:
        return self.label

    def clean(self) -> None:
        self.kinds = self.kinds or []
        known = list(known_kinds())
        if not isinstance(self.kinds, list) or any(name not in known for name in self.kinds):
            raise ValidationError(f"The kinds of a method are a list of some of {', '.join(known)}.")
        if len(self.kinds) > MOST_KINDS:
            raise ValidationError(f"A method shows at most {MOST_KINDS} kinds.")


class Question(KeptOutsideLimits):
    """An item with a key, a text, a minimum, a maximum and end labels."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="questions")
    key = models.CharField(max_length=32, validators=[KEY])
    text = models.CharField(max_length=300)
    minimum = models.SmallIntegerField(default=1, validators=[Within("minimum")])
    maximum = models.SmallIntegerField(default=5, validators=[Within("maximum")])
    low_label = models.CharField(max_length=60, blank=True)
    high_label = models.CharField(max_length=60, blank=True)
    about_explanation = models.BooleanField(
        default=False, help_text="Asks about the explanation: not asked with a method that shows none."
    )
    position = models.PositiveSmallIntegerField()
    history = HistoricalRecords()

    class Meta:
        ordering = ["study_id", "position"]
        constraints = [
            models.UniqueConstraint(fields=["study", "key"], name="question_key_once_per_study"),
            models.UniqueConstraint(fields=["study", "position"], name="question_position_once_per_study"),
            models.CheckConstraint(condition=Q(minimum__lt=F("maximum")), name="question_minimum_below_maximum"),
            limits.constraint("question_within_limits", {"minimum": "minimum", "maximum": "maximum"}),
        ]

    def __str__(self) -> str:
        return self.text


class Membership(models.Model):
    """What one person is in one study. One row per person and study: a reader holds no other role in it."""

    class Role(models.TextChoices):
        ADMINISTRATOR = "administrator"
        RESEARCHER = "researcher"
        READER = "reader"

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role.choices)
    created_at = models.DateTimeField(auto_now_add=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ["study_id", "role", "user_id"]
        constraints = [models.UniqueConstraint(fields=["study", "user"], name="membership_one_role_per_person_study")]

    def __str__(self) -> str:
        return f"{self.user} is {self.role}"


class Invitation(models.Model):
    """A single-use, expiring, signed link that lets one person join one study."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField()
    role = models.CharField(max_length=16, choices=Membership.Role.choices, default=Membership.Role.READER)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(accepted_at=None) | Q(revoked_at=None), name="invitation_not_accepted_and_revoked"
            )
        ]

    def __str__(self) -> str:
        return f"{self.email} as {self.role}"


class Selection(KeptOutsideLimits):
    """A seeded draw of examples from candidates, kept with the candidates considered."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="selections")
    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="selections")
    seed = models.PositiveIntegerField(validators=[Within("seed")])
    parameters = models.JSONField(default=dict)
    candidates = models.JSONField(default=list, help_text="Prediction ids considered, in the order drawn from.")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["study_id", "id"]
        constraints = [limits.constraint("selection_within_limits", {"seed": "seed"})]

    def __str__(self) -> str:
        return f"seed {self.seed} from {self.batch_id}"


class Example(models.Model):
    """A prediction chosen for a study, numbered 1..N; practice examples are numbered on their own."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="examples")
    prediction = models.ForeignKey(Prediction, on_delete=models.PROTECT, related_name="examples")
    selection = models.ForeignKey(Selection, null=True, blank=True, on_delete=models.CASCADE, related_name="examples")
    number = models.PositiveIntegerField()
    practice = models.BooleanField(default=False)
    # What this study shows for the example: pinned by precompute, frozen at opening, at most one per kind.
    explanations = models.ManyToManyField(Explanation, blank=True, related_name="examples")

    class Meta:
        ordering = ["study_id", "practice", "number"]
        constraints = [
            models.UniqueConstraint(fields=["study", "prediction"], name="example_prediction_once_per_study"),
            models.UniqueConstraint(fields=["study", "practice", "number"], name="example_number_once_per_study"),
        ]

    def __str__(self) -> str:
        return f"{'Practice' if self.practice else 'Example'} {self.number}"
