"""evaluate: measure the explanations that a study shows, or all of a batch. Truth that goes into it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.db.models import QuerySet

from explain.evaluate.metrics import Metric
from readerstudy.accounts.models import User
from readerstudy.cases.models import Batch, Case
from readerstudy.explanations.evaluating import Measured, evaluate, touches_truth
from readerstudy.explanations.models import Explanation
from readerstudy.explanations.planning import Options
from readerstudy.studies import looking
from readerstudy.studies.models import Study

Shard = tuple[int, int]


def of_study(study: Study) -> QuerySet[Explanation]:
    """The explanations that its examples show, practice included."""
    return _done().filter(examples__study=study).distinct()


def of_batch(batch: Batch) -> QuerySet[Explanation]:
    """All that are stored for its cases."""
    return _done().filter(prediction__case__batch=batch)


def record_touch(explanations: QuerySet[Explanation], metrics: Sequence[Metric], user: User | None, why: str) -> None:
    """Truth goes into some metrics, and what is measured may tell it: in open studies the reason is recorded.

    ValidationError without one, and for whoever reads the same radiographs in a study that is not closed.
    """
    if touches_truth(metrics):
        cases = Case.objects.filter(pk__in=explanations.order_by().values("prediction__case"))
        looking.record_measuring(cases, user, why)


def evaluate_part(
    explanations: QuerySet[Explanation],
    metrics: Sequence[Metric],
    shard: Shard,
    options: Options,
    progress: Callable[[int, int], object] = lambda done, total: None,
    say: Callable[[str], object] = lambda sentence: None,
) -> Measured:
    """Measure the i-th of n parts: whole cases, the same ones whatever the others have done."""
    index, count = shard
    rows = list(explanations)
    cases = sorted({row.prediction.case_id for row in rows})
    mine = set(cases[index - 1 :: count])
    return evaluate([row for row in rows if row.prediction.case_id in mine], metrics, options, progress, say)


def _done() -> QuerySet[Explanation]:
    rows = Explanation.objects.filter(status=Explanation.Status.DONE)
    return rows.select_related("prediction__case").prefetch_related("files").order_by("prediction__case_id", "pk")
