"""Measures of a study's explanations for its researchers, worst first: what to look at before the study opens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet

from explain.evaluate.metrics import METRICS, Metric, label_free
from explain.methods.kind import Kind
from readerstudy.explanations.evidence import Known, is_current, known
from readerstudy.explanations.models import Explanation, Measurement
from readerstudy.studies.kind_pictures import picture_url
from readerstudy.studies.kinds_shown import kind_shown, kinds_shown
from readerstudy.studies.models import Example, Study
from readerstudy.studies.navigation import address

_PER_PAGE = 12


@dataclass(frozen=True)
class Figure:
    """One metric of one explanation. current: whether map, mask and metric are still those that were measured."""

    metric: Metric
    value: float | None
    error: str
    current: bool


@dataclass(frozen=True)
class MeasuredExplanation:
    """One explanation of an example: its picture ("" where there is none), the figure it is ordered by, the others."""

    example: Example
    kind: Kind
    picture: str
    preview: str
    first: Figure
    others: list[Figure]


@dataclass(frozen=True)
class MeasuresShown:
    """metrics, kinds: what can be chosen; metric: the one ordered by, None where nothing is measured yet.

    hidden: whether metrics that tell the truth are left out.
    """

    metrics: list[Metric]
    kinds: list[Kind]
    metric: Metric | None
    kind: str
    rows: list[MeasuredExplanation]
    page: Page[int] | None
    hidden: bool

    @property
    def link(self) -> str:
        """The query of the other pages, but for their number."""
        return f"by={self.metric.name}&kind={self.kind}" if self.metric else ""


def measures_shown(study: Study, asked: Mapping[str, str], with_truth: bool) -> MeasuresShown:
    """asked: `by` (a metric), `kind` and `page`, as the address has them; what it cannot mean is left out.

    Without truth only metrics that tell nothing of it are there, to see or to order by.
    """
    stored = _scored(study)
    names = set(stored.order_by().values_list("metric", flat=True).distinct())
    free = set(label_free())
    metrics = [metric for metric in METRICS.values() if metric.name in names and (with_truth or metric.name in free)]
    kinds = kinds_shown(study)
    chosen = next((metric for metric in metrics if metric.name == asked.get("by")), metrics[0] if metrics else None)
    kind = asked.get("kind", "") if asked.get("kind", "") in {one.name for one in kinds} else ""
    if chosen is None:
        return MeasuresShown(metrics, kinds, None, kind, [], None, not with_truth)
    page = _worst_first(stored, chosen, kind, asked.get("page", "1"))
    return MeasuresShown(metrics, kinds, chosen, kind, _rows(study, page, chosen, metrics), page, not with_truth)


def _scored(study: Study) -> QuerySet[Measurement]:
    return Measurement.objects.filter(
        explanation__examples__in=study.examples.filter(practice=False), explanation__status=Explanation.Status.DONE
    )


def _worst_first(stored: QuerySet[Measurement], metric: Metric, kind: str, number: str) -> Page[int]:
    """Ids of explanations; those that could not be measured come last."""
    rows = stored.filter(metric=metric.name, **({"explanation__kind": kind} if kind else {})).order_by("explanation")
    values = dict(rows.values_list("explanation", "value"))
    worst = 1 if metric.better == "higher" else -1
    ordered = sorted(values, key=lambda pk: (values[pk] is None, worst * (values[pk] or 0.0), pk))
    return Paginator(ordered, _PER_PAGE).get_page(number)


def _rows(study: Study, page: Page[int], first: Metric, metrics: list[Metric]) -> list[MeasuredExplanation]:
    explanations = Explanation.objects.filter(pk__in=list(page)).select_related("prediction__case")
    of = {one.explanation.pk: one for one in known(explanations.prefetch_related("files"))}
    examples = {
        example.prediction_id: example for example in study.examples.filter(practice=False).select_related("prediction")
    }
    figures: dict[int, dict[str, Figure]] = {}
    by_name = {metric.name: metric for metric in metrics}
    for row in Measurement.objects.filter(explanation__in=list(of), metric__in=list(by_name)):
        metric, one = by_name[row.metric], of[row.explanation_id]
        figure = Figure(metric, row.value, row.error, is_current(row, metric, one))
        figures.setdefault(row.explanation_id, {})[row.metric] = figure
    return [_row(study, examples, of[pk], figures[pk], first, metrics) for pk in page]


def _row(
    study: Study,
    examples: Mapping[int, Example],
    of: Known,
    figures: Mapping[str, Figure],
    first: Metric,
    metrics: list[Metric],
) -> MeasuredExplanation:
    example, kind = examples[of.explanation.prediction_id], kind_shown(study, of.explanation.kind)
    return MeasuredExplanation(
        example=example,
        kind=kind,
        picture=picture_url(study, kind, of.explanation),
        preview=address("preview", study.slug, example.number),
        first=figures[first.name],
        others=[figures[metric.name] for metric in metrics if metric is not first and metric.name in figures],
    )
