"""Opening a study freezes its protocol and everything it shows. One rule, enforced for every save and delete.

Signals rather than save() methods, so that the admin, the API, a command and a shell all meet the same refusal, and so
that lower apps (cases, explanations) need not know of studies. QuerySet.update() and bulk_update() send no signal: do
not use them on these models.
"""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.signals import m2m_changed, pre_delete, pre_save

from readerstudy.cases.models import Case, Prediction, Truth
from readerstudy.common.admin_base import edit_asked
from readerstudy.explanations.models import Explanation, ExplanationFile
from readerstudy.studies.models import Example, Method, Question, Selection, Study
from readerstudy.studies.protocol import LATER_FIELDS, PROTOCOL_FIELDS

_FROZEN = (
    *PROTOCOL_FIELDS,
    *LATER_FIELDS,
    "kind_texts",
    "preset",
    "previous_version_id",
    "from_spreadsheets",
    "opened_at",
    "opened_by_id",
    "protocol_sha256",
    "truth_salt",
)
_NEXT_STATES = {
    "draft": {"draft", "open"},
    "open": {"open", "closed"},
    "closed": {"closed"},
}  # or reopened
# Parts of what a study uses, which can be moved out of it; the rest is used by its own key.
_PARTS = Method | Question | Example | Selection | Truth | ExplanationFile


class FrozenError(ValidationError):
    """An edit that would change an opened study. The message says what is frozen, by which study, and what to do."""


def _used_by(instance: Any) -> dict[str, Any]:
    """Which studies the row belongs to, or use it in their examples: as Study.objects.filter asks for them."""
    if isinstance(instance, Method | Question | Example | Selection):
        return {"pk": instance.study_id}
    if isinstance(instance, ExplanationFile):
        return {"examples__explanations": instance.explanation_id}
    if isinstance(instance, Explanation):
        return {"examples__explanations": instance.pk}
    if isinstance(instance, Prediction):
        return {"examples__prediction": instance.pk}
    if isinstance(instance, Truth):
        return {
            "examples__prediction__case": instance.case_id,
            "examples__prediction__pathology": instance.pathology,
        }
    if isinstance(instance, Case):
        return {"examples__prediction__case": instance.pk}
    raise TypeError(f"{type(instance).__name__} is not something a study freezes")


def frozen_studies_showing(instance: Any) -> QuerySet[Study]:
    """Opened or closed studies that the row belongs to or whose examples use it."""
    return Study.objects.exclude(state=Study.State.DRAFT).filter(**_used_by(instance))


def assert_not_frozen(instance: Any) -> None:
    """Raise FrozenError when an opened study uses the row, or the row that it is a part of."""
    if not instance.pk and not isinstance(instance, _PARTS):
        return
    study = frozen_studies_showing(instance).order_by("pk").values("title", "state").first()  # a study has 100 columns
    if study:
        raise FrozenError(
            f"This {instance._meta.verbose_name} cannot be changed: the study “{study['title']}” is {study['state']} "
            "and uses it. Make a new version of the study and change that."
        )


def _refuse_row(sender: Any, instance: Any, raw: bool = False, **_: Any) -> None:
    """Neither what the row is now nor what it would become: a row must not be moved out of an opened study either."""
    if raw:
        return
    assert_not_frozen(instance)
    if not instance.pk or not isinstance(instance, _PARTS):
        return
    stored = sender._base_manager.filter(pk=instance.pk).first()
    if stored is not None and _used_by(stored) != _used_by(instance):
        assert_not_frozen(stored)


def _refuse_study_edit(sender: type, instance: Study, raw: bool = False, **_: Any) -> None:
    if raw or not instance.pk:
        return
    rows = Study.objects.filter(pk=instance.pk)
    if transaction.get_connection().in_atomic_block:
        rows = rows.select_for_update()  # or an edit begun before the study opens could end after it, and undo it
    before = rows.first()
    if before is None:
        return
    reopened = instance.state == Study.State.OPEN and (
        before.closed_at is not None and before.reopenings.filter(closed_at=before.closed_at).exists()
    )
    if instance.state not in _NEXT_STATES[before.state] and not reopened:
        raise FrozenError(f"A study that is {before.state} cannot become {instance.state}: make a new version instead.")
    if before.is_draft:
        return
    closed = before.state == Study.State.CLOSED and not reopened
    fixed = (*_FROZEN, "closed_at", "closed_by_id") if closed else _FROZEN
    changed = [name for name in fixed if getattr(before, name) != getattr(instance, name)]
    if changed:
        names = ", ".join(name.removesuffix("_id").replace("_", " ") for name in changed)
        raise FrozenError(
            f"The study “{before.title}” is {before.state}, so its protocol is fixed. Refused: a change of {names}. "
            "Make a new version of the study and change that."
        )


def _refuse_study_delete(sender: type, instance: Study, **_: Any) -> None:
    if not instance.is_draft:
        raise FrozenError(f"The study “{instance.title}” is {instance.state} and cannot be deleted.")


def _refuse_pinning(sender: type, instance: Any, action: str, reverse: bool, pk_set: set[int] | None, **_: Any) -> None:
    if not action.startswith("pre_"):
        return
    assert_not_frozen(instance)
    if reverse:  # explanation.examples.add(example)
        for example in Example.objects.filter(pk__in=pk_set or ()):
            assert_not_frozen(example)


FREEZABLE = (Method, Question, Example, Selection, Truth, Prediction, Explanation, ExplanationFile, Case)


def _say_why_frozen(sender: type, instance: Any, **_: Any) -> str | None:
    """Answer to edit_asked: the Django admin shows such a row read-only."""
    if isinstance(instance, Study):
        return None if instance.is_draft else f"The study “{instance.title}” is {instance.state}."
    if not isinstance(instance, FREEZABLE):
        return None
    study = frozen_studies_showing(instance).first()
    return f"The study “{study.title}” is {study.state} and uses it." if study else None


def connect() -> None:
    """Attach the rule; called once, when the app is ready."""
    edit_asked.connect(_say_why_frozen, dispatch_uid="freeze-admin")
    for model in FREEZABLE:
        for signal in (pre_save, pre_delete):
            signal.connect(_refuse_row, sender=model, dispatch_uid=f"freeze-{model.__name__}")
    pre_save.connect(_refuse_study_edit, sender=Study, dispatch_uid="freeze-study")
    pre_delete.connect(_refuse_study_delete, sender=Study, dispatch_uid="freeze-study")
    m2m_changed.connect(_refuse_pinning, sender=Example.explanations.through, dispatch_uid="freeze-pins")
