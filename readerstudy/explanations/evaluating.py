"""Measure stored explanations by metrics of the registry, and keep what is found: one row for each metric of each.

Resumable: what was measured from the same evidence is left alone. Killed anywhere, a second run does the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from django.core.exceptions import ValidationError
from django.utils import timezone

from explain.errors import storable
from explain.evaluate.metrics import METRICS, Evidence, Metric
from explain.methods.kind import Value
from readerstudy.common.counting import counted
from readerstudy.explanations.evidence import PARTNER, Known, known, measurement_key, sent
from readerstudy.explanations.inference import Failed
from readerstudy.explanations.measuring import (
    COMPUTED,
    MANY,
    MODELS,
    Asked,
    FoundModels,
    Taken,
    Values,
    seconds_per_pass,
)
from readerstudy.explanations.measuring_with import MadeWith, models_for, partner_sha256
from readerstudy.explanations.models import Explanation, Measurement
from readerstudy.explanations.planning import Options

# What can be asked for in one word, each with all before it.
SCOPES = {
    "stored": "what is found from stored maps, masks and records",
    "model": "also what the classifier says of altered images",
    "all": "also what takes computing the explanations again, which may take hours",
}


@dataclass(frozen=True)
class Task:
    """One explanation and the metrics to measure of it."""

    of: Known
    metrics: tuple[Metric, ...]
    keys: dict[str, str]


@dataclass
class Measured:
    """What a run did. made, existing: values now and before. apart: explanations and metrics that do not go together.

    failed: (explanation, metric, why), now or before.
    """

    device: str = ""
    made: int = 0
    existing: int = 0
    apart: int = 0
    failed: list[tuple[Explanation, str, str]] = field(default_factory=list)


def scope_of(metric: Metric) -> str:
    """The first of SCOPES that has it."""
    if set(metric.needs) & set(COMPUTED):
        return "all"
    return "model" if set(metric.needs) & set(MODELS) else "stored"


def chosen_metrics(asked: Sequence[str]) -> list[Metric]:
    """Metrics by name, or by a word of SCOPES ("model" where nothing is asked). ValidationError for an unknown one."""
    names = list(SCOPES)
    if len(asked) < 2 and (word := asked[0] if asked else "model") in names:
        return [metric for metric in METRICS.values() if names.index(scope_of(metric)) <= names.index(word)]
    if unknown := sorted(set(asked) - set(METRICS)):
        raise ValidationError(
            f"No metric is called {', '.join(unknown)}; there are {', '.join(METRICS)}, and the words "
            f"{', '.join(names)}."
        )
    return [metric for metric in METRICS.values() if metric.name in asked]


def needs_torch(metrics: Iterable[Metric]) -> bool:
    return any(scope_of(metric) != "stored" for metric in metrics)


def touches_truth(metrics: Iterable[Metric]) -> bool:
    return any(metric.truth for metric in metrics)


def evaluate(
    explanations: Iterable[Explanation],
    metrics: Sequence[Metric],
    options: Options,
    progress: Callable[[int, int], object] = lambda done, total: None,
    say: Callable[[str], object] = lambda sentence: None,
) -> Measured:
    """Measure what is missing. Explanations come with `prediction__case` selected and `files` prefetched.

    progress: told how many explanations are done, of how many with something to do. say: gets the estimate of what
    takes long. Raises ModelsUnavailable when a model that is needed cannot be loaded.
    """
    result = Measured()
    tasks = list(_planned(known(explanations, partner_sha256(metrics, options)), metrics, options, result))
    done, total = 0, len(tasks)
    progress(0, total)
    for models, members in groupby(sorted(tasks, key=_neighbours), key=_models_of):
        same = list(members)
        found = models_for(models, _distinct(same), _computed_again(same), options)
        result.device = found.name
        if found.work.without:
            say(found.work.without)
        if estimate := _estimate(same, found, options):
            say(estimate)
        for count in _measure_all(same, found, options, result):
            done += count
            progress(done, total)
    return result


def _planned(of: Iterable[Known], metrics: Sequence[Metric], options: Options, result: Measured) -> Iterator[Task]:
    """What is left to do; what was done, and what does not go together, is counted in `result`."""
    listed = list(of)
    ids, names = [one.explanation.pk for one in listed], [metric.name for metric in metrics]
    rows = Measurement.objects.filter(explanation__in=ids, metric__in=names)
    have = {(row.explanation_id, row.metric): row for row in rows}
    for one in listed:
        left: dict[str, str] = {}
        for metric in metrics:
            if not one.has_what_it_takes(metric):
                result.apart += 1
                continue
            key, kept = measurement_key(metric, one), have.get((one.explanation.pk, metric.name))
            if kept is None or kept.key != key or options.force:
                left[metric.name] = key
                continue
            result.existing += 1
            if kept.error:
                result.failed.append((one.explanation, metric.name, kept.error))
        if left:
            yield Task(one, tuple(metric for metric in metrics if metric.name in left), left)


def _measure_all(tasks: list[Task], found: FoundModels, options: Options, result: Measured) -> Iterator[int]:
    """Measures and stores group by group; gives how many explanations each had."""
    groups = options.executor.run(
        found.work,
        [_asked(number, task) for number, task in enumerate(tasks)],
        lambda asked: sent(tasks[asked.number].of, _needs(tasks[asked.number].metrics)),
        MANY,
    )
    for group in groups:
        rows = []
        for one in group:
            task = tasks[one.item.number]
            output = one.output if not isinstance(one, Failed) else _failures(task, one.why, found.name)
            result.apart += len(task.metrics) - len(output.taken)
            for name, taken in output.taken.items():
                taken = replace(taken, error=storable(taken.error))
                rows.append(_row(task, name, taken, output.device))
                if taken.error:
                    result.failed.append((task.of.explanation, name, taken.error))
                else:
                    result.made += 1
        with options.writing():
            _keep(rows)
        yield len(group)


def _asked(number: int, task: Task) -> Asked:
    return Asked(number, task.of.explanation.prediction_id, tuple(metric.name for metric in task.metrics))


def _failures(task: Task, why: str, device: str) -> Values:
    return Values({metric.name: Taken(None, why, 0.0) for metric in task.metrics}, device)


def _row(task: Task, name: str, taken: Taken, device: str) -> Measurement:
    metric = METRICS[name]
    return Measurement(
        explanation=task.of.explanation,
        metric=name,
        key=task.keys[name],
        value=taken.value,
        error=taken.error,
        parameters=_parameters(metric, task.of),
        version=metric.version,
        seconds=taken.seconds,
        device=device,
        measured_at=timezone.now(),
    )


def _parameters(metric: Metric, of: Known) -> dict[str, Value]:
    """The metric's constants, and which autoencoder if the operator named it."""
    named = of.partner if "autoencoder" in metric.needs else ""
    return {**metric.parameters, **({PARTNER: named} if named else {})}


