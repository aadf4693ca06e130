"""Planning a run: what is there already, what came rendered from elsewhere, and what is left to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from django.db import transaction

from explain.methods.kind import Need
from readerstudy.cases.models import Prediction
from readerstudy.explanations.chosen import Chosen
from readerstudy.explanations.executors.contract import Executor
from readerstudy.explanations.executors.local import Here
from readerstudy.explanations.models import Explanation


@dataclass(frozen=True)
class Options:
    """Of one run. batch_size 0 means: found by trying. force: render again what exists and what failed.

    writing: the transaction in which rows are written (a worker's holds its lease). executor: who computes.
    keep: ids of explanations that force leaves alone. classifier, autoencoder, generator: named at the command line, so
    that they may be paths; "" is the model that the predictions name, what the study has chosen, and else the
    classifier's own partner. chosen: what the study has chosen, by need; weights other than its are refused.
    """

    device: str = "auto"
    batch_size: int = 0
    force: bool = False
    keep: frozenset[int] = frozenset()
    classifier: str = ""
    weights: Path | None = None
    autoencoder: str = ""
    autoencoder_weights: Path | None = None
    generator: str = ""
    chosen: Mapping[Need, Chosen] = field(default_factory=dict)
    writing: Callable[[], AbstractContextManager[None]] = transaction.atomic
    executor: Executor = field(default_factory=Here)

    def named(self, need: Need) -> str:
        """The autoencoder or generator that the operator names, or else the study; "" where nobody does."""
        by_operator = {"autoencoder": self.autoencoder, "generator": self.generator}[need]
        return by_operator or (self.chosen[need].name if need in self.chosen else "")


@dataclass
class Rendered:
    """What a run did. `explanations` has one entry per prediction and kind that now exists, failed ones included."""

    device: str = ""
    made: int = 0
    existing: int = 0
    failed: list[tuple[Prediction, str, str]] = field(default_factory=list)
    explanations: list[Explanation] = field(default_factory=list)


@dataclass(frozen=True)
class ToRender:
    prediction: Prediction
    kinds: tuple[str, ...]
    keys: dict[str, str]


def rendered_elsewhere(
    predictions: Sequence[Prediction], kinds: Sequence[str], result: Rendered
) -> set[tuple[int, str]]:
    """(prediction, kind) pairs that came with the batch, rendered by another tool: they are kept and never remade."""
    rows = Explanation.objects.filter(prediction__in=[p.pk for p in predictions], kind__in=kinds, external=True)
    result.explanations += rows
    result.existing += len(rows)
    return {(row.prediction_id, row.kind) for row in rows}


def plan(
    predictions: Sequence[Prediction],
    kinds: Sequence[str],
    rendered_elsewhere: set[tuple[int, str]],
    key: Callable[[Prediction, str], str],
    options: Options,
    result: Rendered,
) -> list[ToRender]:
    """What is left to do, sorted so that a batch needs the same kinds."""
    wanted = {prediction.pk: {kind: key(prediction, kind) for kind in kinds} for prediction in predictions}
    have = {
        (row.prediction_id, row.kind): row
        for row in Explanation.objects.filter(prediction__in=list(wanted), kind__in=kinds, external=False)
        if row.key == wanted[row.prediction_id][row.kind]
    }
    jobs = []
    for prediction in predictions:
        todo = []
        for kind in kinds:
            if (prediction.pk, kind) in rendered_elsewhere:
                continue
            kept = have.get((prediction.pk, kind))
            if kept is None or (options.force and kept.pk not in options.keep):
                todo.append(kind)
                continue
            result.existing += 1
            result.explanations.append(kept)
            if kept.status == Explanation.Status.FAILED:
                result.failed.append((prediction, kind, kept.error))
        if todo:
            jobs.append(ToRender(prediction, tuple(todo), wanted[prediction.pk]))
    return sorted(jobs, key=lambda job: job.kinds)
