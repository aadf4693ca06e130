"""The fixtures are what the demo models make today: a seeded sample is drawn, predicted and rendered again."""

import csv
import json
import random

import numpy as np
import pytest

from explain.demo.cases import demo_cases
from explain.images.radiograph import read_radiograph
from explain.methods.kinds import COMPARED_2021, KINDS
from explain.models.registry import load_autoencoder, load_classifier
from explain.render import pictures as render
from readerstudy.demo.fixtures import FOLDER, read_map, read_strip
from readerstudy.explanations.computing import compute
from readerstudy.explanations.parameters import RenderParameters

pytestmark = pytest.mark.torch
SAMPLE = random.Random(8).sample(range(24), 2)


@pytest.fixture(scope="module")
def manifest():
    with (FOLDER / "manifest.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_sample_is_drawn_predicted_and_rendered_alike(manifest):
    classifier, autoencoder = load_classifier("demo"), load_autoencoder("demo")
    stored = {
        (entry["image"], entry["kind"]): entry
        for entry in json.loads((FOLDER / "explanations.json").read_text("utf-8"))
    }
    cases = demo_cases()
    pictures = [read_radiograph(FOLDER / manifest[index]["image"]) for index in SAMPLE]
    for index, picture in zip(SAMPLE, pictures, strict=True):
        assert np.array_equal(cases[index].draw().pixels, picture.pixels)
    computed = compute(
        np.stack([picture.model_input() for picture in pictures]),
        [manifest[index]["pathology"] for index in SAMPLE],
        [kind for kinds in COMPARED_2021 for kind in kinds],
        classifier,
        autoencoder,
        RenderParameters().given,
        "cpu",
        8,
    )
    for index, made in zip(SAMPLE, computed, strict=True):
        row = manifest[index]
        at_x = made["integrated_gradients"].record["prediction_input"]
        assert at_x == pytest.approx(float(row["prediction"]), abs=1e-4)
        for kind, one in made.items():
            entry = stored[row["image"], kind]
            assert entry["weights_sha256"] == classifier.weights_sha256
            assert entry["algorithm_version"] == KINDS[kind].algorithm_version
            if "outputs" in one.record:
                for name in ("target", "output_names"):
                    assert one.record[name] == entry["record"][name]
                assert np.abs(np.subtract(one.record["outputs"], entry["record"]["outputs"])).max() < 1e-3
            if one.frames is not None:
                frames = render.frames_to_grey(one.frames)
                kept = read_strip(FOLDER / entry["strip"], len(frames))
                assert np.abs(frames.astype(int) - kept).mean() < 1
            kept_map = read_map(FOLDER / entry["map"])
            assert np.abs(one.map - kept_map).mean() * 255 / one.map.max() < 1
