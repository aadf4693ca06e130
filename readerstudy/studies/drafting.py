"""Making a draft: a preset as defaults, and replacing its parts.

Defaults: Cohen et al., MIDL 2021, section 4.6 and appendix F (the texts are our own).
"""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.text import slugify

from explain.methods.kinds import COMPARED_2021
from readerstudy.accounts.models import User
from readerstudy.studies.models import MailPlan, Membership, Method, Question, Study
from readerstudy.studies.presets import RECOMMENDED, preset_named

INSTRUCTIONS = """\
You will see chest radiographs, one at a time. For each one a computer model has predicted one finding. \
Beside the radiograph are one or more pictures that try to explain this prediction.

Consider only the finding that the model predicted. Other findings may be present; leave them out of account.

Not every prediction is correct. Judge each one on its own.

If an explanation highlights or changes something that has nothing to do with the finding, take that as a sign that \
the model used the wrong features.

You will read the same radiographs more than once, with different explanations. Please do not look cases up, and do \
not talk about them with other readers until everyone has finished.

There is no time limit. You can pause at any point: every answer is saved as you give it."""

CONSENT = """\
Taking part is voluntary. You can stop at any time, without giving a reason.

What is stored: your answers and comments, the times at which you gave them, how long you looked, how you used the \
viewer, the size of your screen, and what you say about your experience. It is analysed and published \
under a code (such as R1), not under your name.

This is research. Nothing you answer here is used in the care of a patient."""


@dataclass(frozen=True)
class MethodRow:
    """A method as typed: its key in exports, the label readers see, explanation kinds in panel order."""

    key: str
    label: str
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True)
class QuestionRow:
    key: str
    text: str
    low_label: str = ""
    high_label: str = ""
    minimum: int = 1
    maximum: int = 5
    about_explanation: bool = False


# A decision is a scale of two points, with these words at its ends.
YES_NO = {"minimum": 1, "maximum": 2, "low_label": "no", "high_label": "yes"}

QUESTIONS = (
    QuestionRow(
        "confidence", "How confident are you in the model's prediction?", "not at all confident", "very confident"
    ),
    QuestionRow(
        "feature", "Is the model looking at the correct feature?", "certainly not", "certainly", about_explanation=True
    ),
)


@transaction.atomic
def new_study(title: str, user: User | None = None, *, preset: str = RECOMMENDED, public_title: str = "") -> Study:
    """A draft with a preset's settings, the published study's methods, questions and plan, and texts to start from.

    `user` becomes its researcher. The slug, which readers see in addresses, comes from the title for readers where
    there is one, and is unique. Raises ValidationError for a preset that does not exist.
    """
    study = Study.objects.create(
        slug=free_slug(slugify(public_title or title)[:50].strip("-") or "study"),
        title=title,
        public_title=public_title,
        preset=preset,
        instructions=INSTRUCTIONS,
        consent=CONSENT,
        analysis_plan=preset_named(preset).plan.to_dict(),
        created_by=user,
        **deepcopy(dict(preset_named(preset).study)),
    )
    replace_methods(
        study, [MethodRow(key, f"Method {key}", kinds) for key, kinds in zip("AB", COMPARED_2021, strict=True)]
    )
    replace_questions(study, QUESTIONS)
    MailPlan.objects.create(study=study)
    if user is not None:
        Membership.objects.create(study=study, user=user, role=Membership.Role.RESEARCHER)
    return study


def free_slug(base: str) -> str:
    """`base`, or with a number after it if another study has that one."""
    slug, number = base, 2
    while slug == "new" or Study.objects.filter(slug=slug).exists():  # /studies/new/ is the page that makes one
        slug, number = f"{base}-{number}", number + 1
    return slug


def refuse_archived(study: Study) -> None:
    """ValidationError for a study in the archive."""
    if study.archived_at:
        raise ValidationError(f"“{study.title}” is archived: bring it back first.")


def draft_for_update(study: Study) -> Study:
    """The study's row, locked; ValidationError unless it is a draft that is not archived. Call inside a transaction."""
    study = Study.objects.select_for_update().get(pk=study.pk)
    if not study.is_draft:
        raise ValidationError(
            f"“{study.title}” is {study.state}, so its protocol is fixed. Make a new version and change that."
        )
    refuse_archived(study)
    return study


@transaction.atomic
def replace_methods(study: Study, rows: Sequence[MethodRow]) -> None:
    """Make these the methods of a draft, in this order."""
    study = draft_for_update(study)
    study.methods.all().delete()
    for position, row in enumerate(rows, start=1):
        Method.objects.create(study=study, key=row.key, label=row.label, kinds=list(row.kinds), position=position)


@transaction.atomic
def replace_questions(study: Study, rows: Sequence[QuestionRow]) -> None:
    """Make these the questions of a draft, in this order."""
    study = draft_for_update(study)
    study.questions.all().delete()
    for position, row in enumerate(rows, start=1):
        Question.objects.create(
            study=study,
            key=row.key,
            text=row.text,
            minimum=row.minimum,
            maximum=row.maximum,
            low_label=row.low_label,
            high_label=row.high_label,
            about_explanation=row.about_explanation,
            position=position,
        )
