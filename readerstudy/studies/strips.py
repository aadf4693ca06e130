"""Animations as a study shows them: as rendered, or completed so that every example has the same frames.

Completed, an animation has as many frames before and after the unchanged image as the longest of the study: its first
or its last frame is repeated. How far a search had to go says something about the prediction, so nothing may tell a
completed strip from one that needed nothing: not its address, its size in bytes or a header. Every strip of such a
study is therefore written anew, without compression, when it is served. Stored files stay as they are. No torch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import Any, TypeVar

import numpy as np
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from PIL import Image

from readerstudy.cases.media import public_name, serve, serve_bytes
from readerstudy.common.identity import keyed_hash
from readerstudy.explanations.colouring import shown_file
from readerstudy.explanations.models import Explanation, ExplanationFile
from readerstudy.studies.kinds_shown import kind_shown
from readerstudy.studies.models import Study
from readerstudy.studies.shown import AnimationFrames

Frame = TypeVar("Frame")


@dataclass(frozen=True)
class Walk:
    """Frames before and after the unchanged image; where an animation has none, all but its first are `after`."""

    before: int
    after: int
    has_unchanged: bool

    @property
    def frames(self) -> int:
        return self.before + 1 + self.after

    @property
    def unchanged(self) -> int | None:
        """Index of the frame that is the image unchanged."""
        return self.before if self.has_unchanged else None


def walk_of(lambdas: Sequence[float] | None, frames: int | None) -> Walk:
    """The walk of one animation, by its record."""
    lambdas = lambdas or []
    count = frames or len(lambdas) or 1
    if 0 in lambdas:
        before = list(lambdas).index(0)
        return Walk(before, count - 1 - before, True)
    return Walk(0, count - 1, False)


def own_walk(explanation: Explanation) -> Walk:
    return walk_of(explanation.record.get("lambdas"), explanation.record.get("frames"))


def walk_shown(study: Study, explanation: Explanation) -> Walk:
    """The walk that readers of the study see of an animation."""
    own = own_walk(explanation)
    if study.animation_frames != AnimationFrames.SAME:
        return own
    if study.protocol_sha256:
        return _frozen_walk(study.pk, study.protocol_sha256, explanation.kind) or own
    return _walk_of_all(study.pk, explanation.kind) or own


@lru_cache(maxsize=1024)
def _frozen_walk(study: int, protocol_sha256: str, kind: str) -> Walk | None:
    """Asked for with every example and the same for good: opening froze the explanations, and the hash names them."""
    return _walk_of_all(study, kind)


def _walk_of_all(study: int, kind: str) -> Walk | None:
    """The furthest walk of all examples; None where nothing is rendered. One query."""
    rows = Explanation.objects.filter(examples__study=study, kind=kind, status=Explanation.Status.DONE)
    walks = [walk_of(*row) for row in rows.values_list("record__lambdas", "record__frames")]
    if not walks:
        return None
    if not all(walk.has_unchanged for walk in walks):
        return Walk(0, max(walk.frames for walk in walks) - 1, False)
    return Walk(max(walk.before for walk in walks), max(walk.after for walk in walks), True)


def stretch(frames: Sequence[Frame], own: Walk, shown: Walk) -> list[Frame]:
    """One entry for each frame shown: the first and the last are repeated where the study's walk goes further."""
    before = shown.before - own.before if shown.has_unchanged else 0
    after = shown.frames - len(frames) - before
    return [*[frames[0]] * before, *frames, *[frames[-1]] * after]


def shown_sha256(study: Study, explanation: Explanation, file: ExplanationFile) -> str:
    """A keyed hash that names what is shown, without being the hash of a public picture."""
    if file.role != ExplanationFile.Role.STRIP or study.animation_frames != AnimationFrames.SAME:
        return keyed_hash("shown", file.sha256)
    return keyed_hash("shown", f"{file.sha256} {_shape(walk_shown(study, explanation))}")


def completed_strip(content: bytes, own: Walk, shown: Walk) -> bytes:
    """A strip (grey PNG, square frames one below the other or side by side) with the frames that are shown."""
    with Image.open(BytesIO(content)) as picture:
        pixels = np.asarray(picture.convert("L"))
    height, width = pixels.shape
    frames = np.split(pixels, max(1, width // height), axis=1) if width > height else np.split(pixels, height // width)
    stretched = np.concatenate(stretch(frames, own, shown))
    file = BytesIO()
    Image.fromarray(stretched).save(file, "PNG", compress_level=0)  # as many bytes whatever the frames hold
    return file.getvalue()


def serve_explanation_file(request: HttpRequest, study: Study, row: ExplanationFile) -> HttpResponseBase:
    """A file of an explanation as the study shows it."""
    if row.role != ExplanationFile.Role.STRIP or study.animation_frames != AnimationFrames.SAME:
        return serve(request, shown_file(row, kind_shown(study, row.explanation.kind).shows, study.heatmap_scale))
    explanation = row.explanation
    own, shown = own_walk(explanation), walk_shown(study, explanation)

    def completed() -> bytes:
        with row.file.open("rb") as file:
            return completed_strip(file.read(), own, shown)

    version = keyed_hash("etag", f"{public_name(row.file)} {_shape(shown)}")[:32]
    return serve_bytes(request, row.file, version, completed)


def _shape(walk: Walk) -> str:
    return f"{walk.before} {walk.after} {walk.has_unchanged}"


def animation_facts(study: Study, explanation: Explanation, frame_ms: int) -> dict[str, Any]:
    """What readers are told of an animation. Never its lambdas: their range goes with the truth."""
    record = explanation.record
    own, shown = own_walk(explanation), walk_shown(study, explanation)
    predictions = record.get("predictions") if study.frame_predictions_shown else None
    return {
        "frames": shown.frames,
        "unchanged_frame": shown.unchanged,
        "frame_ms": record.get("frame_ms", frame_ms),
        "frame_predictions": stretch(predictions, own, shown) if predictions else None,
    }
