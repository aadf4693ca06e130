"""The table `measures`: what metrics say of the scored examples' explanations. Masks went into some: it tells truth."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from explain.evaluate.metrics import METRICS
from readerstudy.exchange.dictionary import MEASURES
from readerstudy.explanations.evidence import Known, is_current, known, read_mask
from readerstudy.explanations.models import Explanation, Measurement
from readerstudy.reading.models import Exclusion
from readerstudy.studies.composition import truths_of
from readerstudy.studies.models import Study

_TRUTHS = {True: "TP", False: "FP", None: ""}


def measure_rows(study: Study) -> Iterator[dict[str, Any]]:
    """One dict per scored example, kind and metric, keys as dictionary.MEASURES."""
    left_out = Exclusion.objects.filter(study=study, lifted_at=None).exclude(example=None)
    excluded, truths = set(left_out.values_list("example_id", flat=True)), truths_of(study)
    methods = list(study.methods.order_by("position"))
    examples = {one.prediction_id: one for one in study.examples.filter(practice=False).order_by("number")}
    for of in _explanations(study, examples):
        row, example = of.explanation, examples[of.explanation.prediction_id]
        about = {
            "study": study.slug,
            "protocol_version": study.protocol_version,
            "example": str(example.number),
            "case": of.case.public_id,
            "patient_key": of.case.patient_key,
            "pathology": row.prediction.pathology,
            "truth": _TRUTHS[truths.get((of.case.pk, row.prediction.pathology))],
            "excluded": int(example.pk in excluded),
            "kind": row.kind,
            "methods": " ".join(method.key for method in methods if row.kind in method.kinds),
        }
        chance: dict[str, float | None] = {}
        for measurement in row.measurements.all():
            done = about | _of_measurement(measurement, of, chance)
            yield {column.name: done[column.name] for column in MEASURES}


def _explanations(study: Study, examples: dict[int, Any]) -> list[Known]:
    rows = Explanation.objects.filter(
        examples__study=study, prediction__in=list(examples), status=Explanation.Status.DONE
    ).select_related("prediction__case")
    found = known(rows.distinct().prefetch_related("files", "measurements"))
    return sorted(found, key=lambda of: (examples[of.explanation.prediction_id].number, of.explanation.kind))


def _of_measurement(row: Measurement, of: Known, chance: dict[str, float | None]) -> dict[str, Any]:
    metric = METRICS.get(row.metric)
    found: dict[str, Any] = {
        "metric": row.metric,
        "value": row.value,
        "chance": None,
        "error": row.error,
        "current": int(metric is not None and is_current(row, metric, of)),
        "parameters": json.dumps(row.parameters, sort_keys=True),
        "version": row.version,
        "device": row.device,
        "measured_at": row.measured_at.isoformat(timespec="seconds"),
    }
    if metric is not None and "confounder" in metric.needs and row.value is not None:
        if "confounder" not in chance:
            chance["confounder"] = _area(of)
        found["chance"] = chance["confounder"]
    return found


def _area(of: Known) -> float | None:
    """The confounder's share of what the model sees: where an even map would be."""
    if of.truth is None or not of.truth.confounder:
        return None
    try:
        return float(np.mean(read_mask(of.truth.confounder, of.case)))
    except (OSError, ValueError):
        return None
