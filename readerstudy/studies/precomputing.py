"""precompute: render what a draft study's methods need and pin it to the study's examples."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from django.core.exceptions import ValidationError
from django.db import transaction

from explain.methods.kind import Need
from explain.methods.kinds import KINDS
from readerstudy.explanations.chosen import Chosen, choose, chosen_models, is_made_with
from readerstudy.explanations.executing import render
from readerstudy.explanations.kinds import known_kinds
from readerstudy.explanations.models import Explanation
from readerstudy.explanations.parameters import RenderParameters
from readerstudy.explanations.planning import Options, Rendered
from readerstudy.studies.drafting import draft_for_update, refuse_archived
from readerstudy.studies.kinds_shown import kinds_shown
from readerstudy.studies.models import Example, Study


@dataclass(frozen=True)
class Part:
    """Which part of a study to render. kinds: empty = all that methods show. shard: (i, n), the i-th of n, from 1."""

    kinds: tuple[str, ...] = ()
    limit: int | None = None
    shard: tuple[int, int] = (1, 1)


def examples_of(study: Study, part: Part) -> list[Example]:
    rows = list(study.examples.select_related("prediction__case").order_by("practice", "number"))
    index, count = part.shard
    rows = rows[index - 1 :: count]
    return rows[: part.limit] if part.limit is not None else rows


@dataclass(frozen=True)
class Wanted:
    """How a study wants its explanations made. models: what it has chosen, by need."""

    parameters: RenderParameters
    models: Mapping[Need, Chosen] = field(default_factory=dict)

    @classmethod
    def of(cls, study: Study) -> Self:
        return cls(RenderParameters.from_dict(study.render_parameters), chosen_models(study.chosen_models))


def is_current(explanation: Explanation, wanted: Wanted) -> bool:
    """Whether it is what the study's settings and its kind's present version would make, or was rendered elsewhere."""
    if explanation.external:
        return True
    kind = KINDS.get(explanation.kind)
    if kind is None or not all(chosen.made(explanation) for chosen in wanted.models.values()):
        return False
    made = explanation.algorithm_version, explanation.parameters
    return made == (kind.algorithm_version, wanted.parameters.of_kind(kind))


def of_the_same_weights(explanation: Explanation) -> bool:
    """Whether the model that made its prediction made it too, as far as the prediction says; or another program did."""
    return explanation.external or explanation.prediction.weights_sha256 in ("", explanation.weights_sha256)


def refuse_unless_renderable(study: Study) -> None:
    """ValidationError for a study that is not a draft, is archived or has no examples."""
    refuse_archived(study)
    if not study.is_draft:
        raise ValidationError(
            f"“{study.title}” is {study.state}: its explanations are frozen. Make a new version to render others."
        )
    if not study.examples.exists():
        raise ValidationError(f"“{study.title}” has no examples yet: select some first.")


def precompute(
    study: Study, part: Part, options: Options, progress: Callable[[int], object] = lambda done: None
) -> Rendered:
    """Render and pin; what an opened study shows is left as it is, also where options.force asks for it anew.

    Raises ValidationError for a study that is not a draft or a part that names nothing.
    """
    refuse_unless_renderable(study)
    kinds = _chosen_kinds(study, part.kinds)
    examples = examples_of(study, part)
    models = {example.prediction.model for example in examples}
    if len(models) > 1:
        raise ValidationError(
            f"The examples mix predictions of {', '.join(sorted(models))}; select those of one model."
        )
    predictions = [example.prediction for example in examples]
    shown = Explanation.objects.filter(
        prediction__in=predictions, examples__study__in=Study.objects.exclude(state=Study.State.DRAFT)
    )
    wanted = Wanted.of(study)
    result = render(
        predictions,
        kinds,
        wanted.parameters,
        replace(options, keep=frozenset(shown.values_list("pk", flat=True)), chosen=wanted.models),
        progress,
    )
    with options.writing():
        pin(examples, result.explanations)
    return result


@transaction.atomic
def pin(examples: Sequence[Example], explanations: Sequence[Explanation]) -> None:
    """Make these the explanations the examples show, one per kind; other kinds stay as they are."""
    by_prediction: dict[int, list[Explanation]] = {}
    for explanation in explanations:
        by_prediction.setdefault(explanation.prediction_id, []).append(explanation)
    for example in examples:
        new = by_prediction.get(example.prediction_id, [])
        old = example.explanations.filter(kind__in=[row.kind for row in new]).exclude(pk__in=[row.pk for row in new])
        example.explanations.remove(*old)
        example.explanations.add(*new)


def pin_rendered(study: Study) -> None:
    """Pin what earlier studies have had rendered of the same predictions with the same parameters.

    It needs no model, so a study over cases that are rendered is ready at once; precompute makes the rest. Of a map
    generator only what the one that the study has chosen made.
    """
    wanted = Wanted.of(study)
    others = [other for other in chosen_by_others(study) if other.need not in wanted.models]
    rendered = Explanation.objects.filter(
        prediction__examples__study=study,
        kind__in=[kind.name for kind in kinds_shown(study)],
        status=Explanation.Status.DONE,
    )
    newest: dict[tuple[int, str], Explanation] = {}
    for row in rendered.select_related("prediction").order_by("id"):
        theirs = any(is_made_with(other.need, row) and other.made(row) for other in others)
        theirs |= is_made_with("generator", row) and "generator" not in wanted.models
        if of_the_same_weights(row) and is_current(row, wanted) and not theirs:
            newest[row.prediction_id, row.kind] = row
    pin(list(study.examples.all()), list(newest.values()))


def chosen_by_others(study: Study) -> list[Chosen]:
    """Models that other studies have chosen: what they made is no picture of a study that has chosen none."""
    stored = Study.objects.exclude(pk=study.pk).exclude(chosen_models={}).values_list("chosen_models", flat=True)
    return list({found for one in stored for found in chosen_models(one).values()})


@transaction.atomic
def save_choice(study: Study, need: Need, name: str) -> None:
    """Choose a draft's autoencoder, "" for the classifier's own, or map generator, "" for none. What another one made
    is not shown any more.

    A choice whose folder this host no longer has stays as it is, so that the page can be saved.
    """
    draft = draft_for_update(study)
    before = chosen_models(draft.chosen_models).get(need)
    try:
        stored = choose(need, name)
    except ValidationError:
        if before is not None and before.name == name:
            return
        raise
    after = chosen_models(stored).get(need)
    if after == before:
        return
    draft.chosen_models = {key: value for key, value in draft.chosen_models.items() if key != need} | stored
    draft.save()
    for example in draft.examples.prefetch_related("explanations"):
        needy = [row for row in example.explanations.all() if is_made_with(need, row)]
        gone = [row for row in needy if not after.made(row)] if after else [row for row in needy if before.made(row)]  # type: ignore[union-attr]
        example.explanations.remove(*gone)


def _chosen_kinds(study: Study, asked: tuple[str, ...]) -> list[str]:
    if not asked:
        return [kind.name for kind in kinds_shown(study)]
    known = known_kinds()
    if unknown := sorted(set(asked) - set(known)):
        raise ValidationError(f"No kind of explanation is called {', '.join(unknown)}; there are {', '.join(known)}.")
    return [kind for kind in known if kind in asked]
