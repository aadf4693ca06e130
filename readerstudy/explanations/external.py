"""Explanations rendered by other tools: a manifest's columns `explanation:<kind>` (cases/loading/extensions.py)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from io import BytesIO

import numpy as np
from django.db.models import Model

from explain.images.checks import ImageError
from explain.images.radiograph import Radiograph
from explain.methods.kind import RESERVED, TAKEN_BY_THE_PAGE, Kind
from explain.methods.kinds import KINDS
from explain.render.made_elsewhere import read_animation, read_map
from explain.render.pictures import DISPLAY_SIZE, FRAME_MS, animation_gif, frame_strip, heat_layer, overlay
from explain.render.usable import UnusableMap
from readerstudy.cases.loading.extensions import Save, Texts
from readerstudy.cases.loading.problems import refuse
from readerstudy.cases.models import Batch, Prediction
from readerstudy.common.identity import keyed_hash
from readerstudy.common.version import software
from readerstudy.explanations.kinds import kind_named
from readerstudy.explanations.models import Explanation, ExplanationFile, ExternalKind

ANIMATION = ExternalKind.Shows.ANIMATION.value
_FORMS = {ExternalKind.Shows.STILL.value, ANIMATION}


def problem_with(kind: str) -> str:
    known = KINDS.get(kind)
    if known is not None:
        return "" if known.shows in _FORMS else f"a {known.shows} cannot be loaded; maps and animations can"
    if kind in RESERVED:
        return f"the kind's name {kind!r} {TAKEN_BY_THE_PAGE}"
    try:
        Kind(kind, kind, kind)
    except ValueError:
        return "a kind's name begins with a letter and has small letters, digits and _ (at most 40)"
    return ""


def news(kind: str) -> str:
    """What to say of a column before it is loaded: a name that nobody knew yet may be a slip."""
    return "" if kind_named(kind) else f"explanation:{kind} is new here: it becomes a kind rendered elsewhere"


def form(kind: str, content: bytes, seen: dict[str, str]) -> str:
    """What this kind shows, an animation or a still map: the first file of a new kind decides."""
    return seen.setdefault(kind, KINDS[kind].shows if kind in KINDS else _shown_by(content))


def decode(form: str, content: bytes, where: str, shape: tuple[int, int]) -> np.ndarray:
    """Frames of a GIF (uint8, 3 dimensions), or a map of a PNG or JPEG (float32, 2). Raises ImageError unless the file
    can be shown in this form. No query: uploads are checked in a process without a database."""
    if form == ANIMATION:
        return read_animation(content, where)
    values = read_map(content, where, shape)
    try:
        heat_layer(values)
    except UnusableMap as error:
        raise ImageError(where, str(error), "Render the map again") from None
    return values


def loaded(batch: Batch, kinds: Iterable[str], texts: Texts) -> None:
    """Make the rows of kinds that are new, and give kinds rendered elsewhere the texts that came with the batch.

    Called in the transaction that saves the batch, after its rows. BatchRefused for a kind whose earlier batches show
    something of another form.
    """
    for name in sorted(set(kinds) - set(KINDS)):
        title, what_is_this = texts.get(name, (name, f"{name}, a picture that another program made."))
        moves = ExplanationFile.objects.filter(
            explanation__prediction__case__batch=batch, explanation__kind=name, role=ExplanationFile.Role.STRIP
        ).exists()
        shows = ExternalKind.Shows.ANIMATION if moves else ExternalKind.Shows.STILL
        row, made = ExternalKind.objects.get_or_create(
            name=name, defaults={"title": title, "what_is_this": what_is_this, "shows": shows}
        )
        if row.shows != shows:
            raise refuse(f"explanation:{name} is known to show {row.get_shows_display()}", "Give these another name")
        if not made and name in texts:
            row.title, row.what_is_this = title, what_is_this
            row.save()


def _shown_by(content: bytes) -> str:
    return ANIMATION if content.startswith(b"GIF8") else ExternalKind.Shows.STILL.value


def store(
    kind: str, content: bytes, decoded: np.ndarray, prediction: Prediction, radiograph: Radiograph, save: Save
) -> Iterator[Model]:
    """The Explanation, then its files; only pixels are taken, so comments and text inside the file are gone."""
    explanation = Explanation(
        prediction=prediction,
        kind=kind,
        key=keyed_hash("explanation", content),
        status=Explanation.Status.DONE,
        external=True,
        algorithm_version=KINDS[kind].algorithm_version if kind in KINDS else 1,
        model=prediction.model,
        libraries=software(),
    )
    salt = f"{prediction.case.public_id} {prediction.pathology} {kind}"
    if decoded.ndim == 3:
        count, height, width = decoded.shape
        explanation.record = {"frames": count, "lambdas": [], "frame_ms": FRAME_MS}
        files = [
            (ExplanationFile.Role.GIF, animation_gif(decoded), "gif", width, height),
            (ExplanationFile.Role.STRIP, frame_strip(decoded), "png", width, height * count),
        ]
    else:
        array = BytesIO()
        np.save(array, decoded)
        save(explanation.map, array.getvalue(), ".npy", salt)
        height, width = decoded.shape
        files = [
            (ExplanationFile.Role.LAYER, heat_layer(decoded), "png", width, height),
            (ExplanationFile.Role.OVERLAY, overlay(radiograph, decoded), "png", DISPLAY_SIZE, DISPLAY_SIZE),
        ]
    yield explanation
    for role, made, form, wide, high in files:
        file = ExplanationFile(explanation=explanation, role=role, format=f"image/{form}", width=wide, height=high)
        file.sha256 = hashlib.sha256(made).hexdigest()
        save(file.file, made, f".{form}", f"{salt} {role}")
        yield file
