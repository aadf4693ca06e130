"""What a metric may need of a stored explanation: whether it is there, what identifies it, reading it. No torch."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from PIL import Image

from explain.evaluate.localisation import mask_to_model_frame
from explain.evaluate.metrics import Evidence, Metric
from explain.images.radiograph import Crop
from explain.methods.kinds import KINDS
from explain.render.pictures import FRAME_WINDOW
from readerstudy.cases.loading.records import UNNAMED_MODEL
from readerstudy.cases.models import Case, Truth
from readerstudy.explanations.inputs import radiograph
from readerstudy.explanations.measuring import Read, Sent
from readerstudy.explanations.models import Explanation, ExplanationFile, Measurement

PARTNER = "autoencoder_sha256"  # among a measurement's parameters: of the one that the operator named for it


@dataclass(frozen=True)
class Known:
    """An explanation, and what is known of its pathology in its case (None: nothing).

    partner: hash of the autoencoder that the operator named to measure with, of an explanation made without any; "" is
    the classifier's own.
    """

    explanation: Explanation
    truth: Truth | None
    partner: str = ""

    @property
    def case(self) -> Case:
        return self.explanation.prediction.case

    @cached_property
    def strip(self) -> ExplanationFile | None:
        """The file of its frames."""
        return next((file for file in self.explanation.files.all() if file.role == ExplanationFile.Role.STRIP), None)

    def identity(self, need: Evidence) -> Any:
        """What the evidence is made of, as JSON; empty where there is none. Names of files tell their content."""
        row, truth, case = self.explanation, self.truth, self.case
        kind = KINDS.get(row.kind)
        here = not row.external and kind is not None and kind.compute
        crop = [case.crop_x, case.crop_y, case.crop_size]
        model = row.model or row.prediction.model
        named = "" if model == UNNAMED_MODEL else model
        found: dict[Evidence, Any] = {
            "map": row.map.name,
            "frames": self.strip.sha256 if self.strip else "",
            "mask": [truth.mask.name, crop] if truth and truth.mask else "",
            "confounder": [truth.confounder.name, crop] if truth and truth.confounder else "",
            "pixels": case.pixel_sha256 if case.pixels else "",
            "render": row.key if here else "",
            "signed": row.key if here and kind is not None and kind.signed else "",
            "classifier": named and (row.weights_sha256 or row.prediction.weights_sha256 or model),
            "autoencoder": named and (row.autoencoder_sha256 or self.partner or f"of {model}"),
            "generator": row.generator_sha256,
        }
        return found.get(need, "")

    def has_what_it_takes(self, metric: Metric) -> bool:
        """Whether all that the metric needs is stored, or can be computed."""
        kept = all(self.explanation.record.get(name) is not None for name in metric.records)
        return kept and all(self.identity(need) for need in metric.needs)


def known(explanations: Iterable[Explanation], partner: str = "") -> list[Known]:
    """With their truths: two queries more. The explanations come with `prediction__case` selected.

    partner: as Known's, for those that were made without an autoencoder.
    """
    rows = list(explanations)
    cases = {row.prediction.case_id for row in rows}
    truths = {(one.case_id, one.pathology): one for one in Truth.objects.filter(case__in=cases)}
    return [
        Known(row, truths.get((row.prediction.case_id, row.prediction.pathology)), "" if row.autoencoder else partner)
        for row in rows
    ]


def measurement_key(metric: Metric, of: Known) -> str:
    """Hash of the metric, its version and parameters, and of all that it is measured from."""
    parts = [
        metric.name,
        metric.version,
        dict(metric.parameters),
        of.explanation.prediction.pathology,
        {need: of.identity(need) for need in metric.needs},
        {name: of.explanation.record.get(name) for name in metric.records},
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def is_current(measurement: Measurement, metric: Metric, of: Known) -> bool:
    """Whether measuring so again would find the same: the mask, the map and the metric are those of then."""
    then = replace(of, partner=str(measurement.parameters.get(PARTNER, "")))
    return measurement.key == measurement_key(metric, then)


def read(of: Known, needs: Sequence[Evidence]) -> Read:
    """What is stored of `needs`, each by itself; called in threads."""
    found = Read({}, {})
    for need in needs:
        if need in _READERS and of.identity(need):
            try:
                found.arrays[need] = _READERS[need](of)
            except (OSError, ValueError, KeyError) as error:
                found.problems[need] = f"the {need} cannot be read: {error}"
    return found


def sent(of: Known, needs: Sequence[Evidence]) -> Sent:
    """What whoever measures gets of an explanation; called in threads."""
    row = of.explanation
    return Sent(
        prediction=row.prediction_id,
        pathology=row.prediction.pathology,
        kind=row.kind,
        parameters=row.parameters,
        record=row.record,
        weights_sha256=row.weights_sha256 or row.prediction.weights_sha256,
        autoencoder_sha256=row.autoencoder_sha256,
        generator_sha256=row.generator_sha256,
        read=read(of, needs),
    )


def _map(of: Known) -> np.ndarray:
    values: np.ndarray = np.load(io.BytesIO(_content(of.explanation.map)), allow_pickle=False)
    return values


def _frames(of: Known) -> np.ndarray:
    """float32 (F, H, W) in the model's range, to the grey level that is stored."""
    assert of.strip is not None
    with Image.open(io.BytesIO(_content(of.strip.file))) as picture:
        stacked = np.asarray(picture)
    low, high = FRAME_WINDOW
    frames = stacked.reshape(of.explanation.record["frames"], -1, stacked.shape[1])
    return (frames * np.float32((high - low) / 255) + np.float32(low)).astype(np.float32)


def _pixels(of: Known) -> np.ndarray:
    pixels: np.ndarray = radiograph(of.case).model_input()[0]
    return pixels


def _mask(of: Known) -> np.ndarray:
    assert of.truth is not None
    return read_mask(of.truth.mask, of.case)


def _confounder(of: Known) -> np.ndarray:
    assert of.truth is not None
    return read_mask(of.truth.confounder, of.case)


_READERS: dict[Evidence, Callable[[Known], np.ndarray]] = {
    "map": _map,
    "frames": _frames,
    "pixels": _pixels,
    "mask": _mask,
    "confounder": _confounder,
}


def read_mask(field: Any, case: Case) -> np.ndarray:
    """A stored mask of a truth as bool (224, 224) in the model's field of view. Raises OSError, ValueError."""
    with Image.open(io.BytesIO(_content(field))) as picture:
        drawn = np.asarray(picture.convert("L"))
    crop = Crop(case.crop_x, case.crop_y, case.crop_size) if case.crop_size else None
    return mask_to_model_frame(drawn, crop)


def _content(field: Any) -> bytes:
    with field.storage.open(str(field.name)) as file:  # a handle of our own: this runs in threads
        content: bytes = file.read()
    return content
