"""What every kind makes of one example of a study, so that a researcher chooses by looking. Stored pictures only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from explain.methods.kind import Kind, Value
from readerstudy.cases.media import public_name
from readerstudy.explanations.chosen import can_be_had
from readerstudy.explanations.kinds import known_kinds
from readerstudy.explanations.models import Explanation, ExplanationFile
from readerstudy.explanations.panel_forms import FORMS
from readerstudy.studies.kinds_shown import kind_shown
from readerstudy.studies.models import Example, Study
from readerstudy.studies.precomputing import Wanted, is_current, of_the_same_weights


@dataclass(frozen=True)
class KindPicture:
    """name: of the kind; methods: labels of those that show it. url: of the picture, "" where there is none.

    error: why rendering failed. current: whether the study's parameters would make the same.
    settings: (label, value) of each parameter, as rendered or, where nothing is, as the study would render it.
    """

    name: str
    kind: Kind
    methods: list[str]
    url: str
    error: str
    current: bool
    settings: list[tuple[str, str]]

    @property
    def can_be_computed(self) -> bool:
        return bool(self.kind.compute)


def example_named(study: Study, name: str) -> Example | None:
    """Scored "3" or practice "P1" of a study; the first scored one for any other name; None in an empty study."""
    examples = study.examples.order_by("practice", "number").select_related("prediction")
    number = name.removeprefix("P")
    if number.isascii() and number.isdigit() and len(number) < 10:
        found = examples.filter(practice=name != number, number=int(number)).first()
        if found is not None:
            return found
    return examples.first()


def kind_pictures(study: Study, example: Example) -> list[KindPicture]:
    """Every kind that can be rendered here, and what else this example or a method has."""
    stored, wanted = _stored(example), Wanted.of(study)
    methods = list(study.methods.all())
    found = []
    for name, kind in known_kinds().items():
        shown_by, row = [method.label for method in methods if name in method.kinds], stored.get(name)
        can_be_made = kind.compute and all(can_be_had(need, wanted.models) for need in kind.needs)
        if can_be_made or row or shown_by:
            found.append(_picture(study, kind_shown(study, name), name, shown_by, row, wanted))
    return found


def _picture(
    study: Study,
    kind: Kind,
    name: str,
    methods: list[str],
    row: Explanation | None,
    wanted: Wanted,
) -> KindPicture:
    given: dict[str, Any] = wanted.parameters.given(kind) if row is None else row.parameters
    return KindPicture(
        name=name,
        kind=kind,
        methods=methods,
        url=picture_url(study, kind, row),
        error=row.error if row else "",
        current=row is not None and is_current(row, wanted),
        settings=[] if row and row.external else _settings(kind, given),
    )


def _stored(example: Example) -> dict[str, Explanation]:
    """Kind -> what the study shows for the example, or else the newest of the same prediction and weights."""
    rows = Explanation.objects.filter(prediction=example.prediction).select_related("prediction")
    pinned = set(example.explanations.values_list("pk", flat=True))
    found: dict[str, Explanation] = {}
    for row in sorted(rows.prefetch_related("files"), key=lambda row: (row.pk in pinned, row.pk)):
        if row.pk in pinned or (row.status == Explanation.Status.DONE and of_the_same_weights(row)):
            found[row.kind] = row
    return found


def picture_url(study: Study, kind: Kind, row: Explanation | None) -> str:
    files = {file.role: file for file in row.files.all()} if row else {}
    file: ExplanationFile | None = files.get(FORMS[kind.shows].alone)
    return reverse("study_file", args=[study.slug, public_name(file.file)]) if file else ""


def _settings(kind: Kind, given: dict[str, Any]) -> list[tuple[str, str]]:
    """Values as the form calls them."""
    return [
        (parameter.label, _said(given.get(parameter.name, parameter.default), dict(parameter.choices)))
        for parameter in kind.parameters
    ]


def _said(value: Value, choices: dict[str, str]) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return choices.get(value, value) if isinstance(value, str) else f"{value:g}"
