"""Heat-map layers in another colour scale than the one they are stored in: made from the float map, and kept.

Colour is no part of an explanation's key: nothing is rendered again for it. A layer is coloured when it is first
asked for (some 20 ms) and kept in the media folder beside the stored one; what is lost there is made again.
"""

from io import BytesIO
from pathlib import PurePosixPath

import numpy as np
from django.core.files.base import ContentFile
from django.db.models.fields.files import FieldFile

from explain.methods.kind import Form
from explain.render.colour_scales import PUBLISHED, SCALES, ColourScale
from explain.render.pictures import heat_layer
from readerstudy.common.refusals import NotFound
from readerstudy.explanations.models import Explanation, ExplanationFile
from readerstudy.explanations.panel_forms import FORMS


def scale_shown(explanation: Explanation | None, shows: Form, wanted: str) -> ColourScale:
    """The scale in which a map is shown where its study shows its kind in this form and wants the scale of this name.

    Pictures that another tool rendered stay as they were loaded, and so does a layer that came without its map.
    """
    if explanation is None or explanation.external or not explanation.map or not FORMS[shows].coloured:
        return PUBLISHED
    return SCALES[wanted]


def shown_file(file: ExplanationFile, shows: Form, wanted: str) -> FieldFile:
    """What such a study shows for a stored file: for a layer, the coloured one."""
    scale = scale_shown(file.explanation, shows, wanted)
    if file.role != ExplanationFile.Role.LAYER or scale is PUBLISHED:
        return file.file
    return coloured_layer(file.explanation, scale)


def coloured_layer(explanation: Explanation, scale: ColourScale) -> FieldFile:
    """The map's layer in the scale's colours, a file of the storage. Raises NotFound: the map is lost or damaged."""
    field, storage = explanation.map, explanation.map.storage
    stem = PurePosixPath(field.name or "").stem  # a keyed hash of the map: another map has another name
    name = f"layers/{stem[:2]}/{stem}-{scale.name}.png"
    if not storage.exists(name):
        saved = storage.save(name, ContentFile(_layer(field, scale)))
        if saved != name:  # somebody else was faster
            storage.delete(saved)
    return FieldFile(explanation, field.field, name)


def _layer(field: FieldFile, scale: ColourScale) -> bytes:
    try:
        with field.open("rb") as file:
            values = np.load(BytesIO(file.read()), allow_pickle=False)
        return heat_layer(values, scale=scale)
    except (OSError, ValueError) as error:
        raise NotFound(f"The heat map's values cannot be read: {error}") from error
