"""Explanations with real maps and truths with masks, to measure; and metrics of tests. No torch."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from explain.evaluate.metrics import METRICS, Metric, Subject
from readerstudy.cases.models import Batch, save_file
from readerstudy.explanations.encoding import map_bytes
from readerstudy.explanations.keeping import Provenance, store
from readerstudy.explanations.models import Explanation
from readerstudy.studies.models import Study
from tests.builders import add_image, make_batch, make_study

KINDS = ("input_gradient", "latentshift_map")
BOX = slice(40, 80)  # rows and columns of every mask, of 240


def mean_of_map(subject: Subject) -> float:
    """A metric that needs neither mask nor model."""
    return float(subject.array("map").mean())


def probability(subject: Subject) -> float:
    """One that needs the classifier: the probability of what is explained, of the radiograph itself."""
    import torch

    x = torch.from_numpy(subject.array("pixels"))[None, None]
    with torch.inference_mode():
        return float(subject.models["classifier"](x)[0, subject.target])


def unlike(subject: Subject) -> float:
    """One that breaks as a package's may."""
    raise TypeError("this metric is broken")


MEAN = Metric("mean_of_map", "Mean of the map", ("map",), "lower", "a test", "tests.measured:mean_of_map")
OF_MODEL = Metric(
    "probability", "Probability", ("pixels", "classifier"), "higher", "a test", "tests.measured:probability", passes=1
)
BROKEN = Metric("unlike", "Broken", ("map",), "lower", "a test", "tests.measured:unlike")


def add_metrics(monkeypatch, *metrics: Metric) -> None:
    """As an installed package would."""
    for metric in metrics:
        monkeypatch.setitem(METRICS._found[0], metric.name, metric)


def give_images_and_masks(batch: Batch) -> None:
    """240 x 240 images; the present findings have a mask, the absent ones a confounder at the same place."""
    for seed, case in enumerate(batch.cases.order_by("pk")):
        add_image(case, seed)
        truth = case.truths.get()
        save_file(truth.mask if truth.label else truth.confounder, mask_png(), ".png", case.public_id)
        truth.save()


def measured_study(monkeypatch) -> Study:
    """Two true and two false positives with two kinds of map each."""
    add_metrics(monkeypatch, MEAN, OF_MODEL)
    batch = make_batch("seen", cases=4)
    give_images_and_masks(batch)
    explanations = explain_batch(batch)
    study = make_study(batch=batch)
    for example in study.examples.all():
        example.explanations.set([row for row in explanations if row.prediction_id == example.prediction_id])
    return study


def mask_png() -> bytes:
    inside = np.zeros((240, 240), np.uint8)
    inside[BOX, BOX] = 255
    file = io.BytesIO()
    Image.fromarray(inside).save(file, "PNG")
    return file.getvalue()


def explain_batch(batch: Batch, kinds: tuple[str, ...] = KINDS) -> list[Explanation]:
    """A map of seeded noise for each prediction and kind; the first kind's is highest inside the mask."""
    made = []
    for case in batch.cases.order_by("pk"):
        for place, kind in enumerate(kinds):
            (prediction,) = case.predictions.all()
            values = np.random.default_rng([prediction.pk, place]).random((224, 224)).astype(np.float32)
            values[37:75, 37:75] += 1 - place
            provenance = Provenance({}, 1, "demo", "w" * 64, "", "", "cpu")
            made.append(store(prediction, kind, f"key {kind}", provenance, map_npy=map_bytes(values)))
    return made
