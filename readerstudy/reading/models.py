"""Reader, Read, Mail, Sequence, Assignment, Visit, Response, Exclusion: who read what, when, and what they answered."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from simple_history.models import HistoricalRecords

from readerstudy.studies.models import Example, Membership, Method, Question, Study


class Reader(models.Model):
    """A person in a study, with a code, consent and a profile. Readers loaded from spreadsheets have no membership."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="readers")
    membership = models.OneToOneField(
        Membership, null=True, blank=True, on_delete=models.PROTECT, related_name="reader"
    )
    code = models.CharField(max_length=16, help_text="R1, R2, ...")
    joined_at = models.DateTimeField(auto_now_add=True)
    rotation = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Row offset in the square of method orders, drawn at allocation."
    )
    consented_at = models.DateTimeField(null=True, blank=True)
    consent_sha256 = models.CharField(max_length=64, blank=True, help_text="Hash of the text consented to.")
    specialty = models.CharField(max_length=80, blank=True)
    years_experience = models.PositiveSmallIntegerField(null=True, blank=True)
    ai_experience = models.CharField(max_length=80, blank=True)
    instructions_read_at = models.DateTimeField(null=True, blank=True)
    single_key_shortcuts = models.BooleanField(default=True)
    keys = models.JSONField(
        default=dict,
        blank=True,
        help_text="The reader's own keys by action, where they differ from the usual (keys.py).",
    )
    wants_mails = models.BooleanField(default=True, help_text="Off: the reader asked for no mails.")
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_why = models.CharField(max_length=300, blank=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ["study_id", "id"]
        constraints = [models.UniqueConstraint(fields=["study", "code"], name="reader_code_once_per_study")]

    def __str__(self) -> str:
        return self.code


class Read(models.Model):
    """One reader's pass over all examples: period 1, 2, ...; number 0 is the pass over the practice examples."""

    PRACTICE = 0

    reader = models.ForeignKey(Reader, on_delete=models.PROTECT, related_name="reads")
    number = models.PositiveSmallIntegerField()
    seed = models.PositiveBigIntegerField(default=0)
    opened_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["reader_id", "number"]
        constraints = [
            models.UniqueConstraint(fields=["reader", "number"], name="read_number_once_per_reader"),
            models.CheckConstraint(
                condition=Q(finished_at=None) | Q(opened_at__isnull=False), name="read_finished_was_opened"
            ),
        ]

    def __str__(self) -> str:
        return "Practice" if self.number == self.PRACTICE else f"Read {self.number}"


class ReadReopening(models.Model):
    """A finished read was opened again: who, when, why, and when it had been finished."""

    read = models.ForeignKey(Read, on_delete=models.PROTECT, related_name="reopenings")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    why = models.CharField(max_length=300)
    finished_at = models.DateTimeField()

    class Meta:
        ordering = ["read_id", "at"]
        constraints = [models.CheckConstraint(condition=~Q(why=""), name="read_reopening_says_why")]

    def __str__(self) -> str:
        return self.why


class Mail(models.Model):
    """One mail about one read. The row is made before the mail goes out: nobody gets one twice (mailing/sending.py).

    Neither address nor text is kept: the address is the account's, the text stands in the history of the study's plan.
    """

    class Kind(models.TextChoices):
        WASHOUT = "washout", "a washout is over"
        REMINDER = "reminder", "reminder"

    class State(models.TextChoices):
        SENDING = "sending", "not known: sending was interrupted"
        SENT = "sent", "sent"
        FAILED = "failed", "not taken by the mail server"
        SHOWN = "shown", "shown here, not sent"

    read = models.ForeignKey(Read, on_delete=models.PROTECT, related_name="mails")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    number = models.PositiveSmallIntegerField(default=1, help_text="1, 2, ... of this kind for this read.")
    state = models.CharField(max_length=8, choices=State.choices, default=State.SENDING)
    tries = models.PositiveSmallIntegerField(default=1)
    at = models.DateTimeField(help_text="Of the last try.")
    error = models.CharField(max_length=100, blank=True, help_text="What kind of fault: never an address.")

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["read", "kind", "number"], name="mail_once_per_read_and_number")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {str(self.read).lower()}"


class Sequence(models.Model):
    """Which method an example gets in which read, per reader and example: methods[0] in read 1, and so on."""

    reader = models.ForeignKey(Reader, on_delete=models.PROTECT, related_name="sequences")
    example = models.ForeignKey(Example, on_delete=models.PROTECT, related_name="sequences")
    methods = models.JSONField(help_text='Method keys in read order, e.g. ["A", "B"].')

    class Meta:
        ordering = ["reader_id", "example_id"]
        constraints = [models.UniqueConstraint(fields=["reader", "example"], name="sequence_once_per_reader_example")]

    def __str__(self) -> str:
        return "".join(self.methods)


class Assignment(models.Model):
    """One example in one read: the method shown and the position."""

    read = models.ForeignKey(Read, on_delete=models.PROTECT, related_name="assignments")
    example = models.ForeignKey(Example, on_delete=models.PROTECT, related_name="assignments")
    method = models.ForeignKey(Method, on_delete=models.PROTECT, related_name="assignments")
    position = models.PositiveIntegerField(help_text="1..N within the read.")

    class Meta:
        ordering = ["read_id", "position"]
        constraints = [
            models.UniqueConstraint(fields=["read", "example"], name="assignment_once_per_read_example"),
            models.UniqueConstraint(fields=["read", "position"], name="assignment_position_once_per_read"),
        ]

    def __str__(self) -> str:
        return f"{self.read}, position {self.position}"


