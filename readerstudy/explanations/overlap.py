"""Overlap of stored maps with the mask of the finding."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterable

import numpy as np
from PIL import Image

from explain.evaluate.localisation import iou_at_mask_area, mask_to_model_frame
from explain.images.radiograph import Crop
from explain.render.usable import UnusableMap
from readerstudy.cases.models import Case, Truth
from readerstudy.explanations.models import Explanation

logger = logging.getLogger(__name__)


def overlaps_with(truth: Truth, explanations: Iterable[Explanation], of: str) -> dict[str, float]:
    """IoU by kind of stored maps with the mask; `of` names the example in the log.

    A map or mask that is lost, constant or outside the field of view gives none, and is logged.
    """
    found: dict[str, float] = {}
    try:
        with truth.mask.open("rb") as file:
            mask = _mask(file.read(), truth.case)
    except (OSError, ValueError) as error:
        logger.warning("The mask of %s cannot be read: %s", of, error)
        return found
    for explanation in explanations:
        if not explanation.map:
            continue
        try:
            with explanation.map.open("rb") as file:
                values = np.load(io.BytesIO(file.read()), allow_pickle=False)
            found[explanation.kind] = iou_at_mask_area(values, mask)
        except (OSError, ValueError, UnusableMap) as error:
            logger.warning("No overlap for %s of %s: %s", explanation.kind, of, error)
    return found


def _mask(content: bytes, case: Case) -> np.ndarray:
    pixels = np.asarray(Image.open(io.BytesIO(content)).convert("L"))
    crop = Crop(case.crop_x, case.crop_y, case.crop_size) if case.crop_size else None
    return mask_to_model_frame(pixels, crop)