def _keep(rows: list[Measurement]) -> None:
    kept = ["key", "value", "error", "parameters", "version", "seconds", "device", "measured_at"]
    Measurement.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["explanation", "metric"], update_fields=kept
    )


def _needs(metrics: Iterable[Metric]) -> list[Evidence]:
    """What to read; computing an explanation again begins with the pixels."""
    found = dict.fromkeys(need for metric in metrics for need in metric.needs)
    return [*found, *(("pixels",) if set(found) & set(COMPUTED) and "pixels" not in found else ())]


def _distinct(tasks: Iterable[Task]) -> list[Metric]:
    return list({metric.name: metric for task in tasks for metric in task.metrics}.values())


def _computed_again(tasks: Iterable[Task]) -> set[str]:
    """Kinds that a metric has computed again: never what was rendered elsewhere."""
    return {task.of.explanation.kind for task in tasks if any(set(one.needs) & set(COMPUTED) for one in task.metrics)}


def _models_of(task: Task) -> MadeWith:
    row = task.of.explanation
    return MadeWith(row.model or row.prediction.model, row.autoencoder, row.generator)


def _neighbours(task: Task) -> tuple[MadeWith, int]:
    """Explanations of one prediction one after the other: metrics share what depends on the image alone."""
    return _models_of(task), task.of.explanation.prediction_id


def _estimate(tasks: Sequence[Task], found: FoundModels, options: Options) -> str:
    """How long it may take, from the metrics' own counts, a trial of the classifier, and how long rendering took."""
    passes = sum(metric.passes for task in tasks for metric in task.metrics if found.work.takes(metric))
    again = sum(metric.renders for task in tasks for metric in task.metrics)
    if not passes and not again:
        return ""
    seconds = sum(metric.renders * (task.of.explanation.seconds or 0.0) for task in tasks for metric in task.metrics)
    if passes and found.work.names:
        seconds += passes * options.executor.call(seconds_per_pass, found.work.names)
    time = counted(max(1, round(seconds)), "second") if seconds < 90 else counted(round(seconds / 60), "minute")
    work = [counted(passes, "image") + " through the classifier"] if passes else []
    work += [counted(again, "explanation") + " computed again"] if again else []
    return f"About {time} for {counted(len(tasks), 'explanation')}: {' and '.join(work)}."