class Visit(models.Model):
    """One opening of an assignment: times, display facts, the files shown and what the viewer did.

    Client durations are in milliseconds since the opening, by the browser's monotonic clock.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, help_text="Made by the browser, so a repeat is known.")
    assignment = models.ForeignKey(Assignment, on_delete=models.PROTECT, related_name="visits")
    opened_at = models.DateTimeField(default=timezone.now, editable=False)
    last_received_at = models.DateTimeField(default=timezone.now, editable=False)
    client_opened_at = models.DateTimeField(null=True, blank=True)
    images_ready_ms = models.PositiveIntegerField(null=True, blank=True)
    first_input_ms = models.PositiveIntegerField(null=True, blank=True)
    answered_ms = models.PositiveIntegerField(null=True, blank=True)
    visible_ms = models.PositiveIntegerField(null=True, blank=True)
    idle_ms = models.PositiveIntegerField(
        null=True, blank=True, help_text="Of that, beyond a minute without any input. Null: not measured."
    )
    animation_loops = models.PositiveIntegerField(default=0)
    display = models.JSONField(default=dict, blank=True, help_text="Screen, pixel ratio, panel size, display check.")
    files = models.JSONField(default=list, blank=True, help_text="Role, format and sha256 of each file shown.")
    actions = models.JSONField(default=dict, blank=True, help_text="Viewer actions counted, by name.")
    comment = models.TextField(
        null=True, blank=True, help_text="Null: not touched in this visit. Empty: the reader cleared it."
    )

    class Meta:
        ordering = ["assignment_id", "opened_at"]

    def __str__(self) -> str:
        return f"visit of assignment {self.assignment_id}"


class Response(models.Model):
    """Assignment x question x revision -> score. Never updated or deleted (triggers); the highest revision counts."""

    class Source(models.TextChoices):
        BROWSER = "browser"
        SPREADSHEET = "spreadsheet"
        SIMULATED = "simulated"

    client_id = models.UUIDField(
        unique=True, default=uuid.uuid4, help_text="Made by the browser, so a repeat is known."
    )
    assignment = models.ForeignKey(Assignment, on_delete=models.PROTECT, related_name="responses")
    question = models.ForeignKey(Question, on_delete=models.PROTECT, related_name="responses")
    visit = models.ForeignKey(Visit, null=True, blank=True, on_delete=models.PROTECT, related_name="responses")
    revision = models.PositiveIntegerField(default=1)
    score = models.SmallIntegerField()
    # Copied from the question, so that the database itself can check the score.
    minimum = models.SmallIntegerField()
    maximum = models.SmallIntegerField()
    source = models.CharField(max_length=12, choices=Source.choices, default=Source.BROWSER)
    answered_at = models.DateTimeField(null=True, blank=True, help_text="By the reader's clock.")
    elapsed_ms = models.PositiveIntegerField(
        null=True, blank=True, help_text="From the visit's opening to this answer."
    )
    visible_ms = models.PositiveIntegerField(null=True, blank=True, help_text="Of that, while the page was visible.")
    received_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["assignment_id", "question_id", "revision"]
        constraints = [
            models.UniqueConstraint(
                fields=["assignment", "question", "revision"], name="response_revision_once_per_question"
            ),
            models.CheckConstraint(
                condition=Q(score__gte=F("minimum")) & Q(score__lte=F("maximum")), name="response_score_in_range"
            ),
            models.CheckConstraint(condition=Q(revision__gte=1), name="response_revision_from_1"),
        ]

    def __str__(self) -> str:
        return f"assignment {self.assignment_id}, question {self.question_id}, revision {self.revision}"


class Exclusion(models.Model):
    """An example, reader, read or response left out of analysis: who, when, why. Lifting one is a record too."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="exclusions")
    example = models.ForeignKey(Example, null=True, blank=True, on_delete=models.PROTECT, related_name="exclusions")
    reader = models.ForeignKey(Reader, null=True, blank=True, on_delete=models.PROTECT, related_name="exclusions")
    read = models.ForeignKey(Read, null=True, blank=True, on_delete=models.PROTECT, related_name="exclusions")
    response = models.ForeignKey(Response, null=True, blank=True, on_delete=models.PROTECT, related_name="exclusions")
    why = models.CharField(max_length=300)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    lifted_why = models.CharField(max_length=300, blank=True)
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    lifted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["study_id", "at"]
        constraints = [
            models.CheckConstraint(
                condition=(
                    Q(example__isnull=False, reader=None, read=None, response=None)
                    | Q(example=None, reader__isnull=False, read=None, response=None)
                    | Q(example=None, reader=None, read__isnull=False, response=None)
                    | Q(example=None, reader=None, read=None, response__isnull=False)
                ),
                name="exclusion_names_one_thing",
            ),
            models.CheckConstraint(condition=~Q(why=""), name="exclusion_says_why"),
        ]

    def __str__(self) -> str:
        return self.why
