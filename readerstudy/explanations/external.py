"""Explanations rendered by other tools: a manifest's columns `explanation:<kind>` (cases/loading/extensions.py)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import numpy as np
from django.db.models import Model

from explain.images.checks import ImageError
from explain.images.radiograph import Radiograph
from explain.methods.kinds import KINDS
from explain.render.checks import UnusableMap
from explain.render.pictures import DISPLAY_SIZE, FRAME_MS, animation_gif, frame_strip, heat_layer, overlay
from explain.render.rendered import read_animation, read_map
from readerstudy.cases.models import Prediction
from readerstudy.common.identity import keyed_hash
from readerstudy.common.version import software
from readerstudy.explanations.models import Explanation, ExplanationFile

Save = Callable[[Any, bytes, str, str], str]


def problem_with(kind: str) -> str:
    return "" if kind in KINDS else f"there is no such kind of explanation; there are {', '.join(KINDS)}"


def check(kind: str, content: bytes, where: str, radiograph: Radiograph) -> None:
    """Raises ImageError unless the file can be shown as this kind: GIF for animations, PNG or JPEG for maps."""
    if KINDS[kind].animated:
        read_animation(content, where)
        return
    try:
        heat_layer(read_map(content, where, radiograph.pixels.shape))
    except UnusableMap as error:
        raise ImageError(where, str(error), "Render the map again") from None


def store(kind: str, content: bytes, prediction: Prediction, radiograph: Radiograph, save: Save) -> Iterator[Model]:
    """The Explanation, then its files; only pixels are taken, so comments and text inside the file are gone."""
    explanation = Explanation(
        prediction=prediction,
        kind=kind,
        key=keyed_hash("explanation", content),
        status=Explanation.Status.DONE,
        external=True,
        algorithm_version=KINDS[kind].algorithm_version,
        model=prediction.model,
        libraries=software(),
    )
    salt = f"{prediction.case.public_id} {prediction.pathology} {kind}"
    if KINDS[kind].animated:
        frames = read_animation(content)
        count, height, width = frames.shape
        explanation.record = {"frames": count, "lambdas": [], "frame_ms": FRAME_MS}
        files = [
            (ExplanationFile.Role.GIF, animation_gif(frames), "gif", width, height),
            (ExplanationFile.Role.STRIP, frame_strip(frames), "png", width, height * count),
        ]
    else:
        values = read_map(content, radiograph_shape=radiograph.pixels.shape)
        array = BytesIO()
        np.save(array, values)
        save(explanation.map, array.getvalue(), ".npy", salt)
        height, width = values.shape
        files = [
            (ExplanationFile.Role.LAYER, heat_layer(values), "png", width, height),
            (ExplanationFile.Role.OVERLAY, overlay(radiograph, values), "png", DISPLAY_SIZE, DISPLAY_SIZE),
        ]
    yield explanation
    for role, made, form, wide, high in files:
        file = ExplanationFile(explanation=explanation, role=role, format=f"image/{form}", width=wide, height=high)
        file.sha256 = hashlib.sha256(made).hexdigest()
        save(file.file, made, f".{form}", f"{salt} {role}")
        yield file
