"""Frames against the classifier, the image and the autoencoder; contributions against the prediction."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from explain.evaluate.metrics import METRICS, Subject
from explain.evaluate.subjects import Renderer, subject_of
from explain.methods.kinds import KINDS
from explain.testing import images, tiny_models
from tests.explain.evaluate.small import Halves, Weighted

IMAGE = np.array([[4, 3], [2, 1]], np.float32)
FRAMES = np.stack([IMAGE * 2, IMAGE + 1, IMAGE * 4])
SUBJECT = Subject(
    frames=FRAMES, pixels=IMAGE, models={"classifier": Weighted(np.full((2, 2), 0.1)), "autoencoder": Halves()},
    record={"lambdas": [-3.0, 0.0, 3.0], "completeness_gap": -0.02},
)  # fmt: skip


def test_frames_follow_the_classifier() -> None:
    follow = METRICS["frames_follow_classifier"]
    assert follow.measure(SUBJECT) == pytest.approx(0.5)  # f is 2, 1.4, 4: ranks 2 1 3
    assert follow.measure(replace(SUBJECT, frames=np.sort(FRAMES, axis=0))) == 1
    with pytest.raises(ValueError, match="one frame only"):
        follow.measure(replace(SUBJECT, frames=FRAMES[:1]))
    with pytest.raises(ValueError, match="the same for all frames"):
        follow.measure(replace(SUBJECT, frames=FRAMES[[0, 0]]))


def test_the_unchanged_frame_is_compared_with_the_image() -> None:
    keep = METRICS["frames_keep_image"]
    assert keep.measure(SUBJECT) == pytest.approx(1 / 2048)
    with pytest.raises(ValueError, match="3 frames, and 2 lambdas"):
        keep.measure(replace(SUBJECT, record={"lambdas": [0, 1]}))
    with pytest.raises(ValueError, match="record's lambdas"):
        keep.measure(replace(SUBJECT, record={}))


def test_end_frames_are_as_easily_redrawn() -> None:
    assert METRICS["frames_look_real"].measure(SUBJECT) == pytest.approx((2 + 4) / 2)


def test_reconstruction_effect_and_completeness() -> None:
    assert METRICS["reconstruction_effect"].measure(SUBJECT) == pytest.approx(0.5)  # f falls from 1 to a half
    assert METRICS["completeness_gap"].measure(SUBJECT) == 0.02
    assert METRICS["completeness_gap"].lacks(Subject()) == ["record's completeness_gap"]


def test_kinds_become_subjects_with_what_they_have() -> None:
    models, pixels = tiny_models(), images(1)[0, 0].numpy()
    found = {}
    for name in ("input_gradient", "integrated_gradients", "latentshift_animation", "latentshift_flow"):
        render = Renderer(KINDS[name], 1)
        found[name] = subject_of(render(pixels[None], models)[0], render, pixels, models)
    signed = found["input_gradient"].signed
    assert signed is not None and np.abs(signed) == pytest.approx(found["input_gradient"].map)
    rises = found["integrated_gradients"].signed  # attribution = rise times pixel
    assert rises is not None and np.abs(rises * pixels) == pytest.approx(found["integrated_gradients"].map, abs=1e-7)
    assert found["latentshift_flow"].map is not None and found["latentshift_flow"].frames is None
    follow = METRICS["frames_follow_classifier"]
    assert follow.measure(found["latentshift_animation"]) > 0.9
    assert follow.lacks(found["input_gradient"]) == ["frames"]
