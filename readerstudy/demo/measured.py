"""What the demo's explanations were measured to be: fixtures/demo/measurements.json, so that its pages need no torch.

Written by `build_demo --measures` from the maps, strips and masks of the same folder, and restored with them.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from django.utils import timezone

from explain.evaluate.metrics import METRICS, Metric
from readerstudy.cases.loading.load import load_batch
from readerstudy.cases.loading.sources import open_source
from readerstudy.demo.fixtures import BATCH, restore_explanations
from readerstudy.explanations.evaluating import evaluate
from readerstudy.explanations.evidence import known, measurement_key
from readerstudy.explanations.models import Explanation, Measurement
from readerstudy.explanations.planning import Options

FILE = "measurements.json"
_DIGITS = 6  # significant


def measure_fixtures(folder: Path, metrics: Sequence[Metric], say: Callable[[str], object]) -> int:
    """Load the fixtures, measure their explanations and write what was found; returns how many values there are.

    Works in the database and media folder that the settings name, which must be empty. What is in the file of other
    metrics stays.
    """
    with open_source(folder / "manifest.csv") as source:
        batch = load_batch(source, BATCH, keep_source_ids=True, simulated=True).batch
    restored = restore_explanations(batch, folder)
    if (folder / FILE).exists():
        restore_measurements(restored, folder)
    rows = _with_cases([row.pk for row in restored])
    options = Options(device="cpu", force=True)
    done = evaluate(rows, metrics, options, lambda finished, total: say(f"{finished} of {total}"), say)
    for explanation, metric, why in done.failed:
        say(f"{explanation.prediction.case.source_id}, {explanation.kind}, {metric}: {why}")
    return _dump(rows, folder)


def restore_measurements(explanations: Sequence[Explanation], folder: Path) -> None:
    """Store what the file holds of these explanations, where the metric is still what it was."""
    stored = json.loads((folder / FILE).read_text(encoding="utf-8"))
    metrics = {
        name: METRICS[name]
        for name, entry in stored["metrics"].items()
        if name in METRICS and _constants(METRICS[name]) == {key: entry[key] for key in ("version", "parameters")}
    }
    found = {tuple(entry["of"]): entry for entry in stored["explanations"]}
    rows, now = [], timezone.now()
    for of in known(_with_cases([row.pk for row in explanations])):
        entry = found.get(_name(of.explanation), {"values": {}, "errors": {}})
        said: dict[str, dict[str, Any]] = {name: {"value": value} for name, value in entry["values"].items()}
        said |= {name: {"error": error} for name, error in entry["errors"].items()}
        rows += [
            Measurement(
                explanation=of.explanation,
                metric=name,
                key=measurement_key(metrics[name], of),
                device=stored["metrics"][name]["device"],
                measured_at=now,
                **_constants(metrics[name]),
                **taken,
            )
            for name, taken in said.items()
            if name in metrics
        ]
    Measurement.objects.bulk_create(rows, 500)


def _dump(explanations: Sequence[Explanation], folder: Path) -> int:
    """A line for each explanation."""
    metrics: dict[str, Any] = {}
    lines, count = [], 0
    for explanation in explanations:
        rows = list(explanation.measurements.filter(metric__in=list(METRICS)).order_by("metric"))
        for row in rows:
            metrics[row.metric] = {"version": row.version, "parameters": row.parameters, "device": row.device}
        values = {row.metric: float(f"{row.value:.{_DIGITS}g}") for row in rows if row.value is not None}
        errors = {row.metric: row.error for row in rows if row.error}
        lines.append(json.dumps({"of": _name(explanation), "values": values, "errors": errors}))
        count += len(rows)
    head = json.dumps({name: metrics[name] for name in METRICS if name in metrics}, indent=1)
    text = f'{{"metrics": {head},\n"explanations": [\n' + ",\n".join(lines) + "\n]}\n"
    (folder / FILE).write_text(text, encoding="utf-8")
    return count


def _with_cases(ids: Sequence[int]) -> list[Explanation]:
    rows = Explanation.objects.filter(pk__in=ids).select_related("prediction__case").prefetch_related("files")
    return list(rows.order_by("prediction__case_id", "pk"))


def _name(explanation: Explanation) -> tuple[str, str, str]:
    return explanation.prediction.case.source_id, explanation.prediction.pathology, explanation.kind


def _constants(metric: Metric) -> dict[str, Any]:
    return {"version": metric.version, "parameters": dict(metric.parameters)}
